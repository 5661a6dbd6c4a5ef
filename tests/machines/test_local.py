"""This machine as a connection: its processes are owned, its failures are errors one can act on."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.machines.connection import Connection
from studio_tui.machines.local import LocalConnection


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[LocalConnection]:
    connection = LocalConnection(tmp_path / "root")
    yield connection
    await connection.close()


def test_it_is_a_connection_with_a_private_root(tmp_path: Path) -> None:
    connection: Connection = LocalConnection(tmp_path / "a" / "root")
    assert connection.root == str(tmp_path / "a" / "root")
    assert stat.S_IMODE(os.stat(connection.root).st_mode) == 0o700


async def test_the_studios_own_secrets_stay_with_the_host(
    connection: LocalConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "secret")
    monkeypatch.setenv("STUDIO_PLACE", "here")
    seen = (await connection.run(["env"])).stdout.decode()
    assert "STUDIO_RELAY_TOKEN" not in seen
    assert "STUDIO_PLACE=here" in seen
    given = await connection.run(["env"], env={"STUDIO_RELAY_TOKEN": "meant"})
    assert "STUDIO_RELAY_TOKEN=meant" in given.stdout.decode()


async def test_a_program_that_is_closed_gives_its_pipes_back(connection: LocalConnection) -> None:
    """However much it had said that nobody read."""
    before = len(os.listdir("/proc/self/fd"))
    channel = await connection.open(["sh", "-c", "head -c 9000000 /dev/zero; sleep 60"])
    await channel.stdout.readexactly(1)
    assert len(os.listdir("/proc/self/fd")) > before
    channel.close()
    await channel.wait()
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("length", [5, 150])
async def test_a_socket_however_long_its_path(
    connection: LocalConnection, tmp_path: Path, length: int
) -> None:
    folder = tmp_path / ("d" * length)
    folder.mkdir()
    answer = "import os, socket; os.chdir(os.sys.argv[1]); s = socket.socket(socket.AF_UNIX);"
    answer += "s.bind('s'); s.listen(); print(flush=True); c = s.accept()[0]; c.sendall(b'hello')"
    channel = await connection.open([sys.executable, "-c", answer, str(folder)])
    await channel.stdout.readline()
    reader, writer = await connection.connect(str(folder / "s"))
    assert await reader.read() == b"hello"
    writer.close()
    await writer.wait_closed()
    await channel.wait()


async def test_files_and_ports(connection: LocalConnection, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    await connection.put(tmp_path / "a", f"{connection.root}/b")
    await connection.get(f"{connection.root}/b", tmp_path / "c")
    assert (tmp_path / "c").read_text() == "content"
    assert await connection.forward(8080) == 8080
    await connection.unforward(8080)
