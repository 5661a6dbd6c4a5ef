"""What every connection does alike, and what a finished command tells about itself."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines import ssh
from studio_tui.machines.allocation import Request
from studio_tui.machines.connection import (
    ByteWriter,
    CommandFailed,
    Completed,
    Connection,
    ConnectionLost,
)
from studio_tui.machines.local import LocalConnection
from studio_tui.machines.slurm import SlurmConnection
from tests.machines.sshd import MakeServer, login_to
from tests.processes import until_gone

ECHO = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
ECHO += "print(flush=True); c = s.accept()[0]\nwhile d := c.recv(65536): c.sendall(d)"
SERVE = "import socket; s = socket.create_server(('127.0.0.1', 0))\n"
SERVE += "print(s.getsockname()[1], flush=True); s.accept()[0].sendall(b'hello')"


@pytest.fixture(params=["local", "ssh", "slurm"])
async def connection(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connection]:
    root = tmp_path / "root"
    made: Connection
    if request.param == "local":
        made = LocalConnection(root)
    elif request.param == "slurm":
        request.getfixturevalue("slurm_commands")
        login = LocalConnection(root)
        made = await SlurmConnection.begin(login, "node", Request(), lambda _: None)
    else:
        make: MakeServer = request.getfixturevalue("make_sshd")
        made = await ssh.connect(login_to(make(), tmp_path), root=str(root))
    yield made
    await made.close()


async def until_there(path: Path) -> str:
    while not path.exists():
        await asyncio.sleep(0.02)
    return path.read_text()


async def test_its_root_is_absolute_and_private(connection: Connection, tmp_path: Path) -> None:
    assert connection.root.startswith(str(tmp_path / "root"))
    assert stat.S_IMODE(os.stat(connection.root).st_mode) == 0o700
    assert (await connection.run(["pwd"])).stdout.decode() == f"{connection.root}\n"


async def test_a_command_with_input_folder_and_environment(
    connection: Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "a 'b' \"c\" $d\n!\\e"
    folder.mkdir()
    value = "x 'y' \"z\" `id` $HOME\n!\\"
    script = 'cat; printf %s "$MINE"; pwd; echo oops >&2; exit 3'
    done = await connection.run(
        ["sh", "-c", script], input=b"in\0\n", cwd=str(folder), env={"MINE": value}
    )
    assert done.stdout.decode() == f"in\0\n{value}{folder}\n"
    assert (done.exit_code, done.stderr, done.ok) == (3, b"oops\n", False)


async def test_arguments_arrive_as_they_are(connection: Connection) -> None:
    words = [
        "",
        " a ",
        "b\nc",
        "'",
        '"',
        "\\",
        "!",
        "*",
        "~",
        "$(x)",
        "-n",
        "\u00e9\U0001f600",
        "\udcff",
    ]
    program = "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    done = await connection.run([sys.executable, "-c", program, *words])
    assert done.stdout.split(b"\0") == [os.fsencode(word) for word in words]


async def test_a_long_script_is_an_argument_like_any_other(connection: Connection) -> None:
    assert (await connection.run(["echo", "x" * 100_000])).stdout == b"x" * 100_000 + b"\n"


async def test_a_signal_is_an_exit_code(connection: Connection) -> None:
    assert (await connection.run(["sh", "-c", "kill -KILL $$"])).exit_code == 137


async def test_input_that_nobody_reads(connection: Connection) -> None:
    assert (await connection.run(["true"], input=b"x" * (1 << 20))).ok


async def test_much_in_and_out_at_once(connection: Connection) -> None:
    data = os.urandom(3 << 20)
    assert (await connection.run(["cat"], input=data)).stdout == data


@pytest.mark.parametrize(
    ("argv", "cwd"),
    [
        (["/no/such/program"], None),
        (["no-such-program"], None),
        (["/etc/passwd"], None),
        (["true"], "/no/such/folder"),
    ],
)
async def test_what_cannot_be_started(
    connection: Connection, argv: list[str], cwd: str | None
) -> None:
    with pytest.raises(CommandFailed, match="cannot start"):
        await connection.run(argv, cwd=cwd)
    with pytest.raises(CommandFailed, match="cannot start"):
        await connection.open(argv, cwd=cwd)
    assert (await connection.run(["true"])).ok


async def test_a_call_that_is_given_up_ends_the_command_and_its_children(
    connection: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    script = f"sleep 30 & echo $! > {file}.part; mv {file}.part {file}; wait"
    call = asyncio.create_task(connection.run(["sh", "-c", script]))
    child = int(await until_there(file))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until_gone(child)
    assert (await connection.run(["true"])).ok


async def test_a_call_that_is_given_up_while_it_starts(
    connection: Connection, tmp_path: Path
) -> None:
    script = f"sleep 30 & echo $! > {tmp_path}/$0; wait"
    for turns in range(1, 40, 3):
        call = asyncio.create_task(connection.run(["sh", "-c", script, str(turns)]))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert (await connection.run(["true"])).ok
    for file in tmp_path.iterdir():
        if file.name.isdigit() and (said := file.read_text()):
            await until_gone(int(said))


async def test_a_conversation(connection: Connection) -> None:
    channel = await connection.open(["sh", "-c", "read a; echo got $a; echo no >&2; exit 5"])
    channel.stdin.write(b"it\n")
    await channel.stdin.drain()
    assert await channel.stdout.readline() == b"got it\n"
    assert await channel.stderr.read() == b"no\n"
    assert await channel.wait() == 5
    assert await channel.wait() == 5


async def test_an_end_of_input_is_no_end_of_output(connection: Connection) -> None:
    channel = await connection.open(["sh", "-c", "cat; echo rest"])
    channel.stdin.write(b"all\n")
    channel.stdin.write_eof()
    assert await channel.stdout.readexactly(9) == b"all\nrest\n"
    with pytest.raises(asyncio.IncompleteReadError):
        await channel.stdout.readexactly(1)
    assert await channel.wait() == 0


async def test_close_ends_a_program_and_its_children(connection: Connection) -> None:
    channel = await connection.open(["sh", "-c", "sleep 30 & echo $!; wait"])
    child = int(await channel.stdout.readline())
    channel.close()
    channel.close()
    assert await channel.wait() == 128 + signal.SIGTERM
    await until_gone(child)


async def test_close_kills_what_does_not_go(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.machines.local.CLOSE_GRACE", 0.1)
    monkeypatch.setattr("studio_tui.machines.ssh_channel.CLOSE_GRACE", 0.1)
    stubborn = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    channel = await connection.open(["sh", "-c", stubborn])
    await channel.stdout.readline()
    channel.close()
    assert await channel.wait() == 128 + signal.SIGKILL


async def test_the_connections_end_is_that_of_its_channels(connection: Connection) -> None:
    channels = [await connection.open(["sh", "-c", "echo $$; exec sleep 30"]) for _ in range(3)]
    children = [int(await channel.stdout.readline()) for channel in channels]
    await connection.close()
    await connection.close()
    for child in children:
        await until_gone(child)
    with pytest.raises(ConnectionLost):
        await connection.run(["true"])
    with pytest.raises(ConnectionLost):
        await connection.open(["true"])


async def test_what_nobody_reads_is_not_held_in_memory(connection: Connection) -> None:
    channel = await connection.open(["sleep", "30"])
    filling = asyncio.create_task(_send(channel.stdin, bytes(64 << 20)))
    for _ in range(3):
        assert (await connection.run(["true"])).ok
    assert not filling.done()
    channel.close()
    with pytest.raises(ConnectionError):
        await filling
    await channel.wait()


async def test_a_socket(connection: Connection, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    channel = await connection.open([sys.executable, "-c", ECHO, path])
    await channel.stdout.readline()
    reader, writer = await connection.connect(path)
    data = os.urandom(1 << 20)
    got, _ = await asyncio.gather(reader.readexactly(len(data)), _send(writer, data))
    assert got == data
    writer.close()
    assert await channel.wait() == 0


async def test_a_socket_that_nobody_listens_on(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing answers at"):
        await connection.connect(str(tmp_path / "none"))


async def test_files(connection: Connection, tmp_path: Path) -> None:
    content = os.urandom(1 << 20)
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "a").chmod(0o755)
    target = f"{connection.root}/b 'c'"
    await connection.put(tmp_path / "a", target)
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o755
    await connection.get(target, tmp_path / "d")
    assert (tmp_path / "d").read_bytes() == content
    assert os.listdir(connection.root) == ["b 'c'"]


async def test_files_that_are_not_there(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(CommandFailed, match="copying .*none"):
        await connection.get(f"{connection.root}/none", tmp_path / "b")
    with pytest.raises(CommandFailed, match="copying .*none"):
        await connection.put(tmp_path / "a", f"{connection.root}/none/a")
    assert not (tmp_path / "b").exists()


async def test_a_port(connection: Connection) -> None:
    channel = await connection.open([sys.executable, "-c", SERVE])
    port = await connection.forward(int(await channel.stdout.readline()), at=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b"hello"
    writer.close()
    await writer.wait_closed()
    await channel.wait()


async def _send(writer: ByteWriter, data: bytes) -> None:
    for start in range(0, len(data), 65536):
        writer.write(data[start : start + 65536])
        await writer.drain()


def test_a_command_that_succeeded_is_itself() -> None:
    done = Completed(("true",), 0, b"", b"noise")
    assert done.ok
    assert done.check() is done


def test_a_command_that_failed_says_what_and_why() -> None:
    done = Completed(("cp", "a b", "c"), 1, b"", b"cp: starting\ncp: no space left\n")
    with pytest.raises(CommandFailed, match="cp 'a b' c failed with exit code 1") as raised:
        done.check()
    assert raised.value.hint == "cp: no space left"
    with pytest.raises(CommandFailed, match="copying failed"):
        done.check("copying")


def test_a_command_that_failed_without_a_word_still_has_a_hint() -> None:
    with pytest.raises(CommandFailed) as raised:
        Completed(("false",), 1, b"", b"\xff").check()
    assert raised.value.hint
    with pytest.raises(CommandFailed) as raised:
        Completed(("false",), 1, b"", b"").check()
    assert raised.value.hint


def test_a_lost_connection_is_something_that_cannot_be_reached() -> None:
    assert issubclass(ConnectionLost, NotFound)
    assert issubclass(CommandFailed, StudioError)
