"""RFC 6455 as the relay's sockets speak it, seen by a client that writes frames by hand.

The cases are those of the Autobahn suite that concern a server: framing, reserved bits and opcodes,
fragments, pings, UTF-8, closing. Two answers are the relay's own: text is refused (messages are
binary), and what is too big closes with 4413, which tells Yjs clients not to come back with it.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from pycrdt import Doc, Text
from websockets.utils import accept_key

from relay_server import wire
from relay_server.serve import Relay
from relay_server.wire import CAPS, Close

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ROOM = "calm-otter"
MASK = b"\x37\xfa\x21\x3d"


def frame(
    opcode: int,
    data: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
) -> bytes:
    """One frame as a client sends it; without a mask as none may."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    masked = 0x80 if mask is not None else 0
    if len(data) < 126:
        head = bytes((first, masked | len(data)))
    elif len(data) < 65536:
        head = struct.pack("!BBH", first, masked | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, masked | 127, len(data))
    if mask is None:
        return head + data
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))


def closing(code: int, reason: bytes = b"") -> bytes:
    """The payload of a close frame."""
    return struct.pack("!H", code) + reason


@dataclass
class Raw:
    """A socket after the handshake."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    seen: list[wire.Message] = field(default_factory=list)

    async def send(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: opcode, payload. What a server sends is whole and not masked."""
        async with asyncio.timeout(10):
            first, size = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80
            assert size < 128
            if size > 125:
                width = 2 if size == 126 else 8
                size = int.from_bytes(await self.reader.readexactly(width), "big")
            return first & 0x0F, await self.reader.readexactly(size)

    async def until(self, opcode: int) -> bytes:
        """The next frame of a kind; messages before it are kept, and the relay may ask for us."""
        while True:
            found, data = await self.receive()
            if found == BINARY:
                self.seen.append(wire.decode(data)[1])
            if found == opcode:
                return data
            assert found in (BINARY, PING)

    async def closed(self) -> int:
        """The code of the close frame, after which the relay ends the socket."""
        data = await self.until(CLOSE)
        self.writer.write(frame(CLOSE, data))
        async with asyncio.timeout(10):
            assert await self.reader.read() == b""
        return int.from_bytes(data[:2], "big") if data else 1005

    async def alive(self) -> None:
        """Raises unless a ping is answered."""
        word = os.urandom(8)
        await self.send(frame(PING, word))
        assert await self.until(PONG) == word


def request(**changes: str | None) -> bytes:
    """A handshake, with headers changed or left out (None)."""
    headers: dict[str, str | None] = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode()


Dial = Callable[[], Awaitable[Raw]]


@pytest.fixture
async def dial(relay: Relay) -> AsyncIterator[Dial]:
    """Opens sockets that have done the handshake."""
    writers = []

    async def make() -> Raw:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writers.append(writer)
        writer.write(request())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert f"Sec-WebSocket-Accept: {accept_key(KEY)}\r\n".encode() in head
        assert b"Sec-WebSocket-Extensions" not in head
        return Raw(reader, writer)

    yield make
    for writer in writers:
        writer.close()


@pytest.fixture
async def raw(relay: Relay, dial: Dial) -> Raw:
    """A socket that is in a room."""
    socket = await dial()
    token = relay.keys.mint(room="*", role="editor")
    await socket.send(frame(BINARY, wire.encode(ROOM, wire.Token(token))))
    await socket.until(BINARY)
    assert isinstance(socket.seen.pop(), wire.Granted)
    return socket


def update(text: str = "hello") -> bytes:
    """A message that types something."""
    doc: Doc = Doc()
    doc.get("text", type=Text).insert(0, text)
    return wire.encode(ROOM, wire.Update(doc.get_update()))


async def taken(raw: Raw) -> None:
    """Raises unless the relay took the message before this."""
    await raw.until(BINARY)
    assert raw.seen.pop() == wire.SyncStatus(True)


# ---------------------------------------------------------------- handshake


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Sec_WebSocket_Key": "not base64 at all"}, 400),
        ({"Sec_WebSocket_Version": "8"}, 400),
        ({"Sec_WebSocket_Version": None}, 400),
        ({"Connection": "close"}, 426),
        ({"Upgrade": "h2c"}, 426),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
async def test_a_handshake_that_is_none_is_refused(
    relay: Relay, changes: dict[str, str | None], status: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(request(**changes))
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_handshake_may_come_byte_by_byte_and_with_what_follows(relay: Relay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    for byte in request() + frame(PING, b"x"):
        writer.write(bytes((byte,)))
        await writer.drain()
    await reader.readuntil(b"\r\n\r\n")
    assert await Raw(reader, writer).receive() == (PONG, b"x")
    writer.close()


# ---------------------------------------------------------------- frames

# What contradicts the RFC is 1002; a message that is "12345" is none of ours; 2^63 bytes are many.
PROTOCOL_ERRORS = {1002, Close.PROTOCOL, Close.TOO_BIG}


@pytest.mark.parametrize("size", [0, 1, 4, 125])
async def test_a_ping_is_answered_with_what_it_carries(raw: Raw, size: int) -> None:
    data = os.urandom(size)
    await raw.send(frame(PING, data))
    assert await raw.until(PONG) == data


async def test_pings_in_a_row_are_answered_in_order(raw: Raw) -> None:
    await raw.send(*(frame(PING, bytes((n,))) for n in range(10)))
    assert [await raw.until(PONG) for _ in range(10)] == [bytes((n,)) for n in range(10)]


async def test_a_ping_in_pieces_is_answered_once_it_is_whole(raw: Raw) -> None:
    for byte in frame(PING, b"slowly"):
        await raw.send(bytes((byte,)))
    assert await raw.until(PONG) == b"slowly"


async def test_a_pong_that_nobody_asked_for_is_nothing(raw: Raw) -> None:
    await raw.send(frame(PONG), frame(PONG, b"unsolicited"), frame(PONG, b"x" * 125))
    await raw.alive()


@pytest.mark.parametrize(
    "offence",
    [
        frame(PING, b"x" * 126),
        frame(PONG, b"x" * 126),
        frame(CLOSE, b"\x03\xe8" + b"x" * 124),
        frame(PING, b"x", fin=False),
        frame(CLOSE, closing(1000), fin=False),
        *(frame(BINARY, b"x", reserved=bits) for bits in range(1, 8)),
        frame(PING, b"x", reserved=4),
        *(frame(opcode, b"x") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        frame(BINARY, b"x", mask=None),
        frame(PING, b"x", mask=None),
        frame(CLOSE, closing(1000), mask=None),
        frame(CONT, b"x"),
        frame(CONT, b"x", fin=False),
        frame(BINARY, b"x", fin=False) + frame(BINARY, b"y"),
        frame(BINARY, b"x", fin=False) + frame(TEXT, b"y"),
        frame(BINARY, b"\x0a", fin=False) + frame(CONT) + frame(CONT),  # a Pong of ours, and more
        bytes((0x82, 0xFE, 0, 5)) + MASK + b"12345",  # a length that fits in fewer bytes
        bytes((0x82, 0xFF)) + (1 << 63).to_bytes(8, "big") + MASK,
    ],
)
async def test_an_offence_ends_the_connection_and_nothing_else(
    raw: Raw, dial: Dial, offence: bytes
) -> None:
    other = await dial()
    await raw.send(offence)
    assert await raw.closed() in PROTOCOL_ERRORS
    await other.alive()


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 1000])
async def test_a_message_may_come_in_fragments(raw: Raw, pieces: int) -> None:
    data = update()
    cuts = [len(data) * n // pieces for n in range(pieces + 1)]
    parts = [data[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]  # some of them empty
    await raw.send(
        *(frame(CONT if n else BINARY, part, fin=n == pieces - 1) for n, part in enumerate(parts))
    )
    await taken(raw)


async def test_control_frames_may_come_between_fragments(raw: Raw) -> None:
    data = update()
    await raw.send(
        frame(BINARY, data[:5], fin=False),
        frame(PING, b"between"),
        frame(CONT, b"", fin=False),
        frame(PONG),
        frame(CONT, data[5:9], fin=False),
        frame(PING, b"again"),
    )
    assert await raw.until(PONG) == b"between"
    assert await raw.until(PONG) == b"again"
    await raw.send(frame(CONT, data[9:]))
    await taken(raw)


async def test_a_message_may_come_byte_by_byte(raw: Raw) -> None:
    for byte in frame(BINARY, update()):
        await raw.send(bytes((byte,)))
    await taken(raw)


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\1\2\3\4"])
async def test_any_mask_will_do(raw: Raw, mask: bytes) -> None:
    await raw.send(frame(BINARY, update(), mask=mask))
    await taken(raw)


@pytest.mark.parametrize("size", [125, 126, 127, 128, 16 << 10, (16 << 10) + 200, 65535, 65536])
async def test_a_message_of_any_size_up_to_the_cap_is_taken(raw: Raw, size: int) -> None:
    data = update("x" * (size - len(update("x" * 100)) + 100))
    await raw.send(frame(BINARY, data))
    await taken(raw)


@pytest.mark.parametrize("fragments", [1, 3])
async def test_a_message_over_the_cap_is_refused(raw: Raw, fragments: int) -> None:
    each = (CAPS.message + CAPS.room) // fragments + 1
    for n in range(fragments):
        head = frame(CONT if n else BINARY, b"", fin=n == fragments - 1)[0]
        await raw.send(struct.pack("!BBQ", head, 0xFF, each), b"\0\0\0\0", bytes(each))
    assert await raw.closed() == Close.TOO_BIG


async def test_a_length_alone_is_refused_before_what_it_claims(raw: Raw) -> None:
    await raw.send(struct.pack("!BBQ", 0x82, 0xFF, 1 << 40), MASK)
    assert await raw.closed() == Close.TOO_BIG


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("parts", [[b"text"], [b""], ["κόσμε".encode()], [b"\xce", b"\xba"]])
async def test_text_is_refused(raw: Raw, parts: list[bytes]) -> None:
    await raw.send(
        *(frame(CONT if n else TEXT, part, fin=n == len(parts) - 1) for n, part in enumerate(parts))
    )
    assert await raw.closed() == Close.PROTOCOL


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x80b", b"\xce"],
)
async def test_text_that_is_none_is_invalid(raw: Raw, text: bytes) -> None:
    await raw.send(frame(TEXT, text))
    assert await raw.closed() == 1007


# ---------------------------------------------------------------- the end


LEGAL = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
ILLEGAL = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


@pytest.mark.parametrize("code", LEGAL)
async def test_a_close_is_answered_in_kind(raw: Raw, code: int) -> None:
    await raw.send(frame(CLOSE, closing(code, b"bye")))
    assert await raw.closed() == code


async def test_a_close_may_say_nothing(raw: Raw) -> None:
    await raw.send(frame(CLOSE))
    assert await raw.closed() == 1005


@pytest.mark.parametrize("code", ILLEGAL)
async def test_a_close_with_a_code_that_is_none_is_an_offence(raw: Raw, code: int) -> None:
    await raw.send(frame(CLOSE, closing(code)))
    assert await raw.closed() == 1002


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (closing(1000, b"x" * 123), 1000),
        (closing(1000, b"\xff\xfe"), 1007),
        (closing(1000, "né".encode()[:-1]), 1007),
    ],
)
async def test_what_a_close_says_is_read(raw: Raw, payload: bytes, code: int) -> None:
    await raw.send(frame(CLOSE, payload))
    assert await raw.closed() == code


async def test_what_follows_a_close_is_not_looked_at(raw: Raw, relay: Relay) -> None:
    before = relay.counters.updates
    await raw.send(frame(CLOSE, closing(1000)), frame(BINARY, update()), frame(PING, b"x"))
    assert await raw.closed() == 1000
    assert relay.counters.updates == before


async def test_a_close_amid_fragments_ends_it(raw: Raw, relay: Relay) -> None:
    before = relay.counters.updates
    await raw.send(frame(BINARY, update(), fin=False), frame(CLOSE, closing(1000)))
    assert await raw.closed() in (1000, 1002)
    assert relay.counters.updates == before


async def test_a_client_that_sends_no_more_is_let_go(raw: Raw, relay: Relay) -> None:
    raw.writer.write_eof()
    async with asyncio.timeout(10):
        await raw.reader.read()
        while any(room.members for room in relay._lobby.rooms.values()):
            await asyncio.sleep(0)


async def test_a_socket_cut_inside_a_frame_takes_nothing_in(raw: Raw, relay: Relay) -> None:
    before = relay.counters.updates
    await raw.send(frame(BINARY, update())[:-3])
    raw.writer.write_eof()
    async with asyncio.timeout(10):
        await raw.reader.read()
    assert relay.counters.updates == before


async def test_a_client_that_does_not_answer_a_close_is_cut_off(raw: Raw, relay: Relay) -> None:
    await raw.send(frame(TEXT, b"not ours"))
    data = await raw.until(CLOSE)
    assert int.from_bytes(data[:2], "big") == Close.PROTOCOL
    async with asyncio.timeout(10):  # we say nothing more, and do not end the socket
        assert await raw.reader.read() == b""
