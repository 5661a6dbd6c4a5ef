"""Who may do what: roles, what a token grants, and the one table of roles and messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay_server import wire
from relay_server.errors import AccessDenied, BadSetting

ROLES: Final = ("host", "owner", "editor", "viewer")

_EVERYBODY: Final = frozenset(ROLES)
_WRITERS: Final = frozenset(("host", "owner", "editor"))
_HOST: Final = frozenset(("host",))

# Who may take which role: an owner may lend a connection any role, everybody may step down.
_ASSUMES: Final[dict[str, frozenset[str]]] = {
    "owner": _EVERYBODY,
    "host": frozenset(("host", "viewer")),
    "editor": frozenset(("editor", "viewer")),
    "viewer": frozenset(("viewer",)),
}

# Which roles may send which message. What is not here, nobody may send.
_MAY_SEND: Final[dict[str, frozenset[str]]] = {
    "Step1": _EVERYBODY,
    "QueryAwareness": _EVERYBODY,
    "Awareness": _EVERYBODY,
    "CloseRoom": _EVERYBODY,
    "Ping": _EVERYBODY,
    "Pong": _EVERYBODY,
    "query": _EVERYBODY,
    "command": _WRITERS,
    "Update": _WRITERS,
    "Step2": _WRITERS,
    "Stream": _WRITERS,
    "Reply": _HOST,
    "admission": frozenset(("host", "owner")),
}
_WRITES: Final = frozenset(("Update", "Step2"))
RELAY_CALLS: Final = "relay."  # methods that the relay answers itself: who is let in, and as what


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one kind of room.

    Attributes:
        journaled: its document is kept by the store; otherwise it lives while somebody is there.
        writers: the roles that may write its document.
    """

    journaled: bool = True
    writers: frozenset[str] = _WRITERS


@dataclass(frozen=True, slots=True)
class Grant:
    """What a verified token allows.

    Attributes:
        name: the person's name when the token pins it.
        role: one of `ROLES`.
        room: prefix of the rooms it is good for.
        expires: Unix time in seconds.
        jti: the token's id.
    """

    name: str | None
    role: str
    room: str
    expires: float
    jti: str

    def covers(self, room: str) -> bool:
        """Whether the grant is good for a room."""
        return self.room == "*" or room == self.room or room.startswith(self.room + "/")

    def assume(self, role: str) -> str:
        """The role to join with, "" meaning the token's own.

        Raises:
            AccessDenied: the token does not allow that role.
        """
        wanted = role or self.role
        if wanted not in _ASSUMES[self.role]:
            raise AccessDenied(
                f"a token with the role {self.role} cannot join as {wanted}",
                "ask the studio's owner for a token with that role",
            )
        return wanted


def kind_of(message: wire.Message) -> str:
    """The row of the table that a message belongs to."""
    if isinstance(message, wire.Call):
        if message.method.startswith(RELAY_CALLS):
            return "admission"
        return "command" if message.changes else "query"
    return type(message).__name__


def authorize(role: str, message: wire.Message, policy: Policy) -> bool:
    """Whether a member with this role may send this message to a room with this policy.

    A Step2 counts as a write here; that one without news changes nothing is for the room to find.
    """
    kind = kind_of(message)
    if role not in _MAY_SEND.get(kind, frozenset()):
        return False
    return kind not in _WRITES or role in policy.writers


def check_role(role: str) -> None:
    """Raises BadSetting when there is no such role."""
    if role not in ROLES:
        raise BadSetting(f"no such role: {role}", f"one of {', '.join(ROLES)}")
