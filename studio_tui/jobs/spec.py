"""What a person asks for when they run a job, checked before anything starts."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from studio_tui.errors import UsageFault
from studio_tui.jobs.budget import USUAL_ALARM, money, share
from studio_tui.jobs.devices import checked_devices, device_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Lightning 2.6: lightning/fabric/plugins/precision/precision.py, _PRECISION_INPUT
PRECISIONS = (
    "transformer-engine",
    "transformer-engine-float16",
    "16-true",
    "16-mixed",
    "bf16-true",
    "bf16-mixed",
    "32-true",
    "64-true",
)
PRECISION_ALIASES = MappingProxyType(
    {"64": "64-true", "32": "32-true", "16": "16-mixed", "bf16": "bf16-mixed"}
)
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps", "tpu")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRATEGY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s?)?")
_PATH = re.compile(r"/[!-~]{0,200}")
LAST_PORT = 65535
_UNITS = (86400, 3600, 60, 1)
MOST_NODES = 64
MOST_RETRIES = 100
LONGEST = 366 * 86400  # seconds
_LIMIT = 128 * 1024  # characters of one argument or value; the kernel refuses longer ones


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as asked for. Empty strings mean: leave it to the script.

    Attributes:
        script: a Python file, relative to the studio's folder or absolute; or
        command: a program with its arguments. Exactly one of the two is given.
        args: what follows the script.
        name: what people call it; the script's or program's name when empty.
        devices: "auto", a count such as "2", or indices such as "0,1" ("3," is the one index 3).
        nodes: machines that it runs on, as many processes on each as it has devices there.
        precision: one of PRECISIONS; an alias is replaced by what it stands for.
        strategy: a name Lightning's registry knows, such as "ddp".
        accelerator: one of ACCELERATORS.
        max_steps: optimizer steps after which training ends.
        max_runtime: seconds after its start at which it is stopped, retries included.
        budget: what it may cost at most, retries included, in the currency of the machine's price.
        budget_alarm: the share of that at which everybody is told.
        retries: how often it is run again when it fails, from its last checkpoint if it has one.
        env: more environment variables.
        secrets: names of secrets that it is given as environment variables.
        data: URLs of what it is trained on, see `studio_tui.data`: what they amount to is noted,
            and it is given short-lived credentials for them.
        port: where it serves HTTP, given to it as PORT; 0 for one that is free; None: it does not.
        health: the path of a server that tells whether it is well.
        python: the interpreter; else the folder's .venv, else the machine's default.

    Raises:
        UsageFault: a value makes no sense; the message says which and what would.
    """

    script: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    name: str = ""
    devices: str = ""
    nodes: int = 1
    precision: str = ""
    strategy: str = ""
    accelerator: str = ""
    max_steps: int | None = None
    max_runtime: int | None = None
    budget: float | None = None
    budget_alarm: float = USUAL_ALARM
    retries: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    port: int | None = None
    health: str = "/health"
    python: str = ""

    def __post_init__(self) -> None:
        self._check_target()
        put = object.__setattr__
        put(self, "name", _checked_name(self.name) or _target_name(self.script, self.command))
        put(self, "precision", canonical_precision(self.precision))
        put(self, "devices", checked_devices(self.devices))
        _check_choice("accelerator", self.accelerator, ACCELERATORS)
        if self.strategy and not _STRATEGY.fullmatch(self.strategy):
            raise UsageFault(
                f"strategy {self.strategy!r} is not a name",
                "give a name Lightning knows, such as ddp, fsdp or deepspeed_stage_2",
            )
        if not 1 <= self.nodes <= MOST_NODES:
            raise UsageFault(f"nodes is {self.nodes}", f"give 1 to {MOST_NODES}")
        if self.nodes > 1 and not self.script:
            raise UsageFault(
                "only a script can run on many nodes", "name one: train.py, or scripts/train.py"
            )
        if self.max_steps is not None and self.max_steps < 1:
            raise UsageFault(f"max_steps is {self.max_steps}", "give 1 or more, or leave it out")
        if self.max_runtime is not None and not 1 <= self.max_runtime <= LONGEST:
            raise UsageFault(
                f"a job cannot run for {self.max_runtime} s at most", "give one second to one year"
            )
        if not 0 <= self.retries <= MOST_RETRIES:
            raise UsageFault(f"retries is {self.retries}", f"give 0 to {MOST_RETRIES}")
        self._check_port()
        put(self, "env", MappingProxyType(_checked_env(self.env)))
        for name in self.secrets:
            _check_variable(name)
        if both := sorted(set(self.secrets) & set(self.env)):
            raise UsageFault(
                f"{both[0]} is given twice, as a secret and as a variable", "leave one of them out"
            )

    @classmethod
    def of(cls, argv: Sequence[str], **values: Any) -> JobSpec:
        """The spec for a command line: a first word that ends in .py is a script."""
        if not argv or not argv[0]:
            raise UsageFault("nothing to run", "name a script: train.py --epochs 3")
        if argv[0].endswith(".py"):
            return cls(script=argv[0], args=tuple(argv[1:]), **values)
        return cls(command=tuple(argv), **values)

    @classmethod
    def from_params(cls, params: Mapping[str, object]) -> JobSpec:
        """The spec for the parameters of a `jobs.run` call, of which nothing is trusted.

        Takes the field names above. Empty values and nulls mean "not given"; `devices`,
        `precision` may be numbers; a `script` that is no .py file is run as a command.
        """
        known = {f.name for f in fields(cls)}
        given = {k: v for k, v in params.items() if v is not None and v != "" and v != []}
        if unknown := sorted(set(given) - known):
            raise UsageFault(
                f"a job has no setting {unknown[0]!r}", f"it has {', '.join(sorted(known))}"
            )
        values: dict[str, Any] = {
            name: _text(name, given[name])
            for name in (
                "name",
                "devices",
                "precision",
                "strategy",
                "accelerator",
                "health",
                "python",
            )
            if name in given
        }
        if "max_steps" in given:
            values["max_steps"] = _integer("max_steps", given["max_steps"])
        for name in ("retries", "nodes", "port"):
            if name in given:
                values[name] = _integer(name, given[name])
        if "max_runtime" in given:
            values["max_runtime"] = duration(_text("max_runtime", given["max_runtime"]))
        if "budget" in given:
            values["budget"] = money(given["budget"])
        if "budget_alarm" in given:
            values["budget_alarm"] = share(given["budget_alarm"])
        if "env" in given:
            values["env"] = _text_map("env", given["env"])
        if "secrets" in given:
            values["secrets"] = _texts("secrets", given["secrets"])
        if "data" in given:
            values["data"] = _texts("data", given["data"])
        args = _texts("args", given.get("args", ()))
        if "command" in given:
            return cls(command=(*_texts("command", given["command"]), *args), **values)
        return cls.of([_text("script", given.get("script", "")), *args], **values)

    def to_params(self) -> dict[str, object]:
        """As from_params takes it: JSON, what was not given left out."""
        told: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None or value == item.default or not (value or value == 0):
                continue
            plain = list(value) if isinstance(value, tuple) else value
            told[item.name] = dict(value) if item.name == "env" else plain
        return told

    @property
    def argv(self) -> tuple[str, ...]:
        """What is run, as a person would type it."""
        return self.command or (self.script, *self.args)

    @property
    def line(self) -> str:
        """The command line, quoted for a shell."""
        return shlex.join(self.argv)

    @property
    def device_count(self) -> int | None:
        """How many devices were asked for; None when that was left open."""
        return device_count(self.devices)

    def _check_port(self) -> None:
        if self.port is None:
            return
        if not 0 <= self.port <= LAST_PORT:
            raise UsageFault(
                f"there is no port {self.port}", f"give 1 to {LAST_PORT}, or 0 for any"
            )
        if not _PATH.fullmatch(self.health):
            raise UsageFault(f"{self.health!r} is no path of a server", "write /health, or /")
        if self.nodes > 1:
            raise UsageFault("a server runs on one machine", "leave out nodes, or port")

    def _check_target(self) -> None:
        if bool(self.script) == bool(self.command):
            raise UsageFault(
                "a job runs either a script or a command",
                "name a script such as train.py, or a command after --",
            )
        if self.script.startswith("-"):
            raise UsageFault(
                f"{self.script!r} is not a script", "for a module, run: python -m package.module"
            )
        for word in (*self.argv, self.python):
            if "\0" in word or len(word) > _LIMIT:
                raise UsageFault("an argument is too long or holds a NUL", "put it in a file")


def canonical_precision(precision: str) -> str:
    """The name Lightning itself uses: "bf16" is "bf16-mixed"; "" stays "".

    Raises:
        UsageFault: Lightning knows no such precision; the hint lists those it knows.
    """
    if not precision or precision in PRECISIONS:
        return precision
    if precision in PRECISION_ALIASES:
        return PRECISION_ALIASES[precision]
    raise UsageFault(
        f"unknown precision {precision!r}",
        f"choose one of {', '.join(PRECISIONS)} (or {', '.join(PRECISION_ALIASES)})",
    )


def duration(text: str) -> int:
    """Seconds from "90", "90s", "45m", "2h", "1d" or several in a row, such as "1h30m".

    Raises:
        UsageFault: it is none of these.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise UsageFault(f"{text!r} is no length of time", "write 90s, 45m, 2h or 1h30m")
    return sum(int(part or 0) * unit for part, unit in zip(match.groups(), _UNITS, strict=True))


def _target_name(script: str, command: tuple[str, ...]) -> str:
    return (script or command[0]).rstrip("/").rsplit("/", 1)[-1][:80]


def _checked_name(name: str) -> str:
    if len(name) > 80 or not name.isprintable():
        raise UsageFault("a job's name is one line of at most 80 characters", "choose another")
    return name


def _check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value and value not in choices:
        raise UsageFault(f"unknown {what} {value!r}", f"choose one of {', '.join(choices)}")


def _checked_env(env: Mapping[str, str]) -> dict[str, str]:
    for name, value in env.items():
        _check_variable(name)
        if "\0" in value or len(value) > _LIMIT:
            raise UsageFault(f"the value of {name} is too long or holds a NUL", "put it in a file")
    return dict(env)


def _check_variable(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageFault(
            f"{name!r} cannot be the name of an environment variable",
            "use letters, digits and underscores, and no digit first",
        )


def _text(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise UsageFault(f"{name} is not text", f"give {name} as text")
    return str(value)


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageFault(f"{name} is not a whole number", f"give {name} as a whole number")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise UsageFault(f"{name} is not a list", f"give {name} as a list of texts")
    return tuple(_text(name, item) for item in value)


def _text_map(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise UsageFault(f"{name} is not a table", f"give {name} as names with values")
    return {_text(name, key): _text(name, item) for key, item in value.items()}
