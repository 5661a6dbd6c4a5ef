"""A member: one connection's place in one room, and the name that others see it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay_server.wire import CAPS, Sender

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(slots=True)
class Member:
    """One connection's place in a room.

    Attributes:
        id: unique over the relay's life.
        connection: number of the socket, the same in all its rooms.
        name: display name, "" when it has not said one.
        role: one of `access.ROLES`.
        grant_id: id of the token it joined with.
        own: one of our own clients, which is told of durability by Ack.
        pinned: the name is not the client's to change.
        vouched: the name is the token's, and nobody else's.
        told: it is told when what it sent is durable; y-websocket has no word for it.
        sent: Update and Step2 messages it has sent here.
        writes: its role may write the document; set when it joins.
    """

    id: int
    connection: int
    name: str
    role: str
    grant_id: str = ""
    own: bool = False
    pinned: bool = False
    vouched: bool = False
    told: bool = True
    sent: int = 0
    writes: bool = False

    @property
    def shown_name(self) -> str:
        """The name for others to see."""
        return self.name or f"guest-{self.connection}"

    @property
    def sender(self) -> Sender:
        """The stamp on what it sends."""
        return Sender(self.connection, self.shown_name, self.role)

    def same_person(self, other: Member) -> bool:
        """Whether both joined with one token under one name."""
        return self.grant_id == other.grant_id and (self.pinned, self.name) == (
            other.pinned,
            other.name,
        )


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


def tell_apart(newcomer: Member, others: Collection[Member]) -> None:
    """See that nobody has the name that another one's token vouches for."""
    newcomer.name = distinct(newcomer, others)
    if newcomer.vouched:
        for other in others:
            other.name = distinct(other, [newcomer])
