"""What the studio document holds: one immutable value per file, terminal, job and machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, Self, TypeVar, get_args, get_origin, get_type_hints

from studio_tui.jobs.devices import device_count

JOB_ENDS = frozenset({"succeeded", "failed", "stopped", "lost"})
ENDED_BY_REQUEST = 143  # 128 + SIGTERM
SWITCH_ENDS = frozenset({"done", "failed", "cancelled"})
YES = "yes"
"""The answer to a question of kind "trust" that is no secret."""
NUMBER_LIMIT = 1 << 53
"""Numbers of this size and more are no counts, sizes or times, and not exact in the document."""

T = TypeVar("T")
_kinds_of: dict[type[Any], dict[str, Any]] = {}


def whole(value: Any) -> Any:
    """Undo the document's one numeric type: 3.0 comes back as 3, at any depth."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value


def read_as(kind: type[T], value: Mapping[str, Any]) -> T:
    """An instance of the dataclass `kind` from a dict that any peer may have written.

    Keys that `kind` does not have, and values of another type than its field's, are left out; the
    field's default stands for them. A field without a default must be right.
    """
    kinds = _kinds(kind)
    found = {key: whole(item) for key, item in value.items() if key in kinds}
    return kind(**{key: item for key, item in found.items() if _fits(item, kinds[key])})


def _kinds(kind: type[Any]) -> dict[str, Any]:
    """The fields of a dataclass and their types; looked up once."""
    if kind not in _kinds_of:
        hints = get_type_hints(kind)
        _kinds_of[kind] = {item.name: hints[item.name] for item in fields(kind)}
    return _kinds_of[kind]


def _fits(value: Any, kind: Any) -> bool:
    """Whether `value` is of the annotated type `kind`; true is no number, nor are NaN and inf."""
    if isinstance(kind, UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if get_origin(kind) is list:
        return isinstance(value, list) and all(_fits(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is dict:
        return isinstance(value, dict)
    if kind is float:
        return type(value) in (int, float) and abs(value) < NUMBER_LIMIT
    if kind is int:
        return type(value) is int and abs(value) < NUMBER_LIMIT
    return type(value) is kind if kind in (str, bool, NoneType) else False


@dataclass(frozen=True)
class Entry:
    """A value of one of the studio document's maps.

    Every editor may write there, and so may a newer version: see `read_as` for what is left out.
    """

    id: str

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """The entry that `value`, a dict with a text under "id", describes."""
        return read_as(cls, value)

    def plain(self) -> dict[str, Any]:
        """This entry as the JSON-like dict that the document stores and `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class FileEntry(Entry):
    """An open file. `state`: saved, unsaved, missing (gone from disk), unsavable (see `note`).

    It is as of the last time that the host looked; `digest` is that of the text that it last saw
    on the disk (`SharedText.digest`), "" when it does not tell.
    """

    path: str = ""
    room: str = ""
    state: str = "saved"
    note: str = ""
    digest: str = ""


@dataclass(frozen=True)
class TerminalEntry(Entry):
    """A terminal. `driver` is the name of the person who may type, None while it is free.

    `driver_connection` is the relay's number of that person's connection: a name alone would let
    a second app of the same person type into the first one's terminal unnoticed.

    `named` is whether somebody gave it its title; else that is its command, and what the program
    calls itself says more.

    `access`: open (whoever types first drives), locked (the owner says who drives) or cut (nobody
    types, the owner's panic). `asking` are the names of those who asked for the seat. While it is
    `pinned` its size is not the driver's window's. `recording` is the id of the recording that
    is being made of it, "" while there is none; `note` is why the last one ended by itself.
    """

    title: str = ""
    machine: str = ""
    driver: str | None = None
    driver_connection: int | None = None
    cols: int = 80
    rows: int = 24
    state: str = "running"
    exit_code: int | None = None
    created: float = 0.0
    access: str = "open"
    asking: list[str] = field(default_factory=list)
    pinned: bool = False
    recording: str = ""
    note: str = ""
    named: bool = False


MOVE_ENDS = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True)
class JobMove:
    """A job's way from one machine to another.

    `phase`: preparing (the target), saving (a checkpoint), carrying, leaving (it ends on the
    source and begins on the target), then done, failed or cancelled. `note` is why it failed.
    `step` is where its curves go on, None when that is not known; `asked` and `at` are the Unix
    times at which somebody asked for it and at which it went on; `spent` is what it had cost until
    then. `at` and `spent` are known once it is done.
    """

    source: str = ""
    target: str = ""
    by: str = ""
    asked: float = 0.0
    phase: str = "preparing"
    note: str = ""
    precision: str | None = None
    step: int | None = None
    at: float | None = None
    spent: float | None = None

    @property
    def over(self) -> bool:
        """Whether it has come to its end, whichever."""
        return self.phase in MOVE_ENDS


@dataclass(frozen=True)
class JobEntry(Entry):
    """A job. `state`: queued, starting, running, succeeded, failed, stopped or lost.

    `gpus` are those that it holds or held: {machine: [indices]}. `port` is where a server listens
    on its machine, None for one that is none, and `health` the path that tells how it is.
    `total_steps` is what a training says that it will take, None when it does not.
    `started`, None while it is queued, and `ended` are Unix times in seconds; `cost` is in the
    machine's currency, once it is over; None when its machine has no price. `budget` is what it
    may cost; `budget_state` is "alarm" once `budget_alarm`, a share, of that is spent, and then
    "spent". `moves` are dicts of a JobMove each. `exit_code` is 128 + n for signal n; what ends in
    good order when it is stopped, as Lightning does, was stopped all the same: 143.
    """

    name: str = ""
    state: str = "queued"
    machine: str = "local"
    command: str = ""
    exit_code: int | None = None
    precision: str | None = None
    devices: str | None = None
    nodes: int = 1
    gpus: dict[str, Any] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None
    cost: float | None = None
    budget: float | None = None
    budget_alarm: float | None = None
    budget_state: str = ""
    notes: list[str] = field(default_factory=list)
    by: str = ""
    port: int | None = None
    health: str = ""
    total_steps: int | None = None
    moves: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """A job that was stopped is not taken for one that succeeded."""
        if self.state == "stopped" and not self.exit_code:
            object.__setattr__(self, "exit_code", ENDED_BY_REQUEST)

    @property
    def moved(self) -> list[JobMove]:
        """Its ways to other machines, the first one first; the last may be under way."""
        return [read_as(JobMove, move) for move in self.moves]

    @property
    def machines(self) -> list[str]:
        """Those that it runs on or waits for, and the one that it is on its way to."""
        bound_for = [move.target for move in self.moved[-1:] if not move.over]
        return [*self.machine.split(","), *bound_for]

    @property
    def over(self) -> bool:
        """Whether the job has come to its end, whichever."""
        return self.state in JOB_ENDS

    @property
    def device_count(self) -> int:
        """How many devices it was to have on each machine, or holds if those are more; else one."""
        held = [len(gpus) for gpus in self.gpus.values() if isinstance(gpus, list)]
        return max(device_count(self.devices or "") or 1, *held, 1)

    @property
    def several(self) -> bool:
        """Whether it has more than one process, as far as that is known."""
        return max(self.nodes, len(self.gpus), self.device_count) > 1

    def cost_until(self, moment: float, machines: Mapping[str, MachineEntry]) -> float | None:
        """What the job has cost by a Unix time in seconds; None where nothing is paid.

        Args:
            machines: the studio's, by id; a job on several has their names, joined by commas.
                What it cost before it moved is known already.
        """
        there = [move for move in self.moved if move.phase == "done"]
        spent = there[-1].spent if there else None
        since = self.started if not there else there[-1].at
        known = [machines[name] for name in self.machine.split(",") if name in machines]
        price = sum(machine.price_per_hour or 0.0 for machine in known)
        if not price or since is None:
            return spent
        end = self.ended if self.ended is not None else moment
        return (spent or 0.0) + max(end - since, 0.0) / 3600 * price


@dataclass(frozen=True)
class PortEntry(Entry):
    """A port of a machine that reaches the host's computer, there on `local` of its loopback.

    `state`: open (nobody asks how it is), starting (nothing answers yet), up, failing (it answers
    with an error, or no more) or away (the machine cannot be reached); `note` says more. `job` is
    the server's job, "" for a port that somebody forwarded; `by` is who did.
    """

    machine: str = ""
    port: int = 0
    local: int = 0
    state: str = "open"
    note: str = ""
    job: str = ""
    by: str = ""


@dataclass(frozen=True)
class PinEntry(Entry):
    """What somebody noted at a line of a job's log, for everybody.

    `offset` is the byte of the log that the line starts at, `line` how it begins, `by` the name
    of the person, `time` a Unix time in seconds. Several people may pin the same line.
    """

    job: str = ""
    offset: int = 0
    line: str = ""
    text: str = ""
    by: str = ""
    time: float = 0.0


@dataclass(frozen=True)
class MachineEntry(Entry):
    """A machine of the studio. `gpus`: [{"name", "memory_bytes"}]; price per hour, None unknown.

    `state`: unknown, connecting, up, down (tried again by itself), failed (somebody has to do
    something first) or closed; `note` is why it is down or failed.
    """

    kind: str = "local"
    state: str = "up"
    cpus: int = 0
    memory_bytes: int = 0
    gpus: list[dict[str, Any]] = field(default_factory=list)
    price_per_hour: float | None = None
    note: str = ""


@dataclass(frozen=True)
class SwitchEntry(Entry):
    """The studio's way from one machine to another: the one under way, or the last one.

    `phase`: planning, copying, preparing, finishing, then done, failed or cancelled. `note` is why
    it failed, or what to look at now. `started` and `ended` are Unix times in seconds.
    """

    source: str = ""
    target: str = ""
    by: str = ""
    phase: str = "planning"
    note: str = ""
    started: float = 0.0
    ended: float | None = None

    @property
    def over(self) -> bool:
        """Whether it has come to its end, whichever."""
        return self.phase in SWITCH_ENDS


@dataclass(frozen=True)
class SleepEntry(Entry):
    """How a machine that the studio started goes to sleep, or did last; its id is the machine's.

    `phase`: warning (it sleeps at `until`, a Unix time in seconds), awake (it stays after all),
    going (it is being stopped), asleep, or failed (it could not be stopped). `note` is why.
    """

    phase: str = "awake"
    until: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class QuestionEntry(Entry):
    """What a machine asks before it lets us in; answered at the host's own computer alone.

    `kind`: "secret" for a passphrase or password, "trust" for yes or no to a new host key.
    """

    machine: str = ""
    kind: str = "trust"
    text: str = ""


@dataclass(frozen=True)
class PipelineEntry(Entry):
    """One run of a pipeline. `state`: running, succeeded, failed or stopped.

    `path` is its file, "" when a script gave it. `steps`: [{"name", "kind", "state", "job",
    "note"}], in an order in which they may run; a step's state is waiting, running, succeeded,
    cached, serving, failed, skipped or stopped. Times are Unix times in seconds.
    """

    name: str = ""
    path: str = ""
    state: str = "running"
    steps: list[dict[str, Any]] = field(default_factory=list)
    started: float = 0.0
    ended: float | None = None
    by: str = ""


@dataclass(frozen=True)
class ScheduleEntry(Entry):
    """When the pipeline of a file is run; its id is the file's path.

    `cron` is in the local time of the host, `next` a Unix time in seconds, `note` why the last
    one was left out.
    """

    cron: str = ""
    by: str = ""
    next: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class PointEntry(Entry):
    """Where somebody wants everybody to look: the last such place.

    `line` counts from 1, 0 for no line of the file; `text` is what they say; `by` is the name of
    the person or script, `time` a Unix time in seconds.
    """

    path: str = ""
    line: int = 0
    text: str = ""
    by: str = ""
    time: float = 0.0


@dataclass(frozen=True)
class LessonEntry(Entry):
    """How far everybody is in a lesson; its id is the lesson's name.

    `done` is the number of steps that are done. What was there when it began does not count: `had`
    are the ids of jobs and comments, `was` the digests of files by their paths. `by` is what
    whoever began it is called, `time` a Unix time in seconds.
    """

    done: int = 0
    had: list[str] = field(default_factory=list)
    was: dict[str, Any] = field(default_factory=dict)
    by: str = ""
    time: float = 0.0


@dataclass(frozen=True)
class StudioInfo(Entry):
    """The studio itself: its name, folder on the machine, and the machine with its switch epoch.

    `stopped` is the name of who stopped it, "" while it is open and when its host just went.
    """

    name: str = ""
    dir: str = ""
    machine: str = "local"
    epoch: int = 0
    stopped: str = ""


@dataclass(frozen=True)
class ChatMessage:
    """What somebody said, at a Unix time in seconds. `person` is what they call themselves."""

    person: str = ""
    text: str = ""
    time: float = 0.0
