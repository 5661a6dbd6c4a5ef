"""Who is let into a room, and as whom: a token, and what the client says of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay_server.errors import AccessDenied
from relay_server.member import Member, display_name
from relay_server.wire import CAPS

if TYPE_CHECKING:
    from relay_server.access import Grant
    from relay_server.keys import Keys
    from relay_server.wire import Token


@dataclass(frozen=True, slots=True)
class Admission:
    """A token that is good for a room, and what came with it.

    Attributes:
        grant: what the token allows.
        role: what the client joins as.
        name: the token's, or else what the client says; "" when neither has one.
        history: of the copy that the client has; "" when it has none or says none.
        own: one of our own clients.
    """

    grant: Grant
    role: str
    name: str = ""
    history: str = ""
    own: bool = field(default=False, kw_only=True)

    def member(self, id: int, connection: int, *, told: bool) -> Member:
        """The member that comes of it; see `Member`."""
        return Member(
            id=id,
            connection=connection,
            name=display_name(self.name),
            role=self.role,
            grant_id=self.grant.jti,
            own=self.own,
            pinned=bool(self.name),
            vouched=self.grant.name is not None,
            told=told,
        )


def admit(keys: Keys, room: str, message: Token, joined: int) -> Admission:
    """Looks at a token for a room.

    Args:
        joined: how many rooms the connection is in already.

    Raises:
        AccessDenied: it is not let in; why.
    """
    if not room or len(room) > CAPS.room or not room.isprintable():
        raise AccessDenied("a room's name is empty, too long or not printable")
    if joined >= CAPS.rooms:
        raise AccessDenied(f"{CAPS.rooms} rooms are joined already", "leave some")
    grant = keys.verify(message.token)
    if not grant.covers(room):
        raise AccessDenied("the token is not good for this room")
    hello = _hello(message.hello)
    return Admission(
        grant,
        grant.assume(hello.get("as", "")),
        grant.name or display_name(hello.get("name", "")),
        hello.get("history", ""),
        own=bool(message.hello),
    )


def _hello(text: str) -> dict[str, str]:
    """What one of our own clients says of itself; nothing when it is not what was agreed."""
    try:
        hello = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(hello, dict):
        return {}
    return {key: value for key, value in hello.items() if isinstance(value, str)}
