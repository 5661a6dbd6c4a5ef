"""One socket: what it may send, how slowly it may read, and how its end is noticed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pycrdt import Doc, Map
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from relay_server import wire
from relay_server.limits import Limits
from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from relay_server.wire import CAPS, Ack, Close

Join = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x01r\x63", Close.PROTOCOL),
        (b"\xff" * 100, Close.PROTOCOL),
        (bytes(CAPS.message + 2000), Close.TOO_BIG),
        ("text", Close.PROTOCOL),
    ],
)
async def test_what_is_no_message_ends_its_connection_alone(
    join: Join, data: bytes | str, code: int, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "relay_server")
    ann, eve = await join(), await join()
    await eve.socket.send(data)
    assert await eve.closed() == code
    assert f"of 127.0.0.1: {int(code)}, " in caplog.text
    assert relay.counters.closed == {code: 1}
    await ann.type("x")
    await ann.expect(Ack, lambda ack: ack.seq == 2)


async def test_a_message_may_come_in_fragments(join: Join) -> None:
    ann, bob = await join(), await join()
    before = bob.doc.get_state()
    bob.text.insert(0, "in pieces")
    whole = wire.encode(bob.room, wire.Update(bob.doc.get_update(before)))

    async def pieces() -> Any:
        for at in range(0, len(whole), 5):
            yield whole[at : at + 5]

    await bob.socket.send(pieces())
    await ann.until(lambda: str(ann.text) == "in pieces")


async def test_little_is_taken_before_a_token(relay: Relay) -> None:
    async with connect(relay.url) as eve:
        for _ in range(10):
            await eve.send(wire.encode("r", wire.Update(bytes(CAPS.before_auth // 8))))
        await eve.wait_closed()
        assert eve.close_code == Close.TOO_BIG


async def test_what_follows_a_refused_room_is_no_offence(relay: Relay, join: Join) -> None:
    ann = await join()
    await ann.socket.send(wire.encode("other", wire.Token("bad")))
    await ann.socket.send(wire.encode("other", wire.Step1(b"\0")))
    await ann.send(wire.Ping())
    data = [wire.decode(await ann.socket.recv(decode=False))[1] for _ in range(2)]
    assert [type(m) for m in data] == [wire.Denied, wire.Pong]


async def test_rooms_of_a_connection_are_bounded(relay: Relay) -> None:
    token = relay.keys.mint(room="*", role="editor")
    async with connect(relay.url) as eve:
        for n in range(CAPS.rooms + 1):
            await eve.send(wire.encode(f"r{n}", wire.Token(token)))
        answers = [wire.decode(await eve.recv(decode=False))[1] for _ in range(CAPS.rooms + 1)]
    assert [type(m) for m in answers] == [wire.Granted] * CAPS.rooms + [wire.Denied]


@pytest.mark.parametrize(
    "limits",
    [
        Limits(frames_per_second=1, frames_burst=50),
        Limits(bytes_per_second=1, bytes_burst=20_000),
    ],
)
async def test_a_flood_ends_its_connection_alone(join: Join, limits: Limits) -> None:
    async with serve(RelaySettings(port=0, limits=limits)) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=relay.url)
        eve = await join(token=token, url=relay.url)
        ping = wire.encode("", wire.Ping())
        for _ in range(4000):
            await eve.socket.send(ping)
        assert await eve.closed() == Close.FLOOD
        await ann.type("x")
        await ann.expect(Ack, lambda ack: ack.seq == 2)


@pytest.mark.parametrize("good", [True, False])
async def test_a_flood_of_tokens_ends_its_connection_alone(join: Join, good: bool) -> None:
    limits = Limits(joins_per_second=0.1, joins_burst=20)
    async with serve(RelaySettings(port=0, limits=limits)) as relay:
        token = relay.keys.mint(room="*", role="viewer")
        ann, eve = await join(token=token, url=relay.url), await join(token=token, url=relay.url)
        for n in range(30):
            await eve.socket.send(wire.encode(f"r{n}", wire.Token(token if good else token[:-4])))
        denied = 0
        with contextlib.suppress(ConnectionClosed):
            async for data in eve.socket:
                denied += isinstance(wire.decode(bytes(data))[1], wire.Denied)
        assert eve.socket.close_code == Close.FLOOD
        assert denied == (0 if good else 19)
        await ann.send(wire.Ping())
        await ann.expect(wire.Pong)


async def test_a_stalled_reader_is_dropped_while_others_go_on(join: Join) -> None:
    limits = Limits(outgoing_bytes=256 << 10)
    async with serve(RelaySettings(port=0, limits=limits)) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=relay.url)
        bob = await join(token=token, url=relay.url)
        stalled = await join(token=token, url=relay.url)
        stalled.socket.transport.pause_reading()
        data: Map = ann.doc.get("data", type=Map)
        heard: Map = bob.doc.get("data", type=Map)
        written = 0
        while not relay.counters.closed[Close.SLOW_READER]:
            before = ann.doc.get_state()
            data["blob"] = os.urandom(64 << 10)
            await ann.send(wire.Update(ann.doc.get_update(before)))
            written += 1
            await bob.until(lambda: heard.get("blob") == data["blob"])
            assert written < 1000
        await ann.type("done")
        await bob.until(lambda: str(bob.text) == "done")
        stalled.socket.transport.resume_reading()
        await stalled.closed()
        back = await join(token=token, url=relay.url)
        assert str(back.text) == "done"


async def test_the_state_of_a_room_may_be_larger_than_the_budget(join: Join) -> None:
    async with serve(RelaySettings(port=0, limits=Limits(outgoing_bytes=1000))) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=relay.url)
        data: Map = ann.doc.get("data", type=Map)
        for n in range(20):
            before = ann.doc.get_state()
            data[str(n)] = os.urandom(400 << 10)
            await ann.send(wire.Update(ann.doc.get_update(before)))
        await ann.expect(Ack, lambda ack: ack.seq == 21)
        late = await join(token=token, url=relay.url)
        heard: Map = late.doc.get("data", type=Map)
        assert len(heard) == 20


async def test_a_half_open_connection_is_found(join: Join) -> None:
    settings = RelaySettings(port=0, ping_interval=0.1, ping_timeout=0.3)
    async with serve(settings) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=relay.url)
        dead = await join(token=token, url=relay.url)
        await dead.send(wire.Awareness((wire.Entry(77, 1, "{}"),)))
        await ann.expect(wire.Awareness)
        async with asyncio.timeout(10):  # it answers pings, until it does not
            while not all(c._pulse.answers for c in relay.crowd):
                await asyncio.sleep(0.05)
        dead.socket.transport.pause_reading()
        gone = await ann.expect(wire.Awareness)
        assert gone.entries[0].state == "null"
        await ann.send(wire.Ping())
        await ann.expect(wire.Pong)


async def test_garbage_instead_of_http_is_closed(relay: Relay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"\x16\x03\x01garbage\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0]
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("target", ["http://[", "//[/x", "/%ff%00?token=%ff&&=", "*", "/?" * 99])
async def test_any_target_of_a_request_is_answered(relay: Relay, target: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
    writer.close()


async def test_a_client_that_says_nothing_is_closed() -> None:
    async with serve(RelaySettings(port=0, auth_timeout=0.05)) as relay:
        with socket.create_connection(("127.0.0.1", relay.port)) as silent:
            silent.settimeout(10)
            assert await asyncio.to_thread(_read, silent) == b""


def _read(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1)
    except ConnectionResetError:
        return b""


async def test_much_at_once_is_taken_in_slices_and_in_order(join: Join) -> None:
    ann, bob = await join(), await join()
    written: list[bytes] = []
    doc: Doc = Doc()
    text: Any = doc.get("text", type=type(ann.text))
    for _ in range(2000):
        before = doc.get_state()
        text += "0123456789"
        written.append(wire.encode(ann.room, wire.Update(doc.get_update(before))))
    for data in written:
        await ann.socket.send(data)
    await bob.until(lambda: len(bob.text) == 20_000)
    await ann.expect(Ack, lambda ack: ack.seq == 2001)
