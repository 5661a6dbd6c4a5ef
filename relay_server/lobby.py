"""The rooms of a relay by name: made at the first granted join, loaded, and forgotten when cold."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter, deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relay_server.access import Policy
from relay_server.effects import Expel
from relay_server.errors import InvalidUpdate
from relay_server.journal import Row
from relay_server.journal.history import new_history
from relay_server.replica import Broken, Replica
from relay_server.room import Room
from relay_server.validate import Survey, read_state_vector, survey
from relay_server.wire import Close

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay_server.effects import Effects
    from relay_server.journal import Journal

log = logging.getLogger(__name__)

_HOST_WRITES: Final = Policy(journaled=False, writers=frozenset(("host",)))

# The first pattern that fits a room's name. What a host can rebuild is not journaled.
POLICIES: Final = (
    ("*/term/*", _HOST_WRITES),
    ("*/job/*", _HOST_WRITES),
    ("*/port/*", _HOST_WRITES),
    ("*", Policy()),
)
_INLINE: Final = 64 << 10  # bytes of history that are walked on the event loop
_STRIKES: Final = 3  # times that a row may be in another's way


@lru_cache(1024)
def policy_of(name: str) -> Policy:
    """The rules of a room."""
    return next(policy for pattern, policy in POLICIES if fnmatchcase(name, pattern))


@dataclass(frozen=True, slots=True)
class History:
    """A room's rows after the validator: the good ones with what they carry, and the bad ones."""

    updates: list[bytes]
    surveys: list[Survey]
    bad: list[Row]


class Lobby:
    """All rooms of a relay.

    Args:
        journal: where documents are kept.
    """

    def __init__(self, journal: Journal) -> None:
        self.rooms: dict[str, Room] = {}
        self.quarantined = 0
        self._journal = journal
        self._ids = itertools.count(1)
        self._empty_since: dict[str, float] = {}
        self._histories: dict[str, str] = {}  # of rooms that are not journaled

    def history(self, name: str) -> str:
        """The id of a room's history; without a journal it ends when the room is forgotten."""
        if policy_of(name).journaled:
            return self._journal.history(name)
        return self._histories.setdefault(name, new_history())

    def room(self, name: str) -> Room:
        """The room of that name, made when there is none."""
        self._empty_since.pop(name, None)
        room = self.rooms.get(name)
        if room is None:
            room = Room(name, policy_of(name), self._ids, self._journal.level)
            self.rooms[name] = room
        return room

    async def load(self, room: Room) -> Effects:
        """Gives a room its history. Rows that cannot be applied are set aside.

        Raises:
            StoreFailed: the journal cannot be read.
            Broken: no selection of its rows can be applied.
        """
        rows = await self._journal.load(room.name)
        if sum(len(row.update) for row in rows) <= _INLINE:
            history = walk(rows)
        else:
            history = await asyncio.to_thread(walk, rows)
        try:
            effects = room.restore(history.updates, history.surveys)
        except Broken:
            history = await asyncio.to_thread(salvage, rows)
            effects = room.restore(history.updates, history.surveys)
        if history.bad:
            effects += await self._set_aside(room, history.bad)
        return effects

    async def _set_aside(self, room: Room, bad: list[Row]) -> Effects:
        self.quarantined += len(bad)
        log.error("room %s: %d stored updates set aside", room.name, len(bad))
        before = self._journal.history(room.name)
        await self._journal.quarantine(room.name, bad)
        effects = room.blame(row.update for row in bad)
        if self._journal.history(room.name) != before:
            reason = "the room begins a new history"
            effects += [Expel(member, Close.HISTORY, reason) for member in room.members]
        return effects

    def cold(self, now: float, linger: float) -> list[Room]:
        """The rooms that have been empty for `linger` seconds."""
        for name, room in self.rooms.items():
            if room.members:
                self._empty_since.pop(name, None)
            else:
                self._empty_since.setdefault(name, now)
        return [
            self.rooms[name] for name, since in self._empty_since.items() if now - since >= linger
        ]

    def forget(self, room: Room) -> None:
        """Drops a room from memory. What it had is the journal's."""
        self.rooms.pop(room.name, None)
        self._empty_since.pop(room.name, None)
        self._histories.pop(room.name, None)


def walk(rows: Sequence[Row]) -> History:
    """Sorts rows by what the validator says of them."""
    history = History([], [], [])
    for row in rows:
        try:
            history.surveys.append(survey(row.update))
            history.updates.append(row.update)
        except InvalidUpdate:
            history.bad.append(row)
    return history


def salvage(rows: Sequence[Row]) -> History:
    """Sorts rows by what the document library says of them too, by applying them one by one.

    A row that builds on what is still to come waits inside the library, and it is the other row,
    when that one comes, that the library refuses. So a row is only bad when those that do not wait
    refuse it, or when it was in another's way again and again.
    """
    history = walk(rows)
    bad = {row.seq for row in history.bad}
    fine = [row for row in rows if row.seq not in bad]
    left = deque(zip(fine, history.surveys, strict=True))
    good: list[_Found] = []
    strikes = Counter[int]()
    replica = Replica()
    while left:
        found = left.popleft()
        if _takes(replica, found):
            good.append(found)
            continue
        replica = _replica_of(good)
        waits = _waiting(good, replica)
        sound = [one for one in good if one[0].seq not in waits]
        without = _replica_of(sound) if waits else replica
        if waits and _takes(without, found):
            strikes.update(waits)
            bad |= {seq for seq in waits if strikes[seq] >= _STRIKES}
            again = [one for one in good if one[0].seq in waits - bad]
            left.extendleft(reversed(again))
            replica, good = without, [*sound, found]
        else:
            bad.add(found[0].seq)
    return History(
        [row.update for row, _ in good],
        [survey for _, survey in good],
        [row for row in rows if row.seq in bad],
    )


_Found = tuple[Row, Survey]  # a row and what the walk found in it


def _takes(replica: Replica, found: _Found) -> bool:
    try:
        replica.append(found[0].update)
        replica.settle()
    except Broken:
        return False
    return True


def _replica_of(found: Iterable[_Found]) -> Replica:
    return Replica(row.update for row, _ in found)


def _waiting(found: Iterable[_Found], replica: Replica) -> set[int]:
    """The rows, by seq, of which something is not part of the document yet."""
    clocks = read_state_vector(replica.state_vector())
    return {
        row.seq
        for row, survey in found
        if any(end > clocks.get(client, 0) for client, end in survey.ends.items())
    }
