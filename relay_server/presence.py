"""Who is here: one presence entry per connection in a room, stamped by the relay; pure.

Presence is unauthenticated in the protocol, so the relay makes it true. A client id belongs to the
first member that uses it; entries for other ids are ignored, since stock clients repeat what they
heard of others. The name and role in an entry are the relay's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay_server.effects import Broadcast, Send
from relay_server.errors import WireError
from relay_server.member import Member, display_name, distinct
from relay_server.wire import CAPS, Awareness, Close, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay_server.effects import Effects

_CLOCK_LIMIT: Final = 1 << 40
_REMEMBERED: Final = 1024


@dataclass(slots=True)
class _Seat:
    """A member's place in the table: its client id, and its last state when it has one."""

    member: Member
    client_id: int
    state: str | None
    own_clock: int  # the clock its client used, for the echo


class PresenceTable:
    """The entries of one room.

    Clocks that go out rise strictly per client id, also over a reconnect with an unchanged clock,
    which peers would take for old news.
    """

    def __init__(self) -> None:
        self._seats: dict[int, _Seat] = {}  # by member id
        self._owners: dict[int, int] = {}  # client id -> member id
        self._clocks: dict[int, int] = {}  # client id -> last clock that went out
        self._news: dict[int, tuple[int, Entry]] = {}  # client id -> who said it, entry

    def everybody(self) -> tuple[Entry, ...]:
        """All entries, for somebody who joins or asks."""
        return tuple(
            Entry(seat.client_id, self._clocks[seat.client_id], seat.state)
            for seat in self._seats.values()
            if seat.state is not None
        )

    def update(self, member: Member, entries: tuple[Entry, ...]) -> Entry | None:
        """Takes a message of a member in; the entry to tell the room, or None.

        Raises:
            WireError: the member's state is over the cap.
        """
        for entry in entries:
            seat = self._seat(member, entry)
            if seat is not None:
                if len(entry.state.encode("utf-8", "replace")) > CAPS.awareness_state:
                    raise WireError("presence is too big", Close.TOO_BIG)
                others = [other.member for other in self._seats.values()]
                state = "null" if entry.state == "null" else _stamped(entry.state, member, others)
                if state is None or entry.clock > _CLOCK_LIMIT:
                    return None
                seat.state = None if state == "null" else state
                seat.own_clock = entry.clock
                return self._tell(member.id, entry.client_id, entry.clock, state)
        return None

    def remove(self, member_id: int) -> Entry | None:
        """Forgets a member; the entry that tells the room, when it had one."""
        seat = self._seats.pop(member_id, None)
        if seat is None:
            return None
        del self._owners[seat.client_id]
        if seat.state is None:
            return None
        return self._tell(member_id, seat.client_id, 0, "null")

    def flush(self) -> Effects:
        """Ends the turn: everybody is told what is new."""
        if not self._news:
            return []
        news, self._news = self._news, {}
        effects: Effects = []
        skip = set()
        for member_id, entry in news.values():
            # A client that comes back is told its own clock, not the one that others are told.
            seat = self._seats.get(member_id)
            if seat is not None and seat.own_clock != entry.clock:
                skip.add(member_id)
                others = tuple(e for _, e in news.values() if e is not entry)
                echo = Entry(entry.client_id, seat.own_clock, entry.state)
                effects.append(Send(member_id, Awareness((*others, echo))))
        everything = Awareness(tuple(entry for _, entry in news.values()))
        effects.append(Broadcast(everything, frozenset(skip)))
        return effects

    def _seat(self, member: Member, entry: Entry) -> _Seat | None:
        """The member's seat when the entry is its own, taking the seat at first use."""
        seat = self._seats.get(member.id)
        if seat is not None:
            return seat if seat.client_id == entry.client_id else None
        if entry.state == "null":
            return None
        owner = self._owners.get(entry.client_id)
        if owner is not None:
            # The same person comes back before the old connection was found dead.
            if not self._seats[owner].member.same_person(member):
                return None
            del self._seats[owner]
        seat = self._seats[member.id] = _Seat(member, entry.client_id, None, entry.clock)
        self._owners[entry.client_id] = member.id
        return seat

    def _tell(self, member_id: int, client_id: int, clock: int, state: str) -> Entry:
        clock = max(clock, self._clocks.pop(client_id, -1) + 1)
        self._clocks[client_id] = clock
        if len(self._clocks) > _REMEMBERED + len(self._seats):
            oldest = next(c for c in self._clocks if c not in self._owners)
            del self._clocks[oldest]
        entry = Entry(client_id, clock, state)
        self._news[client_id] = (member_id, entry)
        return entry


def _stamped(text: str, member: Member, others: Iterable[Member]) -> str | None:
    """The state with the relay's stamp, or None when it is no state to pass on."""
    try:
        state = json.loads(text, parse_constant=_refuse)
        if not isinstance(state, dict):
            return None
        user = state.get("user")
        if isinstance(user, dict):
            chosen = user.get("name")
            if not member.pinned and isinstance(chosen, str):
                member.name = display_name(chosen)
                member.name = distinct(member, others)
            user["name"] = member.shown_name
        state["person"] = {
            "name": member.shown_name,
            "role": member.role,
            "connection": member.connection,
        }
        return json.dumps(state, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)
