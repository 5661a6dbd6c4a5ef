"""Messages <-> bytes, in both framings; pure, and bounded on the way in.

On `/` (Hocuspocus 4.x) every message is `varString room, varUint type, payload`, but Ping and Pong,
which are one bare byte. On `/<room>` (y-websocket) it is `varUint type, payload`. Integers are lib0
varUints, strings are UTF-8 with a varUint byte length. Types from 100 are ours and only travel
between our own peers.

Whatever the bytes are, decoding returns a message or raises `WireError`: nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal, TypeAlias

from relay_server.errors import WireError


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
Framing: TypeAlias = Literal["hocuspocus", "y"]

_SYNC, _AWARENESS, _AUTH, _QUERY, _SYNC_REPLY, _STATELESS = 0, 1, 2, 3, 4, 5
_CLOSE, _SYNC_STATUS, _PING, _PONG = 7, 8, 9, 10
_STREAM, _CALL, _REPLY, _ACK, _ISSUED, _HISTORY = 100, 101, 102, 103, 104, 105


# ---------------------------------------------------------------- writing


_SHORT: Final = [bytes((value,)) for value in range(128)]


def write_uint(value: int) -> bytes:
    """lib0 varUint."""
    if value < 128:
        return _SHORT[value]
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_bytes(value: bytes) -> bytes:
    """lib0 varUint8Array."""
    return write_uint(len(value)) + value


def write_string(value: str) -> bytes:
    """lib0 varString. A lone surrogate, which UTF-8 cannot say, becomes "?"."""
    return write_bytes(value.encode("utf-8", "replace"))


def _write_sender(sender: Sender | None) -> bytes:
    if sender is None:
        return b"\0"
    return (
        b"\1"
        + write_uint(sender.connection)
        + write_string(sender.name)
        + write_string(sender.role)
    )


def _write_awareness(entries: tuple[Entry, ...]) -> bytes:
    parts = [write_uint(len(entries))]
    parts += [
        write_uint(e.client_id) + write_uint(e.clock) + write_string(e.state) for e in entries
    ]
    return write_bytes(b"".join(parts))


def _write_token(message: Token) -> bytes:
    body = b"\2\0" + write_string(message.token) + write_string(message.client)
    return body + write_string(message.hello) if message.hello else body


def _write_call(message: Call) -> bytes:
    return (
        write_uint(_CALL)
        + write_uint(message.call_id)
        + write_string(message.method)
        + write_bytes(message.params)
        + write_uint(message.changes)
        + _write_sender(message.sender)
    )


def _write_stream(message: Stream) -> bytes:
    return (
        write_uint(_STREAM)
        + write_string(message.stream)
        + write_uint(message.seq)
        + write_bytes(message.data)
        + _write_sender(message.sender)
    )


def encode_body(message: Message) -> bytes:
    """Type and payload, as they follow the room's name on `/`."""
    if isinstance(message, Update):  # nearly all traffic; the first case of a match costs more
        return b"\0\2" + write_uint(len(message.update)) + message.update
    match message:
        case Step2(update):
            return b"".join(step2_parts(update))
        case Step1(state_vector):
            return b"\0\0" + write_bytes(state_vector)
        case Awareness(entries):
            return b"\1" + _write_awareness(entries)
        case Ack(seq, level):
            return write_uint(_ACK) + write_uint(seq) + write_uint(level)
        case SyncStatus(applied):
            return b"\x08\1" if applied else b"\x08\0"
        case Stream():
            return _write_stream(message)
        case Call():
            return _write_call(message)
        case Reply(call_id, ok, body):
            return write_uint(_REPLY) + write_uint(call_id) + write_uint(ok) + write_bytes(body)
        case Token():
            return _write_token(message)
        case Denied(reason):
            return b"\2\1" + write_string(reason)
        case Granted(scope):
            return b"\2\2" + write_string(scope)
        case Issued(token):
            return write_uint(_ISSUED) + write_string(token)
        case History(id):
            return write_uint(_HISTORY) + write_string(id)
        case QueryAwareness():
            return b"\3"
        case Stateless(payload):
            return b"\5" + write_string(payload)
        case CloseRoom(reason):
            return b"\7" + write_string(reason)
        case Ping():
            return b"\x09"
        case Pong():
            return b"\x0a"


def step2_parts(update: bytes) -> tuple[bytes, bytes]:
    """What `encode_body` makes of a Step2, in two parts, for it may be a whole document."""
    return b"\0\1" + write_uint(len(update)), update


def encode(room: str, message: Message) -> bytes:
    """A message for `/`. Ping and Pong take no room."""
    if isinstance(message, Ping | Pong):
        return encode_body(message)
    return write_string(room) + encode_body(message)


def encode_y(message: Message) -> bytes | None:
    """A message for `/<room>`, or None when y-websocket has no word for it."""
    match message:
        case Step1() | Step2() | Update() | Awareness() | QueryAwareness():
            return encode_body(message)
        case Denied(reason):
            return b"\2\0" + write_string(reason)
        case _:
            return None


# ---------------------------------------------------------------- reading


class _Reader:
    """A cursor over bytes that never reads past their end."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)

    def uint(self) -> int:
        data, at, end = self.data, self.at, self.end
        value = shift = 0
        for _ in range(CAPS.varint):
            if at >= end:
                raise WireError("message ends inside an integer")
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                if value > CAPS.integer:
                    raise WireError("integer out of range")
                self.at = at
                return value
            shift += 7
        raise WireError(f"integer longer than {CAPS.varint} bytes")

    def flag(self) -> bool:
        value = self.uint()
        if value > 1:
            raise WireError(f"{value} where 0 or 1 was expected")
        return value == 1

    def blob(self, cap: int = CAPS.state) -> bytes:
        size = self.uint()
        if size > self.end - self.at:
            raise WireError("length runs past the end of the message")
        if size > cap:
            raise WireError(f"field of {size} bytes, at most {cap} allowed", Close.TOO_BIG)
        start = self.at
        self.at = start + size
        return self.data[start : self.at]

    def string(self, cap: int = CAPS.state) -> str:
        try:
            return self.blob(cap).decode()
        except UnicodeDecodeError:
            raise WireError("text is not UTF-8") from None

    @property
    def left(self) -> int:
        return self.end - self.at

    def done(self) -> None:
        if self.left:
            raise WireError(f"{self.left} bytes follow the message")


def _read_sync(r: _Reader) -> Message:
    kind = r.uint()
    if kind == 2:
        return Update(r.blob())
    if kind == 1:
        return Step2(r.blob())
    if kind == 0:
        return Step1(r.blob())
    raise WireError(f"sync message of unknown kind {kind}")


def _read_awareness(r: _Reader) -> Message:
    inner = _Reader(r.blob())
    count = inner.uint()
    if count > CAPS.awareness_entries or count * 3 > inner.left:
        raise WireError(f"presence message claims {count} entries")
    entries = tuple(
        Entry(inner.uint(), inner.uint(), inner.string(CAPS.awareness_stamped))
        for _ in range(count)
    )
    inner.done()
    return Awareness(entries)


def _read_token(r: _Reader) -> Message:
    token = r.string(CAPS.token)
    client = r.string(CAPS.reason) if r.left else ""
    hello = r.string(CAPS.hello) if r.left else ""
    r.at = r.end  # later versions of the protocol may say more
    return Token(token, client, hello)


def _read_auth(r: _Reader) -> Message:
    kind = r.uint()
    if kind == 0:
        return _read_token(r)
    if kind == 1:
        return Denied(r.string(CAPS.reason))
    if kind == 2:
        return Granted(r.string(CAPS.reason))
    raise WireError(f"auth message of unknown kind {kind}")


def _read_auth_y(r: _Reader) -> Message:
    if r.uint() != 0:
        raise WireError("auth message of unknown kind")
    return Denied(r.string(CAPS.reason))


def _read_sender(r: _Reader) -> Sender | None:
    if not r.flag():
        return None
    return Sender(r.uint(), r.string(CAPS.name * 4), r.string(CAPS.stream))


def _read_stream(r: _Reader) -> Message:
    return Stream(r.string(CAPS.stream), r.uint(), r.blob(), _read_sender(r))


def _read_call(r: _Reader) -> Message:
    return Call(r.uint(), r.string(CAPS.stream), r.blob(), r.flag(), _read_sender(r))


def _read_reply(r: _Reader) -> Message:
    return Reply(r.uint(), r.flag(), r.blob())


def _read_ack(r: _Reader) -> Message:
    seq, level = r.uint(), r.uint()
    if level not in (1, 2, 3):
        raise WireError(f"acknowledgement of unknown level {level}")
    return Ack(seq, Level(level))


def _read_close(r: _Reader) -> Message:
    return CloseRoom(r.string(CAPS.reason) if r.left else "")


# SyncReply carries what Sync does; it only tells the receiver to ask nothing back.
_READERS: Final[dict[int, Callable[[_Reader], Message]]] = {
    _SYNC: _read_sync,
    _AWARENESS: _read_awareness,
    _AUTH: _read_auth,
    _QUERY: lambda r: QueryAwareness(),
    _SYNC_REPLY: _read_sync,
    _STATELESS: lambda r: Stateless(r.string()),
    _CLOSE: _read_close,
    _SYNC_STATUS: lambda r: SyncStatus(r.flag()),
    _PING: lambda r: Ping(),
    _PONG: lambda r: Pong(),
    _STREAM: _read_stream,
    _CALL: _read_call,
    _REPLY: _read_reply,
    _ACK: _read_ack,
    _ISSUED: lambda r: Issued(r.string(CAPS.token)),
    _HISTORY: lambda r: History(r.string(CAPS.history)),
}
_READERS_Y: Final[dict[int, Callable[[_Reader], Message]]] = {
    _SYNC: _read_sync,
    _AWARENESS: _read_awareness,
    _AUTH: _read_auth_y,
    _QUERY: lambda r: QueryAwareness(),
}


def _read_message(r: _Reader, readers: dict[int, Callable[[_Reader], Message]]) -> Message:
    kind = r.uint()
    reader = readers.get(kind)
    if reader is None:
        raise WireError(f"message of unknown type {kind}")
    message = reader(r)
    r.done()
    return message


def _check_size(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise WireError(f"message of {len(data)} bytes, at most {limit} allowed", Close.TOO_BIG)


def short_update(data: bytes, prefix: bytes = b"") -> bytes | None:
    """The update of the message that typing sends: an Update to the room with this prefix.

    None for any other message, and for an update of 128 bytes or more.
    """
    at = len(prefix)
    size = len(data) - at - 3
    if 0 <= size < 128 and data[at + 2] == size and data.startswith(prefix + b"\0\2"):
        return data[at + 3 :]
    return None


def decode(data: bytes, limit: int = CAPS.state) -> tuple[str, Message]:
    """The room and the message of one websocket message on `/`.

    Args:
        data: the whole websocket message.
        limit: most bytes to look at; the relay passes `CAPS.message` for what clients send.

    Raises:
        WireError: the bytes are no message, or one over a cap.
    """
    _check_size(data, limit)
    if data == b"\x09":
        return "", Ping()
    if data == b"\x0a":
        return "", Pong()
    r = _Reader(data)
    return r.string(CAPS.room), _read_message(r, _READERS)


def decode_y(data: bytes, limit: int = CAPS.state) -> Message:
    """The message of one websocket message on `/<room>`; errors as `decode`."""
    _check_size(data, limit)
    return _read_message(_Reader(data), _READERS_Y)
