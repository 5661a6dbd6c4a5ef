"""How soon everybody is back: after an outage, on a line that died silently, after a restart.

    make bench-reconnect
    scripts/bench_reconnect.py --sessions 40 --outage 5 --crowd 1000

The relay is a process with its journal on disk, as operators run it. Sessions are the client that
the app and the SDK use; the crowd speaks the wire by hand, so that a thousand fit into one process.
How long the relay's loop stalls is told by another process, which asks it for an answer every few
milliseconds: on a machine with few CPUs that is an upper bound, for the crowd competes with both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_here

from relay_server import wire
from relay_server.keys import Keys
from relay_server.places import raise_limit
from studio_tui.document.text import SharedText
from studio_tui.sync.link import Endpoint, LinkState
from studio_tui.sync.session import Session

ROOT = Path(__file__).parents[1]
ASK_EVERY = 0.005  # seconds
NOTICED = 30.0  # seconds to wait for what should take six


class Relay:
    """A relay on one port and one store, which ends and starts again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"ws://127.0.0.1:{self.port}"
        self.token = Keys.load(folder / "key.pem").mint(room="*", role="editor")
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "relay_server", "serve", "--port", str(self.port),
             "--store", f"sqlite:///{self._folder / 'j.db'}", "--key",
             str(self._folder / "key.pem"), "--log-level", "error"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert "relay at" in self._process.stdout.readline(), "the relay did not start"

    def end(self, how: signal.Signals) -> int:
        """Sends the signal, waits, and returns the exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(how)
        process.communicate()
        return process.returncode

    @contextlib.asynccontextmanager
    async def session(self, url: str = "") -> AsyncIterator[Session]:
        """A client of the relay, or of what passes it on at another URL."""

        async def locate() -> Endpoint:
            return Endpoint(url or self.url, self.token)

        async with Session(locate, "bench") as session:
            yield session


class Line:
    """A TCP line to the relay that can go silent: both ends stay open, and nothing passes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Returns its URL."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def silence(self) -> None:
        """From now on."""
        self._passing.clear()

    async def close(self) -> None:
        """Ends it."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._port)
        for source, target in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._passing.wait()
                target.write(data)
        target.close()


def say(line: str) -> None:
    """A line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def told(times: list[float]) -> str:
    """Median, 95th percentile and largest of some seconds."""
    cuts = statistics.quantiles(times, n=20)
    return f"p50 {cuts[9]:.2f} s   p95 {cuts[18]:.2f} s   max {max(times):.2f} s   ({len(times)})"


async def later(sessions: list[Session], condition: Callable[[int, Session], bool]) -> list[float]:
    """Seconds from now until each session's condition holds."""
    began = time.monotonic()

    async def one(n: int, session: Session) -> float:
        async with asyncio.timeout(60):
            await session.until(lambda: condition(n, session))
        return time.monotonic() - began

    return await asyncio.gather(*(one(n, session) for n, session in enumerate(sessions)))


async def outage(relay: Relay, count: int, seconds: float) -> list[float]:
    """The relay is killed and comes back; what was typed meanwhile is on its disk."""
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(relay.session()) for _ in range(count)]
        rooms = [await session.join(f"room-{n}") for n, session in enumerate(sessions)]
        texts = [SharedText(room.replica.doc) for room in rooms]
        relay.end(signal.SIGKILL)
        gone = time.monotonic()
        await later(sessions, lambda n, one: one.state is LinkState.OFFLINE)
        for text in texts:
            text.insert(0, "typed while it was away\n")
        await asyncio.sleep(seconds - (time.monotonic() - gone))
        await asyncio.to_thread(relay.start)
        return await later(
            sessions, lambda n, one: one.state is LinkState.LIVE and one.unsaved == 0
        )


async def half_open(relay: Relay, count: int) -> tuple[list[float], float]:
    """Lines go silent: when each client knows, and when the relay has nobody left."""
    line = Line(relay.port)
    url = await line.start()
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(relay.session(url)) for _ in range(count)]
        for n, session in enumerate(sessions):
            await session.join(f"half-{n}")
        line.silence()
        began = time.monotonic()
        here = asyncio.create_task(later(sessions, lambda n, one: one.state is LinkState.OFFLINE))
        while await members(relay) and time.monotonic() - began < NOTICED:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        there = time.monotonic() - began
        times = await here
    await line.close()
    return times, there


async def members(relay: Relay) -> int:
    """How many the relay counts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: relay\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    found = re.search(r"^relay_members (\d+)$", answer, re.MULTILINE)
    assert found, answer
    return int(found[1])


async def member(relay: Relay, room: str) -> ClientConnection:
    """A client that has what the room has."""
    joined = await connect(relay.url, compression=None, ping_interval=None, open_timeout=60)
    await joined.send(wire.encode(room, wire.Token(relay.token, "1", '{"name": "one"}')))
    await joined.send(wire.encode(room, wire.Step1(b"\0")))
    while not isinstance(wire.decode(await joined.recv(decode=False))[1], wire.Step2):
        pass
    return joined


async def wait_out(one: ClientConnection) -> float:
    """Reads until the relay says goodbye; the seconds it asks to stay away, at most."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await one.recv(decode=False)
    assert one.close_code == wire.Close.RESTART, (one.close_code, one.close_reason)
    return float((one.close_reason or "").rpartition("=")[2])


async def crowd(relay: Relay, count: int) -> None:
    """A restart while many are there; all of them come back in the time that they were told."""
    here = [await member(relay, f"crowd-{n % 100}") for n in range(count)]
    leaving = [asyncio.create_task(wait_out(one)) for one in here]
    began = time.monotonic()
    code = await asyncio.to_thread(relay.end, signal.SIGTERM)
    waits = await asyncio.gather(*leaving)
    say(f"drain:{count:<6} {time.monotonic() - began:.2f} s, exit code {code}, all told 1012")
    await asyncio.to_thread(relay.start)
    probe = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--probe", relay.url,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert probe.stdin is not None
    assert probe.stdout is not None
    probe.stdin.write(f"{relay.token}\n".encode())
    await probe.stdout.readline()
    began = time.monotonic()

    async def back(n: int, most: float) -> tuple[float, ClientConnection]:
        await asyncio.sleep(random.uniform(0, most))
        one = await member(relay, f"crowd-{n % 100}")
        return time.monotonic() - began, one

    found = await asyncio.gather(*(back(n, most) for n, most in enumerate(waits)))
    said, _ = await probe.communicate(b"")
    say(f"crowd:{count:<6} {told([seconds for seconds, _ in found])}")
    say(f"  loop         {said.decode().strip()}")
    for _, one in found:
        one.transport.abort()


def probe(url: str) -> None:
    """Asks a relay for an answer until stdin ends, its first line being a token; says how long."""
    token = sys.stdin.readline().strip()
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    times = []
    with connect_here(url, compression=None, ping_interval=None) as asked:
        asked.send(wire.encode("probe", wire.Token(token)))
        asked.recv()
        say("asking")
        while not over.is_set():
            began = time.monotonic()
            asked.ping().wait(60)
            times.append(time.monotonic() - began)
            over.wait(ASK_EVERY)
    times.sort()
    say(f"answers in p50 {times[len(times) // 2] * 1e3:.1f} ms, at most {times[-1] * 1e3:.0f} ms")


async def measure(options: argparse.Namespace, relay: Relay) -> None:
    """Everything in turn."""
    await asyncio.to_thread(relay.start)
    times = []
    for _ in range(options.rounds):
        times += await outage(relay, options.sessions, options.outage)
    say(f"outage:{options.outage:<5g} {told(times)}")
    clients, there = await half_open(relay, options.sessions)
    say(f"half-open    {told(clients)}, the relay {there:.2f} s")
    await crowd(relay, options.crowd)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--outage", type=float, default=5)
    parser.add_argument("--crowd", type=int, default=1000)
    parser.add_argument("--probe", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        probe(options.probe)
        return
    raise_limit()
    say(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        relay = Relay(Path(folder))
        try:
            asyncio.run(measure(options, relay))
        finally:
            relay.end(signal.SIGKILL)


if __name__ == "__main__":
    main()
