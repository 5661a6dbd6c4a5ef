"""Bytes -> messages, bounded: whatever the bytes are, a message comes back or a `WireError`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay_server.errors import WireError
from relay_server.wire.messages import (
    CAPS,
    Ack,
    Awareness,
    Call,
    Close,
    CloseRoom,
    Denied,
    Entry,
    Granted,
    History,
    Issued,
    Level,
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

if TYPE_CHECKING:
    from collections.abc import Callable


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
    Type.SYNC: _read_sync,
    Type.AWARENESS: _read_awareness,
    Type.AUTH: _read_auth,
    Type.QUERY: lambda r: QueryAwareness(),
    Type.SYNC_REPLY: _read_sync,
    Type.STATELESS: lambda r: Stateless(r.string()),
    Type.CLOSE: _read_close,
    Type.SYNC_STATUS: lambda r: SyncStatus(r.flag()),
    Type.PING: lambda r: Ping(),
    Type.PONG: lambda r: Pong(),
    Type.STREAM: _read_stream,
    Type.CALL: _read_call,
    Type.REPLY: _read_reply,
    Type.ACK: _read_ack,
    Type.ISSUED: lambda r: Issued(r.string(CAPS.token)),
    Type.HISTORY: lambda r: History(r.string(CAPS.history)),
}
_READERS_Y: Final[dict[int, Callable[[_Reader], Message]]] = {
    Type.SYNC: _read_sync,
    Type.AWARENESS: _read_awareness,
    Type.AUTH: _read_auth_y,
    Type.QUERY: lambda r: QueryAwareness(),
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
