"""Messages -> bytes."""

from __future__ import annotations

from typing import Final

from relay_server.wire.messages import (
    Ack,
    Awareness,
    Call,
    CloseRoom,
    Denied,
    Entry,
    Granted,
    History,
    Issued,
    Message,
    Ping,
    Pong,
    QueryAwareness,
    Reply,
    Sender,
    Stateless,
    Step1,
    Step2,
    Stream,
    SyncStatus,
    Token,
    Type,
    Update,
)

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
        write_uint(Type.CALL)
        + write_uint(message.call_id)
        + write_string(message.method)
        + write_bytes(message.params)
        + write_uint(message.changes)
        + _write_sender(message.sender)
    )


def _write_stream(message: Stream) -> bytes:
    return (
        write_uint(Type.STREAM)
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
            return write_uint(Type.ACK) + write_uint(seq) + write_uint(level)
        case SyncStatus(applied):
            return b"\x08\1" if applied else b"\x08\0"
        case Stream():
            return _write_stream(message)
        case Call():
            return _write_call(message)
        case Reply(call_id, ok, body):
            return write_uint(Type.REPLY) + write_uint(call_id) + write_uint(ok) + write_bytes(body)
        case Token():
            return _write_token(message)
        case Denied(reason):
            return b"\2\1" + write_string(reason)
        case Granted(scope):
            return b"\2\2" + write_string(scope)
        case Issued(token):
            return write_uint(Type.ISSUED) + write_string(token)
        case History(id):
            return write_uint(Type.HISTORY) + write_string(id)
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
