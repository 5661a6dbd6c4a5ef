"""What the studio document holds: one immutable value per file, terminal, job and machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

JOB_ENDS = frozenset({"succeeded", "failed", "stopped", "lost"})


def whole(value: Any) -> Any:
    """Undo the document's one numeric type: 3.0 comes back as 3, at any depth."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class Entry:
    """A value of one of the studio document's maps; unknown keys are dropped, missing ones default.

    A newer peer may write keys that this one does not know, so reading never fails on them.
    """

    id: str

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """The entry that `value`, a dict out of the document, describes."""
        known = {item.name for item in fields(cls)}
        return cls(**{key: whole(item) for key, item in value.items() if key in known})

    def plain(self) -> dict[str, Any]:
        """This entry as the JSON-like dict that the document stores and `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class FileEntry(Entry):
    """An open file. `state`: saved, unsaved, missing (gone from disk), unsavable (see `note`)."""

    path: str = ""
    room: str = ""
    state: str = "saved"
    note: str = ""


@dataclass(frozen=True)
class TerminalEntry(Entry):
    """A terminal. `driver` is the name of the person who may type, None while it is free.

    `driver_connection` is the relay's number of that person's connection: a name alone would let
    a second app of the same person type into the first one's terminal unnoticed.
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


@dataclass(frozen=True)
class JobEntry(Entry):
    """A job. `state`: queued, starting, running, succeeded, failed, stopped or lost.

    `started` and `ended` are Unix times in seconds; `cost` is in the machine's currency, None
    when its price is unknown.
    """

    name: str = ""
    state: str = "queued"
    machine: str = "local"
    command: str = ""
    exit_code: int | None = None
    precision: str | None = None
    devices: str | None = None
    nodes: int = 1
    started: float | None = None
    ended: float | None = None
    cost: float | None = None
    notes: list[str] = field(default_factory=list)
    by: str = ""

    @property
    def over(self) -> bool:
        """Whether the job has come to its end, whichever."""
        return self.state in JOB_ENDS


@dataclass(frozen=True)
class MachineEntry(Entry):
    """A machine of the studio. `gpus`: [{"name", "memory_bytes"}]; price per hour, None unknown."""

    kind: str = "local"
    state: str = "up"
    cpus: int = 0
    memory_bytes: int = 0
    gpus: list[dict[str, Any]] = field(default_factory=list)
    price_per_hour: float | None = None


@dataclass(frozen=True)
class StudioInfo(Entry):
    """The studio itself: its name, folder on the machine, and the machine with its switch epoch."""

    name: str = ""
    dir: str = ""
    machine: str = "local"
    epoch: int = 0
