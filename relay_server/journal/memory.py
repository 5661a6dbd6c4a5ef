"""A journal in memory: for tests, and for relays whose host keeps the only copy that matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay_server.journal import Row
from relay_server.journal.history import Histories, new_history
from relay_server.wire import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay_server.journal import Listener


class MemoryJournal:
    """Lives and dies with its process; acknowledges at once, and never more than MEMORY."""

    level = Level.MEMORY
    backlog = 0
    failing = False

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}
        self._histories = Histories({"": new_history()})
        self._listener: Listener | None = None

    async def open(self, listener: Listener) -> None:
        """See `Journal.open`."""
        self._listener = listener

    def history(self, room: str) -> str:
        """See `Journal.history`; a new process is a new history."""
        return self._histories.of(room)

    async def close(self) -> None:
        """See `Journal.close`."""
        self._listener = None

    def append(self, room: str, ticket: int, update: bytes, awaited: bool = True) -> None:
        """See `Journal.append`."""
        rows = self._rows.setdefault(room, [])
        rows.append(Row(rows[-1].seq + 1 if rows else 1, update))
        if self._listener is not None:
            self._listener.durable(room, ticket)

    def snapshot(self, room: str, state: bytes) -> None:
        """See `Journal.snapshot`."""
        self._rows[room] = [Row(0, state)]

    async def load(self, room: str) -> Sequence[Row]:
        """See `Journal.load`."""
        return tuple(self._rows.get(room, ()))

    async def quarantine(self, room: str, rows: Sequence[Row]) -> None:
        """See `Journal.quarantine`; here the rows are dropped."""
        if any(row.seq == 0 for row in rows):
            self._histories.begin(room, new_history())
        bad = set(rows)
        self._rows[room] = [row for row in self._rows.get(room, ()) if row not in bad]
