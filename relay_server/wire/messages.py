"""What is said on the wire, and how large it may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Caps:
    """Every bound of the protocol. Sizes are in bytes, counts are per connection."""

    message: int = 1 << 20  # one websocket message from a client
    state: int = 1 << 28  # one websocket message from the relay: the whole state of a room
    varint: int = 10
    integer: int = (1 << 53) - 1  # what a JavaScript number holds exactly
    room: int = 512
    token: int = 8192
    hello: int = 1024
    history: int = 64
    reason: int = 1024
    name: int = 80  # display name, in characters
    stream: int = 256  # name of a stream, of a method
    awareness_state: int = 4096  # as a client sends it
    awareness_stamped: int = 16384  # as the relay passes it on
    awareness_entries: int = 1024
    rooms: int = 256
    calls: int = 256  # pending at once
    before_auth: int = 64 << 10


CAPS: Final = Caps()


class Close(IntEnum):
    """Websocket close codes. 44xx: do not come back like this. 45xx and 1012: try again."""

    RESTART = 1012
    PROTOCOL = 4400
    TOKEN = 4401
    REVOKED = 4403
    AUTH_TIMEOUT = 4408
    TOO_BIG = 4413
    FLOOD = 4429
    INTERNAL = 4500
    ROLE_CHANGED = 4503
    HISTORY = 4504
    SLOW_READER = 4508


class Level(IntEnum):
    """How safe an acknowledged update is."""

    MEMORY = 1
    DISK = 2
    CLUSTER = 3


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent it, as the relay knows them. What a client claims here is replaced."""

    connection: int
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One client's presence. `state` is JSON text; "null" means gone."""

    client_id: int
    clock: int
    state: str


@dataclass(frozen=True, slots=True)
class Token:
    """Asks to join a room. `client` is the client's version.

    `hello`, from our own clients alone: JSON `{"name": str, "as": role or "", "history": id or ""}`
    where "history" is that of the copy which the client has.
    A token `invite:CODE` is exchanged for a real one, see `Issued`; it joins nothing.
    """

    token: str
    client: str = ""
    hello: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """The token that an invite was exchanged for; the answer to a Token that begins "invite:"."""

    token: str


@dataclass(frozen=True, slots=True)
class History:
    """Which history the room's document has, told to our own clients alone.

    After Granted: remember it with the copy. Before Denied: the copy that the client said it has is
    of another history, and must not be merged blindly.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Granted:
    """The room is joined, "read-write" or "readonly"."""

    scope: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The room is not joined."""

    reason: str


@dataclass(frozen=True, slots=True)
class Step1:
    """Here is what I have; send me the rest."""

    state_vector: bytes


@dataclass(frozen=True, slots=True)
class Step2:
    """Here is the rest you asked for."""

    update: bytes


@dataclass(slots=True)  # not frozen, which would triple the cost of what is nearly all traffic
class Update:
    """A change of the document."""

    update: bytes


@dataclass(frozen=True, slots=True)
class Awareness:
    """Presence of one client (from a client) or of several (from the relay)."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class QueryAwareness:
    """Send me everybody's presence."""


@dataclass(frozen=True, slots=True)
class Stateless:
    """Hocuspocus' message without a document."""

    payload: str


@dataclass(frozen=True, slots=True)
class CloseRoom:
    """Leaves one room of the connection, or tells a client that it was left."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """One Update or Step2 of yours is durable (True) or was refused (False)."""

    applied: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Belongs to the connection, not to a room."""


@dataclass(frozen=True, slots=True)
class Pong:
    """I am here."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Ordered bytes that are never stored."""

    stream: str
    seq: int
    data: bytes
    sender: Sender | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the room's host. `changes` False: a query, which any role may send."""

    call_id: int
    method: str
    params: bytes
    changes: bool
    sender: Sender | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The host's answer. When not `ok`, `body` is UTF-8 JSON {"message", "hint", "code"}."""

    call_id: int
    ok: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """Updates 1..seq of this connection in this room are safe to `level`."""

    seq: int
    level: Level


Message: TypeAlias = (
    Token
    | Granted
    | Denied
    | Step1
    | Step2
    | Update
    | Awareness
    | QueryAwareness
    | Stateless
    | CloseRoom
    | SyncStatus
    | Ping
    | Pong
    | Stream
    | Call
    | Reply
    | Ack
    | Issued
    | History
)


class Type(IntEnum):
    """The number before a payload. From 100 on they are ours."""

    SYNC = 0
    AWARENESS = 1
    AUTH = 2
    QUERY = 3
    SYNC_REPLY = 4
    STATELESS = 5
    CLOSE = 7
    SYNC_STATUS = 8
    PING = 9
    PONG = 10
    STREAM = 100
    CALL = 101
    REPLY = 102
    ACK = 103
    ISSUED = 104
    HISTORY = 105
