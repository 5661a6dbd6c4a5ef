"""Loads a relay of this project over real sockets and says what it costs.

    make bench-relay
    scripts/bench_relay.py --readers 200 --rooms 100 --idle 1000 --seconds 3

Everything the product ships is on: tokens, limits, metrics, and a SQLite journal that commits
before it acknowledges. The relay runs in a process of its own, so its CPU seconds are its own. A
delivery is one keystroke that reached one reader, however many of them share a frame.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pycrdt import Doc, Text
from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from relay_server import wire

ROOT = Path(__file__).parents[1]
MARK = "\ue000".encode()  # what is typed: its bytes are in nothing else
WINDOW = 256  # keystrokes under way in a flood


class Relay:
    """A relay process, with what it used since `start`."""

    def __init__(self, folder: Path) -> None:
        run = [sys.executable, "-m", "relay_server"]
        key = ["--key", str(folder / "key.pem")]
        store = f"sqlite:///{folder / 'journal.db'}"
        minted = subprocess.check_output(
            [*run, "token", "*", "--role", "editor", "--expires", "1h", *key], cwd=ROOT, text=True
        )
        self.token = minted.strip()
        self.process = subprocess.Popen(
            [*run, "serve", "--port", "0", "--store", store, *key],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r"ws://\S+:(\d+)", self.process.stdout.readline())
        assert found, "the relay did not start"
        self.port = int(found[1])
        self._self = psutil.Process(self.process.pid)
        self.start()

    def start(self) -> None:
        """Counts from here on."""
        self._cpu, self._rss, self._since = self.cpu(), self.rss(), time.monotonic()

    def cpu(self) -> float:
        """Seconds since the process began."""
        times = self._self.cpu_times()
        return times.user + times.system

    def rss(self) -> int:
        """Bytes in memory now."""
        return int(self._self.memory_info().rss)

    @property
    def used(self) -> float:
        """CPU seconds since `start`."""
        return self.cpu() - self._cpu

    @property
    def grown(self) -> int:
        """Bytes of memory since `start`."""
        return self.rss() - self._rss

    def close(self) -> None:
        """Ends the relay."""
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Client(asyncio.Protocol):
    """A y-websocket client that counts the keystrokes it hears, and does not decode them."""

    transport: asyncio.Transport
    protocol: ClientProtocol

    def __init__(self) -> None:
        self.heard = 0
        self.times: list[float] = []
        self._rest = b""
        self._open = asyncio.get_running_loop().create_future()

    @classmethod
    async def join(cls, relay: Relay, room: str) -> Client:
        """A client that is in the room."""
        loop = asyncio.get_running_loop()
        transport, client = await loop.create_connection(cls, "127.0.0.1", relay.port)
        uri = parse_uri(f"ws://127.0.0.1:{relay.port}/{room}")
        protocol = ClientProtocol(uri, max_size=None)
        request = protocol.connect()
        request.headers["Authorization"] = f"Bearer {relay.token}"
        client.transport = transport
        client.protocol = protocol
        protocol.send_request(request)
        transport.writelines(protocol.data_to_send())
        await client._open
        return client

    def data_received(self, data: bytes) -> None:
        """Counts; a mark may be cut by the end of a read."""
        if not self._open.done():
            self.protocol.receive_data(data)
            self.protocol.events_received()
            if self.protocol.state is OPEN:
                self._open.set_result(None)
            return
        data = self._rest + data
        new = data.count(MARK)
        self.heard += new
        self.times += [time.monotonic()] * new
        last = data.rfind(MARK)
        self._rest = data[max(last + len(MARK) if last >= 0 else 0, len(data) - 2) :]

    def send(self, data: bytes) -> None:
        """Sends frames."""
        self.transport.write(data)


@dataclass
class Typist:
    """Somebody who types into one room; frames are made before they are needed."""

    client: Client
    frames: list[bytes]
    sent: list[float] = field(default_factory=list)

    def type(self, count: int = 1) -> None:
        """Sends the next keystrokes, in one write."""
        at = len(self.sent)
        self.sent += [time.monotonic()] * count
        self.client.send(b"".join(self.frames[at : at + count]))


def updates(count: int) -> Iterator[bytes]:
    """What somebody changes who types `count` characters at the end of a text."""
    doc: Doc[Any] = Doc()
    text = doc.get("text", type=Text)
    for _ in range(count):
        if len(text) > 3000:  # the library gets slower as a run grows
            del text[:]
        before = doc.get_state()
        text.insert(len(text), MARK.decode())
        yield doc.get_update(before)


def keystrokes(count: int) -> list[bytes]:
    """The same as websocket frames."""
    payloads = (wire.encode_body(wire.Update(update)) for update in updates(count))
    return [Frame(Opcode.BINARY, payload).serialize(mask=True) for payload in payloads]


async def wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until the readers have counted enough. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a reader that told would cost the generator more
            await asyncio.sleep(0.002)


def latencies(sent: list[float], heard: list[float]) -> list[float]:
    """Seconds from each keystroke to its arrival; one room has one typist, so order is kept."""
    return [there - here for here, there in zip(sent, heard, strict=True)]


def say(line: str) -> None:
    """A line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(name: str, relay: Relay, deliveries: int, late: list[float] | None = None) -> None:
    """A line with what the relay used since `start`."""
    line = f"{name:14} {deliveries:>9,} deliveries {relay.used / deliveries * 1e6:8.2f} CPU s/M"
    if late:
        cuts = statistics.quantiles(late, n=100)
        line += f"   p50 {cuts[49] * 1e3:.2f} ms   p99 {cuts[98] * 1e3:.2f} ms"
    say(line)


async def flood(relay: Relay, readers: int, seconds: float) -> None:
    """One typist, as fast as everybody hears it."""
    typist = Typist(await Client.join(relay, "flood"), keystrokes(40_000))
    everybody = [await Client.join(relay, "flood") for _ in range(readers)]
    relay.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(typist.sent) + 32 <= len(typist.frames):
        if len(typist.sent) - min(one.heard for one in everybody) <= WINDOW - 32:
            typist.type(32)
        await asyncio.sleep(0)
    await wait(lambda: all(one.heard == len(typist.sent) for one in everybody))
    report(f"flood:{readers}", relay, sum(one.heard for one in everybody))


async def paced(relay: Relay, readers: int, seconds: float) -> None:
    """One typist at 150 keystrokes a second, and many who read."""
    typist = Typist(await Client.join(relay, "paced"), keystrokes(int(seconds * 150)))
    everybody = [await Client.join(relay, "paced") for _ in range(readers)]
    relay.start()
    for _ in typist.frames:
        typist.type()
        await asyncio.sleep(1 / 150)
    await wait(lambda: all(one.heard == len(typist.sent) for one in everybody))
    late = [t for one in everybody for t in latencies(typist.sent, one.times)]
    report(f"paced:{readers}", relay, len(late), late)


async def rooms(relay: Relay, count: int, seconds: float) -> None:
    """Many rooms of two, ten keystrokes a second in each."""
    frames = keystrokes(int(seconds * 10))
    names = [f"room-{n}" for n in range(count)]
    typists = [Typist(await Client.join(relay, name), frames) for name in names]
    readers = [await Client.join(relay, name) for name in names]
    relay.start()
    for _ in frames:
        for typist in typists:
            typist.type()
            await asyncio.sleep(0.1 / count)
    await wait(lambda: all(reader.heard == len(frames) for reader in readers))
    pairs = zip(typists, readers, strict=True)
    late = [t for typist, reader in pairs for t in latencies(typist.sent, reader.times)]
    report(f"rooms:{count}", relay, len(late), late)


async def acknowledged(relay: Relay, seconds: float) -> None:
    """One of our own clients, which waits for each acknowledgement: an fsync each."""
    waits: list[float] = []
    async with connect(f"ws://127.0.0.1:{relay.port}/") as socket:
        await socket.send(wire.encode("acks", wire.Token(relay.token, hello="{}")))
        relay.start()
        end = time.monotonic() + seconds
        for update in updates(4000):
            sent = time.monotonic()
            await socket.send(wire.encode("acks", wire.Update(update)))
            while not isinstance(wire.decode(await socket.recv())[1], wire.Ack):
                pass
            waits.append(time.monotonic() - sent)
            if time.monotonic() > end:
                break
    report("acknowledged", relay, len(waits), waits)


async def idle(relay: Relay, count: int) -> None:
    """Connections that say nothing."""
    await Client.join(relay, "idle")
    relay.start()
    everybody = [await Client.join(relay, "idle") for _ in range(count)]
    await asyncio.sleep(1)
    say(f"idle:{count:<9} {relay.grown / count / 1024:9.1f} KB each")
    for client in everybody:
        client.transport.close()


async def measure(options: argparse.Namespace, relay: Relay) -> None:
    """Every load in turn. Idle ones first, while memory that was used before is not reused."""
    await idle(relay, options.idle)
    await flood(relay, min(options.readers, 50), options.seconds)
    await paced(relay, options.readers, options.seconds)
    await rooms(relay, options.rooms, options.seconds)
    await acknowledged(relay, options.seconds)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    say(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        relay = Relay(Path(folder))
        try:
            asyncio.run(measure(options, relay))
        finally:
            relay.close()


if __name__ == "__main__":
    main()
