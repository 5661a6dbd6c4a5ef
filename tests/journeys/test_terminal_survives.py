"""A terminal outlives everything: app, relay and host are killed with -9 while it prints."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_tui import sdk
from studio_tui.client import start
from studio_tui.settings import paths, studios
from studio_tui.terminal import holding
from tests.processes import until_gone

COUNT = 200_000
SCRIPT = """
echo shell $$
read x
seq 1 100000
while [ ! -e go ]; do sleep 0.02; done
seq 100001 200000
echo counted
while read line; do echo "<$line> from $$"; done
"""


class RelayProcess:
    """A relay with its store on the disk, killed and started again on one port."""

    def __init__(self, folder: Path) -> None:
        self._key, self._store = folder / "relay.key", f"sqlite:///{folder}/relay.db"
        self.port = 0
        self.process: subprocess.Popen[str]

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "relay_server", "serve", "--port", str(self.port),
             "--key", str(self._key), "--store", self._store],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r"ws://127.0.0.1:(\d+)", self.process.stdout.readline())
        assert found
        self.port = int(found[1])

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def token(self) -> str:
        words = ["token", "*", "--role", "owner", "--key", str(self._key)]
        done = subprocess.run(
            [sys.executable, "-m", "relay_server", *words],
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        return done.stdout.strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[RelayProcess]:
    made = RelayProcess(tmp_path)
    made.start()
    yield made
    for record in studios.records():
        start.stop(record)
    made.kill()


def app(studio: str) -> tuple[int, int]:
    """The app on a pty of its own: its process and our end of the pty."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "studio_tui", "attach", studio])
    return pid, master


def kept(socket_path: str) -> bytes:
    """Everything that the terminal's holder keeps."""
    stream, output = holding.HolderStream(), b""
    with socket.socket(socket.AF_UNIX) as holder:
        holder.connect(socket_path)
        holder.sendall(stream.attach())
        while b"counted" not in output:
            for event in stream.feed(holder.recv(1 << 16)):
                if isinstance(event, holding.Output):
                    output += event.data
                assert not isinstance(event, holding.Gap)
    return output


@pytest.mark.timeout(60)
async def test_app_relay_and_host_are_killed_while_it_prints(
    relay: RelayProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    login = [sys.executable, "-m", "studio_tui", "login", relay.url]
    subprocess.run(login, input=relay.token(), text=True, check=True, timeout=20)
    record = await asyncio.to_thread(start.ensure, folder, relay.url)
    async with sdk.attach(record.id, name="ana") as ana:
        term = await ana.terminal(command=["sh", "-c", SCRIPT])
        await term.until("shell ")
        (shell,) = re.findall(r"shell (\d+)", "\n".join(term.screen))
        pid, master = app(record.id)
        os.read(master, 1)  # it is up, and draws
        await term.type("\n")
        await ana.until(lambda: term.screen[0].isdigit())
        for victim in (pid, record.pid):
            os.kill(victim, signal.SIGKILL)
        relay.kill()
        os.waitpid(pid, 0)
        os.close(master)
        await until_gone(record.pid)
        (folder / "go").touch()  # and half of it comes with nobody there
        await ana.until(lambda: ana.state == "offline")
        relay.start()
        await asyncio.to_thread(start.ensure, folder, relay.url)
        await ana.until(lambda: ana.reachable and not term.closed)
        await term.until("counted")
        await term.take()
        await term.type("still here\n")
        await term.until(f"<still here> from {shell}")
        home = paths.state_folder() / "machine" / "terminals" / record.id / term.id
        output = await asyncio.to_thread(kept, (home / "socket").read_text().strip())
        lines = [line for line in output.decode().splitlines() if line.isdigit()]
        assert lines == [str(number) for number in range(1, COUNT + 1)]
        assert str(COUNT) in await term.history(-40, 40)
        await term.close()
