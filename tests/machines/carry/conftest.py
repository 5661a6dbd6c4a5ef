"""Two machines that are one: this one, and one that only looks as if it were elsewhere."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from studio_tui.machines.carry.tree import Place
from studio_tui.machines.connection import Channel, Completed
from studio_tui.machines.local import LocalConnection


class Cut:
    """A pipe that ends after so many reads, as one does whose machine went away."""

    def __init__(self, channel: Channel, remote: Remote) -> None:
        self._channel = channel
        self._pipe = channel.stdout
        self._remote = remote

    async def _some(self, data: bytes, wanted: int) -> bytes:
        self._remote.told += len(data)
        self._remote.reads += 1
        if self._remote.cut is not None and self._remote.reads > self._remote.cut:
            self._channel.close()
            raise asyncio.IncompleteReadError(b"", wanted)
        return data

    async def read(self, n: int = -1) -> bytes:
        try:
            return await self._some(await self._pipe.read(n), n)
        except asyncio.IncompleteReadError:
            return b""

    async def readline(self) -> bytes:
        line: bytes = await self._pipe.readline()
        return line

    async def readexactly(self, n: int) -> bytes:
        return await self._some(await self._pipe.readexactly(n), n)


class RemoteChannel:
    """A channel whose output may be cut."""

    def __init__(self, channel: Channel, remote: Remote) -> None:
        self._channel = channel
        self.stdin, self.stderr = channel.stdin, channel.stderr
        self.stdout = Cut(channel, remote)
        self.wait, self.close = channel.wait, channel.close


class Remote:
    """A machine that is not the studio's own, for all that the product can see.

    Attributes:
        path: its PATH.
        opened: the programs that were started there, by name.
        told: bytes that its programs said.
        reads: how often they were read; `cut` ends the channels after so many.
    """

    def __init__(self, root: Path) -> None:
        self._local = LocalConnection(root)
        self.root = self._local.root
        tools = Path(root, "bin")  # a python3 that is no wrapper
        tools.mkdir()
        (tools / "python3").symlink_to(os.path.realpath(sys.executable))
        self.path = f"{tools}:{os.environ['PATH']}"
        self.opened: list[str] = []
        self.told = self.reads = 0
        self.cut: int | None = None

    def _env(self, env: Mapping[str, str] | None) -> dict[str, str]:
        return {"PATH": self.path, **(env or {})}

    async def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        return await self._local.run(argv, input=input, cwd=cwd, env=self._env(env))

    async def open(
        self, argv: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None
    ) -> RemoteChannel:
        self.opened.append(os.path.basename(argv[0]))
        return RemoteChannel(await self._local.open(argv, cwd=cwd, env=self._env(env)), self)

    async def connect(self, path: str) -> Any:
        return await self._local.connect(path)

    async def put(self, source: Path, target: str) -> None:
        await self._local.put(source, target)

    async def get(self, source: str, target: Path) -> None:
        await self._local.get(source, target)

    async def forward(self, port: int) -> int:
        return port

    async def close(self) -> None:
        await self._local.close()


class Pair:
    """A folder here and one there.

    Attributes:
        a, b: their paths; here, there: the places.
    """

    def __init__(self, folder: Path) -> None:
        self.a, self.b = folder / "here", folder / "there"
        self.a.mkdir()
        self.local = LocalConnection(folder / "local")
        self.remote = Remote(folder / "remote")
        self.here = Place("local", self.local, str(self.a))
        self.there = Place("gpu box", self.remote, str(self.b))

    async def close(self) -> None:
        await self.remote.close()
        await self.local.close()


@pytest.fixture(autouse=True)
def git(require: Callable[[str], str]) -> str:
    return require("git")


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    await pair.close()


def only(folder: Path, *programs: str) -> str:
    """A PATH with these programs alone."""
    folder.mkdir()
    for program in programs:
        found = shutil.which(program, path="/usr/bin:/bin:/usr/local/bin")
        python = os.path.realpath(sys.executable)
        (folder / program).symlink_to(python if program == "python3" else str(found))
    return str(folder)


@pytest.fixture
def programs(tmp_path: Path) -> Any:
    return lambda *names: only(tmp_path / "bin", *names)
