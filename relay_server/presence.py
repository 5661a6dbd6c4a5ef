"""Who is here: one presence entry per connection in a room, stamped by the relay; pure.

Presence is unauthenticated in the protocol, so the relay makes it true. A client id belongs to the
first member that uses it; entries for other ids are ignored, since stock clients repeat what they
heard of others. The name and role in an entry are the relay's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay_server.errors import WireError
from relay_server.wire import CAPS, Close, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay_server.room import Member

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
                return self._sent(entry.client_id, entry.clock, state)
        return None

    def echo(self, member_id: int, entry: Entry) -> Entry:
        """The entry as its own client may see it: with the clock that the client knows."""
        seat = self._seats.get(member_id)
        return entry if seat is None else Entry(entry.client_id, seat.own_clock, entry.state)

    def remove(self, member_id: int) -> Entry | None:
        """Forgets a member; the entry that tells the room, when it had one."""
        seat = self._seats.pop(member_id, None)
        if seat is None:
            return None
        del self._owners[seat.client_id]
        if seat.state is None:
            return None
        return self._sent(seat.client_id, 0, "null")

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

    def _sent(self, client_id: int, clock: int, state: str) -> Entry:
        clock = max(clock, self._clocks.pop(client_id, -1) + 1)
        self._clocks[client_id] = clock
        if len(self._clocks) > _REMEMBERED + len(self._seats):
            oldest = next(c for c in self._clocks if c not in self._owners)
            del self._clocks[oldest]
        return Entry(client_id, clock, state)


def display_name(text: str) -> str:
    """A name fit to show: printable, one line, at most `CAPS.name` characters."""
    return "".join(c for c in text if c.isprintable()).strip()[: CAPS.name]


def distinct(member: Member, others: Iterable[Member]) -> str:
    """The member's name, with its connection's number when it is another's by that one's token."""
    name = member.name
    taken = (
        name
        and not member.vouched
        and any(
            other.vouched
            and other.name.casefold() == name.casefold()
            and other.grant_id != member.grant_id
            for other in others
        )
    )
    return f"{name}~{member.connection}" if taken else name


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
