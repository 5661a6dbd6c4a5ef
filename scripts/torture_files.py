"""Kills a host, a relay or a client by -9 again and again while a file is written and saved.

    python scripts/torture_files.py [ROUNDS]        (make torture-files: 50)

All are processes as people have them: a relay with its store, the host of a folder, and a client
that writes the next version of a file, waits until that is durable at the relay, and has it written
to disk. Meanwhile the file is read over and over: it must always be one complete version. A version
that was acknowledged must never be gone: neither from the disk, once it was written there, nor from
the shared text. Ends with 1 when anything was.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from click import echo

from relay_server.keys import Keys

ROOT = Path(__file__).parents[1]
NAME = "train.py"
LINES = 300
PATIENCE = 60.0
"""Seconds that whoever was killed has to be back and at work."""
VICTIMS = ("host", "relay", "client")


def version(number: int) -> str:
    """The content of one version: every line says which one it is of."""
    return "".join(f"version {number} line {line}\n" for line in range(LINES))


def number_of(text: str) -> int | None:
    """Which version a text is; None when it is no complete one."""
    first = text.partition(" line")[0].removeprefix("version ")
    return int(first) if first.isdecimal() and text == version(int(first)) else None


@dataclass
class Tally:
    """What was promised and what was found.

    Attributes:
        durable: the latest version that the relay acknowledged as being on its disk.
        written: the latest one that the host said is in the file.
        torn: contents of the file that were no complete version.
        lost: what was acknowledged and is not there, in words.
    """

    durable: int = 0
    written: int = 0
    saves: int = 0
    looks: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all was as it must be."""
        return not self.torn and not self.lost


class Stage:
    """A relay, a host and a client, each of which can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.file = home / "project" / NAME
        self.tally = Tally()
        self._port = _free_port()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._token = ""

    @property
    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("STUDIO_")}
        own = {"STUDIO_HOME": str(self.home / "home"), "STUDIO_RELAY_TOKEN": self._token}
        return {**kept, **own, "PYTHONPATH": str(ROOT)}

    async def open(self) -> None:
        """Start all three, the first version being on disk."""
        self.file.parent.mkdir(parents=True)
        self.file.write_text(version(0))
        self._token = Keys.load(self.home / "key.pem").mint(room="*", role="owner")
        for victim in ("relay", "host", "client"):
            await self._start(victim)

    async def _start(self, victim: str) -> None:
        url = f"ws://127.0.0.1:{self._port}"
        commands = {
            "relay": ["-m", "relay_server", "serve", "--port", str(self._port), "--log-level",
                      "error", "--store", f"sqlite:///{self.home / 'j.db'}",
                      "--key", str(self.home / "key.pem")],
            "host": ["-m", "studio_tui", "host", str(self.file.parent), "--relay", url],
            "client": [__file__, "--write"],
        }  # fmt: skip
        log = (self.home / f"{victim}.log").open("ab")
        with log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *commands[victim], cwd=ROOT, env=self._environment,
                stdout=subprocess.PIPE if victim == "client" else log, stderr=log,
            )  # fmt: skip
        self._running[victim] = process
        if victim == "client":
            self._reading = asyncio.create_task(self._read(process))

    async def _read(self, client: asyncio.subprocess.Process) -> None:
        """Note what a client says: found, durable or written, and a version."""
        assert client.stdout is not None
        async for line in client.stdout:
            word, _, number = line.decode().partition(" ")
            if not number.endswith("\n"):
                return  # it was killed in the middle of the line
            self._heard(word, int(number))
            self._news.set()

    def _heard(self, word: str, number: int) -> None:
        tally = self.tally
        if word == "found" and number < tally.durable:
            tally.lost.append(f"the text has version {number}, durable was {tally.durable}")
        elif word == "durable":
            tally.durable = max(tally.durable, number)
        elif word == "written":
            tally.saves += 1
            tally.written = max(tally.written, number)

    async def watch(self) -> None:
        """Read the file over and over, for ever."""
        while True:
            self.look()
            await asyncio.sleep(0.002)

    def look(self) -> None:
        """Read the file: one complete version, and none before one that was written there."""
        promised = self.tally.written
        text = self.file.read_text(encoding="utf-8", errors="replace")
        self.tally.looks += 1
        number = number_of(text)
        if number is None:
            self.tally.torn.append(text[:200])
        elif number < promised:
            self.tally.lost.append(f"the file has version {number}, written was {promised}")

    async def kill(self, victim: str) -> None:
        """Kill one of them, start it again, and wait until another version is written."""
        process = self._running[victim]
        process.kill()
        await process.wait()
        if victim == "client" and self._reading is not None:
            await self._reading
        self.tally.kills[victim] = self.tally.kills.get(victim, 0) + 1
        self.look()
        await self._start(victim)
        before = self.tally.saves
        async with asyncio.timeout(PATIENCE):
            while self.tally.saves == before:
                self._news.clear()
                await self._news.wait()

    async def close(self) -> None:
        """End them; what the client wrote last is on disk then, as far as it was told."""
        for victim in reversed(VICTIMS):
            process = self._running.get(victim)
            if process is not None and process.returncode is None:
                process.terminate()
                await process.wait()
        if self._reading is not None:
            await self._reading
        self.look()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def write() -> None:
    """The client: writes version after version, and tells what became of each."""
    from studio_tui import sdk
    from studio_tui.errors import StudioError
    from studio_tui.settings import studios

    async with asyncio.timeout(PATIENCE):
        while True:  # the host may be on its way
            if alive := [record.id for record in studios.records() if studios.alive(record)]:
                break
            await asyncio.sleep(0.05)
    async with sdk.attach(alive[0], name="ana") as studio:
        await studio.until(lambda: studio.reachable)
        file = await studio.file(NAME)
        number = number_of(str(file))
        print("found", -1 if number is None else number, flush=True)
        number = number or 0
        while True:
            number += 1
            await file.write(version(number))
            await file.saved()
            print("durable", number, flush=True)
            while True:
                try:
                    await file.flush()
                    break
                except StudioError:
                    await asyncio.sleep(0.05)  # the host is away, or its relay is
            print("written", number, flush=True)


async def torture(home: Path, rounds: int, *, tell: bool = False, seed: int = 0) -> Tally:
    """Kill one of them in each round, at a random moment."""
    chance = random.Random(seed)
    stage = Stage(home)
    try:
        await stage.open()
        watching = asyncio.create_task(stage.watch())
        async with asyncio.timeout(PATIENCE):
            while not stage.tally.saves:
                stage._news.clear()
                await stage._news.wait()
        for number in range(rounds):
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            victim = VICTIMS[number % len(VICTIMS)]
            await stage.kill(victim)
            if tell and number % 10 == 9:
                echo(f"{number + 1}: {stage.tally.saves} saves, {stage.tally.looks} looks")
        watching.cancel()
    finally:
        await stage.close()
    return stage.tally


def main() -> None:
    """See the module."""
    if "--write" in sys.argv:
        asyncio.run(write())
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = asyncio.run(torture(Path(name), rounds, tell=True))
    kills = ", ".join(f"{count} of the {victim}" for victim, count in tally.kills.items())
    echo(
        f"{rounds} kills in {time.monotonic() - began:.0f} s ({kills}): {tally.saves} saves,"
        f" {tally.looks} looks at the file, {len(tally.torn)} torn, {len(tally.lost)} lost"
    )
    for problem in [*tally.torn, *tally.lost][:10]:
        echo(f"  {problem!r}")
    sys.exit(not tally.whole)


if __name__ == "__main__":
    main()
