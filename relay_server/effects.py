"""What a room asks of the world around it; plain values, for the shell to carry out in order.

Those that every keystroke makes are not frozen: to make a frozen one costs three times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from relay_server.wire import Message


@dataclass(slots=True)
class Send:
    """One message to one member."""

    member: int
    message: Message


@dataclass(slots=True)
class Broadcast:
    """One message to every member, but for those in `skip`."""

    message: Message
    skip: frozenset[int] = frozenset()


@dataclass(slots=True)
class Append:
    """An update for the journal, which answers with `Room.durable(ticket)`.

    Attributes:
        awaited: a sender is told when it is durable.
    """

    ticket: int
    update: bytes
    awaited: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state, everything appended so far included, for the journal to keep instead."""

    state: bytes


@dataclass(frozen=True, slots=True)
class Reload:
    """The document is lost: load the journal and call `Room.restore`."""


@dataclass(frozen=True, slots=True)
class Expel:
    """Closes a member's whole connection."""

    member: int
    code: int
    reason: str


Effect: TypeAlias = Send | Broadcast | Append | Snapshot | Reload | Expel
Effects: TypeAlias = list[Effect]
