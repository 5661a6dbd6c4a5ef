"""A terminal's holder, as real processes, and clients of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui import payload
from studio_tui.payload.hold.processes import birth
from studio_tui.terminal.holding import (
    Exit,
    Flags,
    Gap,
    HolderStream,
    Output,
    encode_input,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAYLOAD = str(Path(payload.__file__).parent)
PATIENCE = 10.0


class Client:
    """A blocking client of one holder that may lose its connection and come back."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.stream = HolderStream()
        self.data = bytearray()
        self.gaps: list[Gap] = []
        self.flags: Flags | None = None
        self.code: int | None = None
        self.most = 1 << 20
        self.sock = self.connect()

    def connect(self) -> socket.socket:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
        self.sock.settimeout(0.1)
        self.sock.sendall(self.stream.attach())
        return self.sock

    def read(self) -> bool:
        with contextlib.suppress(TimeoutError):
            data = self.sock.recv(self.most)
            for event in self.stream.feed(data):
                match event:
                    case Output():
                        self.data += event.data
                    case Gap():
                        self.gaps.append(event)
                    case Flags():
                        self.flags = event
                    case Exit():
                        self.code = event.code
            return bool(data)
        return True

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, self.data[-500:]
            assert self.read() or done(), "the holder hung up"

    def expect(self, text: bytes) -> None:
        self.until(lambda: text in self.data[-4096:])

    def finish(self) -> int:
        self.until(lambda: self.code is not None)
        assert self.code is not None
        return self.code

    def type(self, data: bytes) -> None:
        self.sock.sendall(encode_input(data))


class Terminal:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clients: list[Client] = []
        self.pids: set[int] = set()

    def start(self, *command: str, cols: int = 80, rows: int = 24, cwd: Path | None = None) -> Any:
        size = str(cols), str(rows), *(["--cwd", str(cwd)] if cwd else [])
        said = self.ask("start", *size, "--", *command)
        self.pids.add(said["pid"])
        return said

    def ask(self, verb: str, *args: str) -> Any:
        """What the program of the payload says."""
        asked = verb, str(self.directory), *args
        argv = payload.program(sys.executable, PAYLOAD, "hold.start", *asked)
        return json.loads(subprocess.run(argv, capture_output=True, timeout=20, check=True).stdout)

    def attach(self) -> Client:
        path = (self.directory / "socket").read_text().strip()
        self.clients.append(Client(path))
        return self.clients[-1]

    def close(self) -> None:
        for client in self.clients:
            client.sock.close()
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "term")
    yield terminal
    terminal.close()


def gone(pid: int) -> bool:
    return birth(pid) == ""


def eventually(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
