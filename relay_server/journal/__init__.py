"""The journal: what a relay keeps of its rooms. The contract, and the stores by URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from relay_server.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay_server.wire import Level


@dataclass(frozen=True, slots=True)
class Row:
    """One stored update of a room; `seq` rises by one per row, 0 is the room's snapshot."""

    seq: int
    update: bytes


class Listener(Protocol):
    """Is told, on the event loop, what became of appended updates."""

    def durable(self, room: str, ticket: int) -> None:
        """Everything up to the ticket is safe."""

    def failed(self, room: str, ticket: int) -> None:
        """The store fails; everything up to the ticket waits in memory and is tried again."""


class Journal(Protocol):
    """A store of updates per room, in order.

    Attributes:
        level: what `durable` is worth.
        backlog: bytes that wait to be written.
        failing: the last attempt to write failed.
    """

    level: Level
    backlog: int
    failing: bool

    async def open(self, listener: Listener) -> None:
        """Starts the journal. Raises StoreFailed."""

    def history(self, room: str) -> str:
        """The id of the room's history: another one when what it had is lost, and so unlike."""

    async def close(self) -> None:
        """Writes what waits, if the store lets it, and ends."""

    def append(self, room: str, ticket: int, update: bytes, awaited: bool = True) -> None:
        """Takes an update; the listener is told of the ticket when it is safe.

        One that nobody awaits an acknowledgement of may wait a little for others.
        """

    def snapshot(self, room: str, state: bytes) -> None:
        """Replaces everything appended to the room so far by one state."""

    async def load(self, room: str) -> Sequence[Row]:
        """Everything appended so far, snapshot first; what still waits included. StoreFailed."""

    async def quarantine(self, room: str, rows: Sequence[Row]) -> None:
        """Sets rows aside that the document library cannot take.

        Without its snapshot the room begins a new history. Raises StoreFailed.
        """


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///PATH` URL.

    Raises:
        BadSetting: not such a URL.
    """
    if url.startswith(("redis:", "rediss:", "valkey:")):
        raise BadSetting("there is no Redis store yet", "--store sqlite:///PATH, or memory:")
    path = url.removeprefix("sqlite:///")
    if path == url or not path:
        raise BadSetting(
            f"no such store: {url}", "memory: or sqlite:///PATH (sqlite:////abs/path.db)"
        )
    return Path(path).expanduser()


def journal_of(url: str) -> Journal:
    """The journal of a store URL: `memory:` or `sqlite:///PATH`.

    Raises:
        BadSetting: no such kind of store.
    """
    if url in ("memory:", "memory://"):
        from relay_server.journal.memory import MemoryJournal

        return MemoryJournal()
    from relay_server.journal.sqlite import SqliteJournal

    return SqliteJournal(sqlite_path(url))
