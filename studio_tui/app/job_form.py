"""The form in front of a job: its fields in a newcomer's words, and what is typed into them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio_tui.document.entries import JobEntry
from studio_tui.errors import StudioError, UsageFault

PRECISIONS = (
    "32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true", "transformer-engine",
)  # fmt: skip
STRATEGIES = ("ddp", "fsdp", "deepspeed_stage_2", "deepspeed_stage_3", "auto")
_SCRIPTS = (".py", ".sh")


class WrongField(UsageFault):
    """What stands in a field makes no sense.

    Args:
        field: its name.
    """

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise UsageFault(f"{text!r} is no number", "write one, such as 2")
    return int(text)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageFault(str(error).lower(), "quote what has spaces: 'a b'") from None


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split()


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form.

    Args:
        name: as `Studio.run` calls it.
        label: what stands before it.
        empty: what stands in it while nothing is typed.
        about: what it is for, for somebody who never trained on anything but their own laptop.
        read: from the text that was typed to the value.
        signs: words of what the host answers when the value is wrong.
        offered: values that are completed while they are typed.
    """

    name: str
    label: str
    empty: str
    about: str
    read: Callable[[str], Any] = str
    signs: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()


SCRIPT = Field(
    "script", "script", "name a file, such as train.py",
    "The Python file to run, from the studio's folder. Any other program will do as well.",
    signs=("script", "nothing to run", "there is no ", "no program"),
)  # fmt: skip
ARGS = Field(
    "args", "arguments", "none",
    "What follows the script on its command line, such as --epochs 3. It reads them itself.",
    read=_words, signs=("argument",),
)  # fmt: skip
OPTIONS = (
    Field(
        "name", "name", "the script's; or what tells it apart, such as small-lr",
        "What the list calls it. Of runs of one script with one name it tells precision and start.",
        signs=("a job's name",),
    ),
    Field(
        "machine", "machine", "the studio's; or several, as box1,box2",
        "The computer that trains. Several names make one training that all of them share.",
        signs=("no machine", "machines", "named twice", "cannot be reached"),
    ),
    Field(
        "nodes", "nodes", "as many as machines are named",
        "On how many computers at once. One is right until a single one is too slow.",
        read=_number, signs=("nodes", "node "),
    ),
    Field(
        "devices", "devices", "as in the script; or 1, 2 … 0,1 … auto",
        "How many GPUs of each machine: a number, certain ones as 0,2, or auto for all of them. "
        "A CPU is counted in processes.",
        signs=("devices", "GPU"),
    ),
    Field(
        "precision", "precision", "as in the script; or bf16-mixed …",
        "With how many bits it counts. 32-true is the usual; bf16-mixed is faster and takes less "
        "memory on newer GPUs. F2 shows what each takes, and where that fits.",
        signs=("precision",), offered=PRECISIONS,
    ),
    Field(
        "strategy", "strategy", "as in the script; or ddp, fsdp …",
        "How several GPUs share the work. ddp: each has the whole model and a part of the data. "
        "fsdp: the model is split up, where one GPU is too small for it.",
        signs=("strategy",), offered=STRATEGIES,
    ),
    Field(
        "max_runtime", "stop after", "never; or 30m, 2h …",
        "However far it is, it is stopped after so long, so that a forgotten run costs no more.",
        signs=("length of time", "cannot run for"),
    ),
    Field(
        "budget", "budget", "none; or an amount, such as 5.00",
        "What it may cost: its time at the price of its machine. People are told at 80 %, and at "
        "the end it is stopped, at a checkpoint where Lightning trains.",
        signs=("budget", "price"),
    ),
    Field(
        "retries", "run again", "never; or so many times when it fails",
        "How often it is started anew when it fails. Lightning goes on from its last checkpoint.",
        read=_number, signs=("retries",),
    ),
    Field(
        "secrets", "secrets", "none; or names, such as HF_TOKEN",
        "Keys that the script needs, by name; it finds each in a variable, and no log shows it. "
        "Kept by: studio-tui secret set HF_TOKEN",
        read=_names, signs=("secret", "environment variable"),
    ),
    Field(
        "data", "data", "none; or URLs, such as s3://bucket/images/",
        "What it is trained on: files, bytes and rows are noted with the run, and it is lent "
        "credentials that end. The sources are those of F10; a URL with a space is 'quoted'.",
        read=_words, signs=("address of data", "source of data", "://", "credentials of two"),
    ),
)  # fmt: skip
FIELDS = (SCRIPT, ARGS, *OPTIONS)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A job to start.

    Args:
        script: path relative to the studio's folder.
        args: its arguments.
        options: those of OPTIONS that were given, see `Studio.run`.
    """

    script: str
    args: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def typed(self, name: str) -> str:
        """What somebody would have typed into a field."""
        match name:
            case "script":
                return self.script
            case "args":
                return shlex.join(self.args)
        value = self.options.get(name, "")
        if name == "data":
            return shlex.join(value)
        return ", ".join(value) if isinstance(value, list) else str(value)


def proposed(
    open_path: str, last: Sequence[str], jobs: Iterable[JobEntry], files: Sequence[str]
) -> str:
    """The script that somebody means most likely; "" when there is nothing to go by.

    Args:
        open_path: the file that is seen; "" for none.
        last: the scripts that were run from here, the newest last.
        jobs: those of the studio.
        files: the paths of the studio's folder.
    """
    if open_path.endswith(_SCRIPTS):
        return open_path
    if last:
        return last[-1]
    for job in sorted(jobs, key=lambda job: job.started or 0.0, reverse=True):
        if (first := job.command.partition(" ")[0]).endswith(_SCRIPTS):
            return first
    pythons = [path for path in files if path.endswith(".py")]
    return pythons[0] if len(pythons) == 1 else ""


def read_request(texts: Mapping[str, str]) -> RunRequest:
    """The job that the form asks for.

    Args:
        texts: what stands in each field, by its name.

    Raises:
        WrongField: one of them makes no sense.
    """
    values: dict[str, Any] = {}
    for each in FIELDS:
        text = texts[each.name].strip()
        try:
            if text or each is ARGS:
                values[each.name] = each.read(text)
        except UsageFault as fault:
            raise WrongField(each.name, fault.message, fault.hint) from None
    if SCRIPT.name not in values:
        raise WrongField(SCRIPT.name, "which script?", "name a file, such as train.py")
    script, args = values.pop(SCRIPT.name), values.pop(ARGS.name)
    return RunRequest(script, args, values)


def field_of(problem: StudioError) -> str:
    """The name of the field that an answer is about; "" when it is about none."""
    if isinstance(problem, WrongField):
        return problem.field
    # The script may be named in what is said about another field.
    found = (each for each in (*OPTIONS, ARGS, SCRIPT) if _told_of(each, problem.message))
    return next((each.name for each in found), "")


def _told_of(each: Field, message: str) -> bool:
    return any(sign in message for sign in each.signs)
