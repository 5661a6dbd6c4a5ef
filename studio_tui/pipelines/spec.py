"""What a pipeline is: steps and what each of them needs, read from TOML or a dict and checked."""

from __future__ import annotations

import difflib
import glob
import hashlib
import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from studio_tui.errors import StudioError, UsageFault
from studio_tui.jobs.spec import JobSpec
from studio_tui.pipelines import values
from studio_tui.pipelines.transfer import Transfer, read_transfer
from studio_tui.pipelines.values import Wrong

KINDS = ("job", "check", "serve", "data")
MOST_STEPS = 64
MOST_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_OWN = ("kind", "needs", "inputs", "outputs", "machine", "metric", "of", "below", "above")
_TOP = ("name", "steps")
_AT = re.compile(r"\s*\(at line (\d+), column \d+\)")


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        kind: job: done when it ends with 0; check: a job too, or a bound of a metric; serve: done
            when its server is well, and left running; data: done when it is copied.
        needs: the steps that have to be done before.
        inputs: patterns of files; a step with inputs is not run again while they, its own
            settings and what it needs are as they were when it succeeded.
        outputs: files that it leaves; it is run again when one of them is gone, or another now.
        machine: where it runs; the studio's machine when "".
        options: what `jobs.run` takes; empty for what is no job.
        metric, of, below, above: the last value of which metric of which step has to be where.
        transfer: what is copied, of a data step.
    """

    name: str
    kind: str = "job"
    needs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    machine: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    metric: str = ""
    of: str = ""
    below: float | None = None
    above: float | None = None
    transfer: Transfer | None = None

    @property
    def cached(self) -> bool:
        """Whether it may be left out when nothing has changed."""
        return self.transfer is not None or (bool(self.inputs) and self.kind != "serve")

    def key(self, files: Mapping[str, str], needs: Sequence[str]) -> str:
        """What tells whether anything has changed: a hash of all that it depends on.

        Args:
            files: its inputs with the hashes of their contents.
            needs: the keys of the steps that it needs.
        """
        asked = dict(self.options) if self.transfer is None else asdict(self.transfer)
        told = [self.name, self.kind, self.machine, asked, dict(files), list(needs)]
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def judge(self, value: float | None) -> str:
        """What is wrong with the metric's last value; "" when nothing is."""
        if value is None:
            return f"{self.of} has no metric {self.metric}"
        if self.below is not None and not value < self.below:
            return f"{self.metric} is {value:.4g}, not below {self.below:g}"
        if self.above is not None and not value > self.above:
            return f"{self.metric} is {value:.4g}, not above {self.above:g}"
        return ""


@dataclass(frozen=True)
class Pipeline:
    """Steps by name, in an order in which they may run.

    Attributes:
        plain: what it was read from, JSON-like.
        path, text: the file that it came from; "" when it came from a script.
    """

    name: str
    steps: Mapping[str, Step]
    plain: Mapping[str, Any]
    path: str = ""
    text: str = ""

    def fault(self, step: str, key: str, message: str, hint: str) -> UsageFault:
        """An error that says where in the file it is."""
        return _told(Wrong(step, key, message, hint), self.path, self.text)


def read_toml(text: str, path: str) -> Pipeline:
    """The pipeline in a file.

    Raises:
        UsageFault: it is none; the message begins with path and line.
    """
    if len(text) > MOST_BYTES:
        raise UsageFault(f"{path} is too large for a pipeline", "give the path of a pipeline.toml")
    try:
        plain = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:  # ValueError: an integer of 4301 digits, too
        at = _AT.search(str(problem))
        line = at[1] if at else str(text.count("\n") + 1)
        said = _AT.sub("", str(problem)) or "it is nested too deeply"
        raise UsageFault(f"{path}:{line}: no TOML: {said}", "look at that line") from None
    name = path.rpartition("/")[2].removesuffix(".toml")
    return read(plain, path, text, default=name)


def read(plain: object, path: str = "", text: str = "", default: str = "pipeline") -> Pipeline:
    """The pipeline that a dict in the shape of the file describes.

    Raises:
        UsageFault: it is none; says which step, and where in `text` if there is any.
    """
    try:
        table = values.table("", "", plain)
        values.check_known("", table, _TOP)
        name = table.get("name", default)
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 40:
            raise Wrong("", "name", "the name is not a line of at most 40 characters", "shorten it")
        told = values.table("", "steps", table.get("steps", {}))
        if not 0 < len(told) <= MOST_STEPS:
            raise Wrong(
                "", "steps", f"it has {len(told)} steps", f"give 1 to {MOST_STEPS}: [steps.x]"
            )
        steps = {key: _step(key, values.table(key, "", value)) for key, value in told.items()}
        ordered = _ordered({key: _bound(step, steps) for key, step in steps.items()})
    except Wrong as wrong:
        raise _told(wrong, path, text) from None
    return Pipeline(name, ordered, table, path, text)


def _told(wrong: Wrong, path: str, text: str) -> UsageFault:
    where = f"{path}:{_line(text, wrong.step, wrong.key)}: " if path else ""
    step = f"step {wrong.step}: " if wrong.step else ""
    return UsageFault(f"{where}{step}{wrong.message}", wrong.hint)


def _line(text: str, step: str, key: str) -> int:
    """The line of a step's key, as far as it can be found: else that of the step, else 1."""
    lines, at = text.splitlines(), 0
    if step:
        header = re.compile(rf"\s*\[\s*steps\s*\.\s*[\"']?{re.escape(step)}[\"']?\s*\]")
        at = next((n for n, line in enumerate(lines) if header.match(line)), 0)
    for number in range(at + 1 if step else 0, len(lines)):
        if step and lines[number].lstrip().startswith("["):
            break
        if key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", lines[number]):
            return number + 1
    return at + 1


def _step(name: str, told: Mapping[str, Any]) -> Step:
    for key, value in told.items():
        if values.is_huge(value):
            raise Wrong(name, key, f"{key} has a number of over 64 bits", "write a smaller one")
    if not _NAME.fullmatch(name):
        raise Wrong(name, "", "a step's name has letters, digits, - and _", "rename it")
    kind = told.get("kind", "job")
    if kind not in KINDS:
        raise Wrong(name, "kind", f"there is no kind {kind!r}", f"choose {', '.join(KINDS)}")
    needs = values.texts(name, "needs", told)
    if kind == "data":
        return _data(name, needs, told)
    options = {key: value for key, value in told.items() if key not in _OWN}
    bound = kind == "check" and "metric" in told
    if bound:
        values.check_known(name, told, _OWN)
    for key in ("metric", "of", "below", "above"):
        if key in told and not bound:
            raise Wrong(name, key, f"{key} belongs to a check of a metric", 'kind = "check"')
    for key in ("from", "to"):
        if key in told:
            raise Wrong(name, key, f"{key} belongs to a step that copies", 'kind = "data"')
    return Step(
        name,
        kind,
        needs,
        values.patterns(name, "inputs", told),
        values.patterns(name, "outputs", told),
        values.text(name, "machine", told),
        {} if bound else _options(name, kind, options),
        values.text(name, "metric", told),
        values.text(name, "of", told),
        values.number(name, "below", told),
        values.number(name, "above", told),
    )


def _data(name: str, needs: tuple[str, ...], told: Mapping[str, Any]) -> Step:
    """A step that copies: the end in the studio's folder is what it needs or leaves there."""
    values.check_known(name, told, ("kind", "needs", "from", "to"))
    found = read_transfer(name, told)
    here = (glob.escape(found.path),)
    inputs, outputs = (here, ()) if found.out else ((), here)
    return Step(name, "data", needs, inputs, outputs, transfer=found)


def _options(name: str, kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """What a job is asked for with, held against what a job takes."""
    if isinstance(command := options.get("command"), str):
        try:
            options["command"] = shlex.split(command)
        except ValueError as problem:
            raise Wrong(name, "command", f"{command!r}: {problem}", "write it as a list") from None
    if kind == "serve":
        options.setdefault("port", 0)
    try:
        JobSpec.from_params(options)
    except StudioError as problem:
        key = next((key for key in options if key in problem.message), "")
        raise Wrong(name, key, problem.message, problem.hint) from None
    return options


def _bound(step: Step, steps: Mapping[str, Step]) -> Step:
    """A step whose needs exist; a check of a metric needs the step whose metric it is."""
    for need in (*step.needs, *([step.of] if step.of else [])):
        if need not in steps:
            near = difflib.get_close_matches(need, steps, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(steps)}"
            key = "needs" if need in step.needs else "of"
            raise Wrong(step.name, key, f"there is no step {need!r}", hint)
    if not step.metric:
        return step
    if step.below is None and step.above is None:
        raise Wrong(step.name, "metric", "it has no bound", "give below = 2.5, or above")
    of = step.of or (step.needs[0] if len(step.needs) == 1 else "")
    if not of or not steps[of].options:
        raise Wrong(step.name, "of", "it is not said whose metric", 'name a job: of = "train"')
    needs = step.needs if of in step.needs else (*step.needs, of)
    return Step(**{**step.__dict__, "of": of, "needs": needs})


def _ordered(steps: Mapping[str, Step]) -> dict[str, Step]:
    """The steps, each after those that it needs, otherwise as they were written."""
    done: dict[str, Step] = {}
    while len(done) < len(steps):
        ready = [s for s in steps.values() if s.name not in done and set(s.needs) <= set(done)]
        if not ready:
            raise _circle({name: step for name, step in steps.items() if name not in done})
        done[ready[0].name] = ready[0]
    return done


def _circle(steps: Mapping[str, Step]) -> Wrong:
    """Names one circle among steps of which each needs another of them."""
    name, way = next(iter(steps)), []
    while name not in way:
        way.append(name)
        name = next(need for need in steps[name].needs if need in steps)
    circle = [*way[way.index(name) :], name]
    return Wrong(
        name, "needs", f"{' needs '.join(circle)}: none of them can begin", "take one of them out"
    )
