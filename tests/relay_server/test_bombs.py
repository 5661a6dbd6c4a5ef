"""Messages made to hurt: each ends its own connection, and costs nobody else anything.

Against a relay in a process of its own, whose memory is the system's to measure.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from relay_server import wire
from relay_server.keys import Keys
from relay_server.validate import Walked
from relay_server.wire import CAPS, Close, Entry
from relay_server.wire import write_bytes as blob
from relay_server.wire import write_uint as uint

ROOT = Path(__file__).parents[2]
Join = Callable[..., Awaitable[Any]]
MORE = 16 << 10  # KiB of memory that a bomb may cost
ROOM = b"\x01r"  # a varString
ENDLESS = b"\xff" * (1 << 18) + b"\x01"


@dataclass
class Running:
    process: asyncio.subprocess.Process
    url: str
    token: str

    def peak(self) -> int:
        """KiB of memory at the worst moment since `forget_peak`."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
        raise AssertionError

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bombs") / "key.pem"


@pytest.fixture
async def running(key: Path) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay_server", "serve", "--port", "0",
        "--store", "memory:", "--key", str(key), cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    token = Keys.load(key).mint(room="*", role="editor")
    try:
        yield Running(process, line.split()[2].rstrip(","), token)
    finally:
        process.kill()
        await process.wait()


async def joined(running: Running, room: str = "r") -> ClientConnection:
    """A member of the room that has sent the start of its document."""
    socket = await connect(running.url, compression=None, max_size=None)
    hello = json.dumps({"name": "Eve", "as": ""})
    await socket.send(wire.encode(room, wire.Token(running.token, "1", hello)))
    return socket


async def code_of(socket: ClientConnection, data: Iterable[bytes], limit: float = 20) -> int | None:
    """Sends messages; how the relay ends the connection, None when it does not."""
    # AttributeError: the client's library, when the end comes while it waits to write.
    with contextlib.suppress(ConnectionClosed, AttributeError):
        for message in data:
            await socket.send(message)
        # The answer to this comes after everything before it was taken in.
        await socket.send(wire.encode("", wire.Ping()))
        async with asyncio.timeout(limit):
            while wire.decode(await socket.recv(decode=False))[1] != wire.Pong():
                pass
        return None
    await asyncio.wait_for(socket.wait_closed(), limit)
    return socket.close_code


def update(body: bytes) -> bytes:
    return ROOM + b"\0\2" + blob(body)


def step1(body: bytes) -> bytes:
    return ROOM + b"\0\0" + blob(body)


def nested(depth: int) -> bytes:
    inner = b"\x75\x01" * depth + b"\x7e"
    return uint(1) * 2 + uint(5) + uint(0) + b"\x28\1\1m\1k" + uint(1) + inner + uint(0)


def claims(*numbers: int) -> bytes:
    return b"".join(uint(n) for n in numbers)


def fakes(count: int) -> bytes:
    entries = b"".join(uint(10_000 + n) + b"\1\x02{}" for n in range(count))
    return ROOM + b"\1" + blob(uint(count) + entries)


def presence(state: str) -> bytes:
    return wire.encode("r", wire.Awareness((Entry(9, 1, state),)))


def deep_json(depth: int) -> str:
    return "[" * depth + "]" * depth


def typed_gap(count: int) -> list[bytes]:
    """Updates that all build on one that never comes."""
    doc: Doc[Any] = Doc(client_id=3)
    text, out = doc.get("t", type=Text), []
    for _ in range(count + 1):
        before = doc.get_state()
        text += "a"
        out.append(update(doc.get_update(before)))
    return out[1:]


def front_inserts(count: int) -> bytes:
    doc: Doc[Any] = Doc(client_id=4)
    text = doc.get("t", type=Text)
    with doc.transaction():
        for _ in range(count):
            text.insert(0, "a")
    return doc.get_update()


def many_clients(count: int) -> bytes:
    return uint(count) + b"".join(uint(1000 + n) + uint(1) for n in range(count))


REFUSED: dict[str, tuple[bytes, int]] = {
    "room name without end": (ENDLESS, Close.PROTOCOL),
    "type without end": (ROOM + ENDLESS, Close.PROTOCOL),
    "type without end, a megabyte": (ROOM + b"\xff" * (CAPS.message - 9), Close.PROTOCOL),
    "length without end": (ROOM + b"\0\2" + ENDLESS, Close.PROTOCOL),
    "length beyond the message": (ROOM + b"\0\2" + uint(1 << 40), Close.PROTOCOL),
    "nested values": (update(nested(10_000)), Close.PROTOCOL),
    "nested values that overflow the stack": (update(nested(200_000)), Close.PROTOCOL),
    "nested values, a megabyte": (update(nested(500_000)), Close.PROTOCOL),
    "2^26 clients claimed": (update(claims(1 << 26, 1, 5, 0)), Close.PROTOCOL),
    "2^32 clients claimed": (update(claims(1 << 32, 1, 5, 0)), Close.PROTOCOL),
    "2^27 structs claimed": (update(claims(1, 1 << 27, 5, 0)), Close.PROTOCOL),
    "2^32 structs claimed": (update(claims(1, 1 << 32, 5, 0)), Close.PROTOCOL),
    "2^27 deletes claimed": (update(claims(0, 1, 77, 1 << 27)), Close.PROTOCOL),
    "2^32 deletes claimed": (update(claims(0, 1, 77, 1 << 32)), Close.PROTOCOL),
    "2^28 clocks claimed": (step1(claims(1 << 28, 5, 5)), Close.PROTOCOL),
    "2^32 clocks claimed": (step1(claims(1 << 32, 5, 5)), Close.PROTOCOL),
    "in a step 2": (ROOM + b"\0\1" + blob(nested(200_000)), Close.PROTOCOL),
    "in a sync reply": (ROOM + b"\4\1" + blob(nested(200_000)), Close.PROTOCOL),
    "100 000 presences": (fakes(100_000), Close.PROTOCOL),
    "1025 presences": (fakes(1025), Close.PROTOCOL),
    "presences claimed": (ROOM + b"\1\5" + uint(1 << 31), Close.PROTOCOL),
    "presence over the cap": (presence('"' + "x" * 5000 + '"'), Close.TOO_BIG),
    "presence far over the cap": (presence('"' + "x" * 500_000 + '"'), Close.TOO_BIG),
    "nested presence over the cap": (presence(deep_json(100_000)), Close.TOO_BIG),
    "message over the cap": (update(bytes(CAPS.message + CAPS.room)), Close.TOO_BIG),
    "message far over the cap": (bytes(64 << 20), Close.TOO_BIG),
    "token over the cap": (wire.encode("r", wire.Token("x" * 9000)), Close.TOO_BIG),
    "room name over the cap": (
        wire.encode("r" * 1000, wire.Token("x")),
        Close.TOO_BIG,
    ),
    "nothing": (b"", Close.PROTOCOL),
}
"""What is no message, or lies about its size: the connection is closed with the code."""

HEAVY: dict[str, list[bytes]] = {
    "200 000 clients in a state vector": [step1(many_clients(200_000))],
    "200 000 ranges deleted": [
        update(claims(0, 1, 77, 200_000) + b"".join(uint(n * 4) + uint(2) for n in range(200_000)))
    ],
    "a gap of 2^31": [update(claims(1, 1, 5, 0) + b"\0" + uint(1 << 31) + uint(0))],
    "8000 updates that lack the first": typed_gap(8000),
    "20 000 inserts at the front": [update(front_inserts(20_000))],
    "nested presence below the cap": [presence(deep_json(2000))],
    "1000 rooms asked for": [wire.encode(f"x{n}", wire.Token("bad")) for n in range(1000)],
}
"""What is well-formed and costs more than it looks."""


async def quiet(running: Running) -> tuple[ClientConnection, ClientConnection]:
    """Eve's connection, and another room's, both settled; the peak of memory starts here."""
    eve, ann = await joined(running), await joined(running, "other")
    assert await code_of(eve, []) is None
    assert await code_of(ann, []) is None
    running.forget_peak()
    return eve, ann


async def unaffected(running: Running, ann: ClientConnection, before: int) -> None:
    doc: Doc[Any] = Doc()
    doc.get("text", type=Text).insert(0, "still here")
    await ann.send(wire.encode("other", wire.Update(doc.get_update())))
    async with asyncio.timeout(10):
        while not isinstance(wire.decode(await ann.recv(decode=False))[1], wire.Ack):
            pass
    assert running.peak() - before < MORE
    assert running.process.returncode is None
    await ann.close()


async def test_what_is_no_message_ends_its_connection(running: Running) -> None:
    for name, (data, code) in REFUSED.items():
        eve, ann = await quiet(running)
        before = running.peak()
        assert await code_of(eve, [data]) == code, name
        await unaffected(running, ann, before)


async def test_what_costs_more_than_it_looks_costs_little(running: Running) -> None:
    for data in HEAVY.values():
        eve, ann = await quiet(running)
        before = running.peak()
        await code_of(eve, data)
        await unaffected(running, ann, before)
        await eve.close()


async def test_a_message_is_never_inflated(running: Running) -> None:
    async with connect(running.url, compression="deflate") as socket:
        assert not [e for e in socket.protocol.extensions if "deflate" in e.name]
        frame = bytearray(Frame(Opcode.BINARY, b"\0" * 1000).serialize(mask=True))
        frame[0] |= 0x40  # "this is compressed"
        socket.transport.write(bytes(frame))
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == 1002


async def test_fragments_are_bounded_together(running: Running) -> None:
    eve, ann = await quiet(running)
    before = running.peak()
    with contextlib.suppress(ConnectionClosed):
        await eve.send(bytes(64 << 10) for _ in range(64))
    await asyncio.wait_for(eve.wait_closed(), 10)
    assert eve.close_code == Close.TOO_BIG
    await unaffected(running, ann, before)


async def test_before_a_token_there_is_little_to_say(running: Running) -> None:
    eve = await connect(running.url, compression=None)
    code = await code_of(eve, [wire.encode("r", wire.Step1(bytes(1000)))] * 100)
    assert code == Close.TOO_BIG


async def test_rooms_that_are_asked_for_in_vain_are_not_made(running: Running) -> None:
    for n in range(50):
        eve = await connect(running.url, compression=None)
        assert await code_of(eve, [wire.encode(f"guess-{n}", wire.Token("x"))]) == Close.TOKEN
    host, _, port = running.url.removeprefix("ws://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b'"rooms": 0' in await reader.read()
    writer.close()


async def test_large_updates_keep_their_order_and_hold_up_nobody(running: Running) -> None:
    eve, ann = await quiet(running)
    doc: Doc[Any] = Doc()
    text, updates = doc.get("text", type=Text), []
    for n in range(6):
        before = doc.get_state()
        text += f"{n}" * (100_000 if n % 2 else 1)
        updates.append(wire.encode("r", wire.Update(doc.get_update(before))))
    for data in updates:
        await eve.send(data)
    seen: list[wire.Message] = []
    async with asyncio.timeout(10):
        while wire.Ack(6, wire.Level.MEMORY) not in seen:
            seen.append(wire.decode(await eve.recv(decode=False))[1])
        await eve.send(wire.encode("r", wire.Step1(b"\0")))
        while not isinstance(seen[-1], wire.Step2):
            seen.append(wire.decode(await eve.recv(decode=False))[1])
    copy: Doc[Any] = Doc()
    copy.apply_update(seen[-1].update)
    assert str(copy.get("text", type=Text)) == str(text)
    await asyncio.gather(eve.close(), ann.close())


async def test_what_follows_a_large_bomb_is_not_looked_at(running: Running) -> None:
    eve, ann = await quiet(running)
    follow = wire.encode("r", wire.Call(1, "relay.x", b"", True))
    assert await code_of(eve, [update(nested(300_000)), follow, follow]) == Close.PROTOCOL
    await ann.close()


async def test_others_go_on_while_a_large_update_is_walked(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, walked = threading.Event(), []

    def slowly(data: bytes) -> Walked:
        gate.wait(10)
        walked.append(len(data))
        return Walked(data)

    monkeypatch.setattr("relay_server.errands.Walked", slowly)
    eve, bob = await join(), await join()
    try:
        await eve.type("x" * 100_000)
        await eve.type("y", 0)
        await bob.type("meanwhile")
        await bob.expect(wire.Ack, lambda ack: ack.seq == 2)
        assert not any(isinstance(m, wire.Ack) and m.seq > 1 for m in eve.seen)
        assert walked == []
    finally:
        gate.set()
    await eve.expect(wire.Ack, lambda ack: ack.seq == 3)
    await bob.until(lambda: len(bob.text) == 100_010)
    await eve.until(lambda: len(eve.text) == 100_010)
    assert str(eve.text) == str(bob.text)
    assert len(walked) == 1
