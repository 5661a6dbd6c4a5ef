"""What a shared terminal costs: one key until it is seen elsewhere, and a flood.

    make bench-terminals
    scripts/bench_terminals.py --keys 1000 --megabytes 100

A real studio, its host and relay in a process of their own; ana types and bob watches, two clients
in this one. "On the screen" is bob's copy of the screen; "painted" is the app of a third person on
a pty of 200x50, read by a real emulator. Keys come 50 ms apart, as people type at most; the echo of
`cat` on a bare pty is measured in the same run, to compare with. What goes to bob in a flood is
counted on his TCP connection.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
from bench_app import Screen

from studio_tui.client import start
from studio_tui.client.studio import Studio
from studio_tui.client.terminal import SharedTerminal
from studio_tui.settings import studios
from studio_tui.settings.studios import StudioRecord
from studio_tui.sync.link import Endpoint

PAUSE = 0.05  # seconds between two keys
LINE = 40  # keys, then the line is erased
PATIENCE = 120.0
ATTEMPTS = 10


class Meter:
    """Passes a client's connection on to the relay, and counts what comes back."""

    def __init__(self, record: StudioRecord) -> None:
        self._host, _, port = record.url.rpartition("//")[2].partition(":")
        self._port = int(port.strip("/"))
        self._token = record.token()
        self.received = 0

    @contextlib.asynccontextmanager
    async def attach(self, studio: str, name: str) -> AsyncIterator[Studio]:
        """The studio, as this person has it."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def locate() -> Endpoint:
            return Endpoint(f"ws://127.0.0.1:{port}", self._token)

        async with server, Studio(studio, locate, name) as joined:
            yield joined

    async def _pass(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        relay, out = await asyncio.open_connection(self._host, self._port)

        async def pump(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool
        ) -> None:
            with contextlib.suppress(OSError):
                while data := await reader.read(1 << 16):
                    self.received += len(data) if counted else 0
                    writer.write(data)
                    await writer.drain()
            writer.close()

        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(pump(client, out, False), pump(relay, back, True))


class Memory:
    """The most memory that processes take, looked at ten times a second."""

    def __init__(self, **pids: int) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._before = self._now()
        self._most = dict(self._before)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _now(self) -> dict[str, int]:
        return {name: process.memory_info().rss for name, process in self._processes.items()}

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            now = self._now()
            self._most = {name: max(most, now[name]) for name, most in self._most.items()}

    def told(self) -> str:
        """How much more than at the beginning each took at most."""
        self._over.set()
        self._thread.join()
        grown = {name: self._most[name] - self._before[name] for name in self._before}
        return ", ".join(f"{name} +{more / 1e6:.1f} MB" for name, more in grown.items())


def told(what: str, seconds: list[float]) -> None:
    """Print one figure."""
    ordered = sorted(seconds)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"{what:52} {middle * 1e3:7.2f} ms   p99 {late * 1e3:7.2f} ms", flush=True)


def bare(count: int) -> list[float]:
    """From a key written to a pty until `cat`'s terminal echoes it."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp("cat", ["cat"])
    found = []
    try:
        for _ in range(count):
            time.sleep(0.001)
            started = time.perf_counter()
            os.write(master, b"x")
            os.read(master, 1024)
            found.append(time.perf_counter() - started)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(master)
    return found


async def seen(terminal: SharedTerminal, condition: Callable[[], bool]) -> float:
    """Wait until the terminal shows something; returns the moment it did."""
    loop = asyncio.get_running_loop()
    moment: asyncio.Future[float] = loop.create_future()

    def look(_: object) -> None:
        if not moment.done() and condition():
            moment.set_result(time.perf_counter())

    stop = terminal.observe(look)
    try:
        look(None)
        async with asyncio.timeout(PATIENCE):
            return await moment
    finally:
        stop()


async def echoes(hers: SharedTerminal, his: SharedTerminal, count: int) -> list[float]:
    """From a key that ana presses until bob's screen has it."""
    found = []
    for number in range(count):
        if number % LINE == 0:
            await hers.press("ctrl+u")
            await asyncio.sleep(4 * PAUSE)
        at, letter = his.cursor, "abcdefghij"[number % 10]
        pressed = time.perf_counter()
        await hers.press(letter)
        found.append(await seen(his, lambda at=at: his.cursor != at) - pressed)
        await asyncio.sleep(PAUSE)
    return found


async def painted(hers: SharedTerminal, screen: Screen, count: int) -> list[float]:
    """From a key that ana presses until the app of somebody else has painted its cell."""
    found = []
    for number in range(count):
        if number % LINE == 0:
            await hers.press("ctrl+u")
            await asyncio.sleep(4 * PAUSE)
            await asyncio.to_thread(screen.drain, 0.1)
        wanted = "@" * (number % LINE + 1)
        pressed = time.perf_counter()
        await hers.press("at")
        looked = asyncio.to_thread(
            screen.until, lambda rows, w=wanted: any(w in row for row in rows), wanted
        )
        found.append(await looked - pressed)
        await asyncio.to_thread(screen.drain, PAUSE)
    return found


async def flood(ana: Studio, bob: Studio, meter: Meter, megabytes: int, host: int) -> None:
    """Print what so much output does to those who watch."""
    script = f"read x; yes | head -c {megabytes}000000; echo flood over; read x"
    hers = await ana.terminal(command=["sh", "-c", script])
    his = await bob.terminal(hers.id)
    await his.take()
    await hers.take()
    memory, before, frame = Memory(host=host, clients=os.getpid()), meter.received, his.view.seq
    started = time.perf_counter()
    await hers.press("enter")
    over: list[str] = []
    while "flood over" not in over:
        await asyncio.sleep(0.01)
        over = [row.strip() for row in await hers.history(-30, 30)]
    behind = his.view.seq
    await seen(his, lambda: any("flood over" in row for row in his.screen))
    took = time.perf_counter() - started
    print(f"{f'a flood of {megabytes} MB: seconds':52} {took:7.1f}")
    print(f"{'  bytes to somebody who watches':52} {(meter.received - before) / 1e3:7.0f} kB")
    print(f"{'  frames, and how many he was behind at the end':52} {his.view.seq - frame:7d}"
          f"      {his.view.seq - behind}")  # fmt: skip
    print(f"{'  memory at most':52}         {memory.told()}", flush=True)
    await hers.close()


async def interrupts(ana: Studio, bob: Studio) -> list[float]:
    """From ctrl+c in the middle of a flood until bob sees the prompt after it."""
    hers = await ana.terminal(command=["sh", "-c", "trap : INT; while :; do echo ready; read x; "
                                       "yes; printf '\\nstopped\\n'; done"])  # fmt: skip
    his = await bob.terminal(hers.id)
    found = []
    for _ in range(ATTEMPTS):
        await seen(his, lambda: "ready" in his.screen)
        await hers.type("clear\n")
        await seen(his, lambda: "ready" not in his.screen)
        await asyncio.sleep(1.0)
        pressed = time.perf_counter()
        await hers.press("ctrl+c")
        found.append(await seen(his, lambda: "stopped" in his.screen) - pressed)
    await hers.close()
    return found


async def opened_by_app(ana: Studio) -> tuple[SharedTerminal, Screen]:
    """The app of a third person with a new terminal in front, and that terminal, driven by ana."""
    env = dict(os.environ, TERM="xterm-256color")
    argv = [sys.executable, "-m", "studio_tui", "attach", ana.id, "--as", "cleo"]
    screen = await asyncio.to_thread(Screen, argv, env)
    known = set(ana.document.terminals)
    await asyncio.to_thread(screen.until, lambda rows: any("^" in row for row in rows), "the app")
    await asyncio.to_thread(screen.drain, 1.5)
    screen.type(b"\x14")
    reading = asyncio.create_task(asyncio.to_thread(screen.drain, 2.0))
    await ana.until(lambda: len(ana.document.terminals) > len(known))
    (id,) = set(ana.document.terminals) - known
    hers = await ana.terminal(id)
    await hers.take()
    await hers.type("clear; exec cat\n")
    await reading
    return hers, screen


async def measure(record: StudioRecord, keys: int, megabytes: int) -> None:
    """Measure and print."""
    told(f"cat on a bare pty, echo ({keys} keys)", bare(keys))
    meter, hers_only = Meter(record), Meter(record)
    async with hers_only.attach(record.id, "ana") as ana, meter.attach(record.id, "bob") as bob:
        hers = await ana.terminal(command=["cat"], title="echo")
        his = await bob.terminal(hers.id)
        told(f"a key, pressed to on bob's screen ({keys} keys)", await echoes(hers, his, keys))
        await hers.close()
        hers, screen = await opened_by_app(ana)
        try:
            told(f"a key, pressed to painted by cleo's app ({keys} keys)",
                 await painted(hers, screen, keys))  # fmt: skip
        finally:
            screen.close()
        await hers.close()
        told(f"ctrl+c in a flood until it has stopped ({ATTEMPTS} times)",
             await interrupts(ana, bob))  # fmt: skip
        await flood(ana, bob, meter, megabytes, record.pid)


def main() -> None:
    """Run on a studio of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1000)
    parser.add_argument("--megabytes", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STUDIO_HOME"] = f"{folder}/home"
        project = Path(folder, "project")
        project.mkdir()
        record = start.ensure(project)
        try:
            asyncio.run(measure(record, given.keys, given.megabytes))
        finally:
            with contextlib.suppress(subprocess.SubprocessError):
                start.stop(studios.find(record.id))


if __name__ == "__main__":
    main()
