"""One step of a pipeline: left out when nothing has changed, or run, or copied, and waited for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio_tui.document.entries import JobEntry, PipelineEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.host.machines.sites import Sites
from studio_tui.host.pipelines.transfers import Ask, CopyStopped, Transfers
from studio_tui.pipelines.course import Course, State
from studio_tui.pipelines.spec import Pipeline, Step
from studio_tui.pipelines.transfer import Transfer
from studio_tui.settings.private import read_json, write_json
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

MOST_KEPT = 2000


@dataclass
class Run:
    """One run of a pipeline that is not over.

    Attributes:
        force: whether nothing is left out.
        told: what is known of each step: its state, job, note and key.
    """

    id: str
    pipeline: Pipeline
    force: bool
    by: str
    started: float
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, step in self.pipeline.steps.items():
            self.told.setdefault(name, {"name": name, "kind": step.kind, "state": "waiting"})
        states = {name: State(told["state"]) for name, told in self.told.items()}
        self.course = Course(self.pipeline.steps, states)
        self.resumed = frozenset(self.course.running)

    def tell(self, step: str, **values: str) -> None:
        """Note something of a step."""
        self.told[step].update(values)

    def entry(self, ended: float | None = None) -> PipelineEntry:
        """The run as everybody sees it."""
        for name, state in self.course.states.items():
            self.told[name]["state"] = state.value
        steps = [dict(self.told[name]) for name in self.pipeline.steps]
        return PipelineEntry(
            self.id, self.pipeline.name, self.pipeline.path, self.course.outcome, steps,
            self.started, ended, self.by,
        )  # fmt: skip


class Done:
    """What succeeded, by the key of what it depended on: kept over the host's life.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, key: str, left: str) -> str:
        """The job that did it, or what a copy noted; "" when it was not done.

        Args:
            left: what its outputs are now, see payload/digest.py: what another run has written
                there since is not what this one would.
        """
        match self._read().get(key):
            case [str(by), then] if then == left:
                return by
        return ""

    def keep(self, key: str, by: str, left: str) -> None:
        """It is done; see `find`."""
        kept = {k: b for k, b in self._read().items() if k != key}
        write_json(self._path, dict([*kept.items(), (key, [by, left])][-MOST_KEPT:]))

    def _read(self) -> dict[str, Any]:
        try:
            return read_json(self._path)
        except StudioError as problem:
            log.warning("what pipelines have done is known no more: %s", problem)
            return {}


class Steps:
    """Does the steps of pipelines.

    Args:
        ask: makes calls of this host.
        sites: the studio's machines.
        document: the studio document, which has the jobs and the servers.
        session: the host's session.
        done: what has been done before.
    """

    def __init__(
        self, ask: Ask, sites: Sites, document: StudioDocument, session: Session, done: Done
    ) -> None:
        self._ask = ask
        self._sites = sites
        self._document = document
        self._session = session
        self._done = done
        self._transfers = Transfers(ask)

    async def do(self, run: Run, step: Step, changed: Callable[[], None]) -> State:
        """Bring a step to its end, or find it on its way; returns how it ended.

        It waits until it is known that it has to be done, and runs from then on.

        Args:
            changed: called when something of the step was noted in the run.
        """
        try:
            if step.metric:
                _begin(run, step, changed)
                return await self._judge(run, step)
            if step.transfer is not None:
                return await self._copy(run, step, step.transfer, changed)
            if not run.told[step.name].get("key") and await self._known(run, step):
                return State.CACHED
            _begin(run, step, changed)
            return await self._job(run, step, changed)
        except CopyStopped as problem:
            run.tell(step.name, note=problem.message)
            return State.STOPPED
        except StudioError as problem:
            run.tell(step.name, note=problem.message)
        except Exception:
            # A boundary: nobody but the host awaits a step, and one must not take the studio down.
            log.exception("step %s of pipeline %s failed", step.name, run.id)
            run.tell(step.name, note="the host failed at it: its log says why")
        return State.FAILED

    async def _judge(self, run: Run, step: Step) -> State:
        """Hold a metric's last value against its bounds."""
        job = run.told[step.of].get("job", "")
        metrics = (await self._ask("jobs.metrics", {"job": job}))["metrics"]
        points = metrics.get(step.metric) or [(0, None)]
        wrong = step.judge(points[-1][1])
        run.tell(step.name, note=wrong or f"{step.metric} is {points[-1][1]:.4g}")
        return State.FAILED if wrong else State.SUCCEEDED

    async def _known(self, run: Run, step: Step) -> bool:
        """Note the step's key; whether a job that is still listed has done just this."""
        key = f"{run.id}.{step.name}"
        if step.cached:
            looked = await self._looked(step, step.inputs)
            if looked["without"]:
                raise StudioError(f"inputs {looked['without'][0]!r} name no file")
            key = step.key(looked["files"], [run.told[need].get("key", "") for need in step.needs])
            job = self._done.find(key, looked["left"])
            if job in self._document.jobs and not looked["missing"] and not run.force:
                run.tell(step.name, key=key, job=job)
                return True
        run.tell(step.name, key=key)
        return False

    async def _copy(
        self, run: Run, step: Step, transfer: Transfer, changed: Callable[[], None]
    ) -> State:
        """Copy, unless both ends are as the last copy left them."""
        looked = await self._looked(step, step.inputs)
        if looked["without"]:
            raise StudioError(f"there is no {transfer.path}")

        async def key() -> str:
            mark = await self._transfers.mark(transfer)
            # Both ends are all that counts: what a copy needs, it needs for the order alone.
            files = {**looked["files"], transfer.url: mark}
            return step.key(files, ()) if mark else f"{run.id}.{step.name}"

        before = await key()
        done = self._done.find(before, looked["left"])
        if done and not looked["missing"] and not run.force:
            run.tell(step.name, key=before, note=done)
            return State.CACHED
        run.tell(step.name, key=before)
        _begin(run, step, changed)
        note = await self._transfers.carry(transfer, run.by)
        # A copy changes what it goes to; when its source changes meanwhile, it is done again.
        after = await key() if transfer.out else before
        run.tell(step.name, key=after, note=note)
        self._done.keep(after, note, (await self._looked(step, ()))["left"])
        return State.SUCCEEDED

    async def _job(self, run: Run, step: Step, changed: Callable[[], None]) -> State:
        name = f"{run.pipeline.name}.{step.name}.{run.id[:4]}"
        job = run.told[step.name].get("job", "")
        if not job and step.name in run.resumed:
            job = self._begun(name)
        if not job and step.options.get("port"):
            await self._replace(run, step)  # else its port would be taken
        job = job or await self._start(step, name, run.by)
        run.tell(step.name, job=job)
        changed()
        await self._session.until(lambda: self._settled(job, step))
        entry = self._document.jobs.get(job)
        if step.kind == "serve" and entry is not None and not entry.over:
            await self._replace(run, step)
            return State.SERVING
        if entry is None or entry.state != "succeeded" or step.kind == "serve":
            run.tell(step.name, note=_why(entry))
            return State.STOPPED if entry is not None and entry.state == "stopped" else State.FAILED
        if step.outputs or step.cached:
            looked = await self._looked(step, ())
            if looked["missing"]:
                raise StudioError(f"it did not leave {looked['missing'][0]}")
            if step.cached:
                self._done.keep(run.told[step.name]["key"], job, looked["left"])
        return State.SUCCEEDED

    async def _replace(self, run: Run, step: Step) -> None:
        """Stop the servers that earlier runs of the pipeline left: this one takes their place."""
        mine = (run.pipeline.name, run.pipeline.path)
        for entry in list(self._document.pipelines.values()):
            if entry.id == run.id or (entry.name, entry.path) != mine:
                continue
            for told in entry.steps:
                job = self._document.jobs.get(str(told.get("job", "")))
                if told.get("name") == step.name and job is not None and not job.over:
                    await self._ask("jobs.stop", {"job": job.id}, run.by)

    async def _start(self, step: Step, name: str, by: str) -> str:
        where = {"machine": step.machine} if step.machine else {}
        made = await self._ask("jobs.run", {**step.options, **where, "name": name}, by)
        return str(made["id"])

    def _begun(self, name: str) -> str:
        """The job that a host before this one started, and died before it could note it."""
        return next((job.id for job in self._document.jobs.values() if job.name == name), "")

    def _settled(self, job: str, step: Step) -> bool:
        entry = self._document.jobs.get(job)
        if entry is None or entry.over:
            return True
        ports = self._document.ports.values()
        return step.kind == "serve" and any(p.job == job and p.state == "up" for p in ports)

    async def _looked(self, step: Step, inputs: Sequence[str]) -> dict[str, Any]:
        """What these inputs and a step's outputs are now, see payload/digest.py."""
        site = await self._sites.at(step.machine.split(",")[0] or self._sites.here)
        asked = json.dumps({"inputs": inputs, "outputs": step.outputs}).encode()
        argv = [site.python, f"{site.payload}/digest.py", site.folder]
        done = (await site.connection.run(argv, input=asked)).check("looking at a step's files")
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except ValueError as problem:
            raise StudioError(f"{site.machine.id} does not tell a step's files") from problem
        return found


def _begin(run: Run, step: Step, changed: Callable[[], None]) -> None:
    """Note it before anything is done: the next host looks for what this one has started."""
    run.course.began(step.name)
    changed()


def _why(entry: JobEntry | None) -> str:
    if entry is None:
        return "its job was removed"
    if entry.state == "failed":
        return f"exit {entry.exit_code}" if entry.exit_code is not None else "; ".join(entry.notes)
    return "its server ended" if entry.state == "succeeded" else f"its job was {entry.state}"
