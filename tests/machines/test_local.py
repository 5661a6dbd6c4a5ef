"""This machine as a connection: its processes are owned, its failures are errors one can act on."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.errors import NotFound
from studio_tui.machines.connection import CommandFailed, Connection, ConnectionLost
from studio_tui.machines.local import LocalConnection


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[LocalConnection]:
    connection = LocalConnection(tmp_path / "root")
    yield connection
    await connection.close()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


async def until_gone(pid: int) -> None:
    while not gone(pid):
        await asyncio.sleep(0.02)


def test_it_is_a_connection_with_a_private_root(tmp_path: Path) -> None:
    connection: Connection = LocalConnection(tmp_path / "a" / "root")
    assert connection.root == str(tmp_path / "a" / "root")
    assert stat.S_IMODE(os.stat(connection.root).st_mode) == 0o700


async def test_a_command_with_input_folder_and_environment(
    connection: LocalConnection, tmp_path: Path
) -> None:
    script = "cat; pwd; echo $MINE; echo oops >&2; exit 3"
    done = await connection.run(
        ["sh", "-c", script], input=b"in\n", cwd=str(tmp_path), env={"MINE": "yes"}
    )
    assert done.stdout.decode().splitlines() == ["in", str(tmp_path), "yes"]
    assert (done.exit_code, done.stderr, done.ok) == (3, b"oops\n", False)


async def test_a_signal_is_an_exit_code(connection: LocalConnection) -> None:
    assert (await connection.run(["sh", "-c", "kill -KILL $$"])).exit_code == 137


async def test_input_that_nobody_reads(connection: LocalConnection) -> None:
    assert (await connection.run(["true"], input=b"x" * (1 << 20))).ok


@pytest.mark.parametrize(
    ("argv", "cwd"), [(["/no/such/program"], None), (["true"], "/no/such/folder")]
)
async def test_what_cannot_be_started(
    connection: LocalConnection, argv: list[str], cwd: str | None
) -> None:
    with pytest.raises(CommandFailed, match=r"cannot start .*: /no/such/.*: No such file"):
        await connection.run(argv, cwd=cwd)


async def test_a_call_that_is_given_up_ends_the_command_and_its_children(
    connection: LocalConnection, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    call = asyncio.create_task(
        connection.run(
            ["sh", "-c", f"sleep 30 & echo $! > {file}.part; mv {file}.part {file}; wait"]
        )
    )
    while not file.exists():
        await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until_gone(int(file.read_text()))


async def test_a_conversation(connection: LocalConnection) -> None:
    channel = await connection.open(["sh", "-c", "read a; echo got $a; echo no >&2; exit 5"])
    channel.stdin.write(b"it\n")
    await channel.stdin.drain()
    assert await channel.stdout.readline() == b"got it\n"
    assert await channel.stderr.read() == b"no\n"
    assert await channel.wait() == 5


async def test_close_ends_a_program_and_its_children(connection: LocalConnection) -> None:
    channel = await connection.open(["sh", "-c", "sleep 30 & echo $!; wait"])
    child = int(await channel.stdout.readline())
    channel.close()
    channel.close()
    assert await channel.wait() == 128 + signal.SIGTERM
    await until_gone(child)


async def test_close_kills_what_does_not_go(
    connection: LocalConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.machines.local.CLOSE_GRACE", 0.1)
    stubborn = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    channel = await connection.open(["sh", "-c", stubborn])
    await channel.stdout.readline()
    channel.close()
    assert await channel.wait() == 128 + signal.SIGKILL


async def test_the_connections_end_is_that_of_its_channels(tmp_path: Path) -> None:
    connection = LocalConnection(tmp_path)
    channels = [await connection.open(["sleep", "30"]) for _ in range(3)]
    await connection.close()
    await connection.close()
    assert all(gone(channel.pid) for channel in channels)
    with pytest.raises(ConnectionLost):
        await connection.run(["true"])
    with pytest.raises(ConnectionLost):
        await connection.open(["true"])


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


async def test_a_socket_that_nobody_listens_on(connection: LocalConnection, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing answers at"):
        await connection.connect(str(tmp_path / "none"))


async def test_files_and_ports(connection: LocalConnection, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    await connection.put(tmp_path / "a", f"{connection.root}/b")
    await connection.get(f"{connection.root}/b", tmp_path / "c")
    assert (tmp_path / "c").read_text() == "content"
    assert await connection.forward(8080) == 8080
