"""One ssh connection to a real sshd: what is its own, beside what every connection does."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines import ssh
from studio_tui.machines.connection import CommandFailed, ConnectionLost
from studio_tui.machines.ssh_login import Login
from studio_tui.machines.ssh_sessions import FOR_COMMANDS, MOST
from tests.conftest import Require
from tests.machines.sshd import MakeServer, Server, login_to


@pytest.fixture
async def connection(login: Login, tmp_path: Path) -> AsyncIterator[ssh.SSHConnection]:
    made = await ssh.connect(login, root=str(tmp_path / "root"))
    yield made
    await made.close()


async def test_its_root_is_in_the_home_there(sshd: Server, login: Login) -> None:
    connection = await ssh.connect(login)
    assert connection.root == f"{sshd.home}/.studio-tui"
    assert stat.S_IMODE(os.stat(connection.root).st_mode) == 0o700
    await connection.close()


async def test_a_root_that_others_could_read_is_closed_to_them(sshd: Server, login: Login) -> None:
    (sshd.home / "it's here").mkdir(mode=0o755)
    connection = await ssh.connect(login, root="~/it's here")
    assert stat.S_IMODE(os.stat(connection.root).st_mode) == 0o700
    await connection.close()


async def test_a_root_that_cannot_be_made(sshd: Server, login: Login) -> None:
    (sshd.home / "file").touch()
    with pytest.raises(StudioError, match="cannot be made on box") as raised:
        await ssh.connect(login, root="~/file/root")
    assert raised.value.hint


async def test_start_up_files_that_print_and_are_slow(
    sshd: Server, login: Login, require: Require
) -> None:
    require("bash")
    (sshd.home / ".bashrc").write_text("echo noise; echo more noise >&2; printf 'no newline'\n")
    connection = await ssh.connect(login)
    done = await connection.run(["sh", "-c", "cat; echo err >&2"], input=b"data")
    assert (done.stdout, done.stderr) == (b"data", b"err\n")
    channel = await connection.open(["echo", "line"])
    assert await channel.stdout.read() == b"line\n"
    assert await channel.stderr.read() == b""
    await connection.close()


@pytest.mark.parametrize("shell", ["fish", "csh", "dash"])
async def test_a_login_shell_of_another_kind(
    shell: str, make_sshd: MakeServer, tmp_path: Path, require: Require
) -> None:
    server = make_sshd(f'ForceCommand {require(shell)} -c "$SSH_ORIGINAL_COMMAND"')
    connection = await ssh.connect(login_to(server, tmp_path))
    words = ["a 'b' \"c\" $d !e\\f\n\u00e9", "", "*"]
    done = await connection.run(["printf", "%s|", *words], env={"X": "!y'"})
    assert done.stdout.decode() == "".join(f"{word}|" for word in words)
    call = asyncio.create_task(connection.run(["sh", "-c", f"echo $$ >{tmp_path}/p; sleep 30"]))
    while not (tmp_path / "p").exists() or not (tmp_path / "p").read_text():
        await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.wait([call])
    pid = (tmp_path / "p").read_text().strip()
    while _alive(pid):
        await asyncio.sleep(0.02)
    await connection.close()


async def test_an_account_without_a_shell(make_sshd: MakeServer, tmp_path: Path) -> None:
    server = make_sshd("ForceCommand echo This account is closed; exit 1")
    with pytest.raises(CommandFailed, match="This account is closed"):
        await ssh.connect(login_to(server, tmp_path))


async def test_more_callers_than_sessions_take_turns(connection: ssh.SSHConnection) -> None:
    channels = [await connection.open(["cat"]) for _ in range(MOST - FOR_COMMANDS)]
    one_more = asyncio.create_task(connection.open(["echo", "last"]))
    done = await asyncio.gather(*(connection.run(["echo", str(n)]) for n in range(30)))
    assert [int(result.stdout) for result in done] == list(range(30))
    assert not one_more.done()
    channels[0].close()
    last = await one_more
    assert await last.stdout.read() == b"last\n"


async def test_a_server_with_few_sessions(make_sshd: MakeServer, tmp_path: Path) -> None:
    connection = await ssh.connect(login_to(make_sshd("MaxSessions 3"), tmp_path))
    channel = await connection.open(["cat"])
    done = await asyncio.gather(*(connection.run(["echo", str(n)]) for n in range(6)))
    assert [int(result.stdout) for result in done] == list(range(6))
    channel.close()
    await connection.close()


async def test_a_server_with_one_session_says_what_it_lacks(
    make_sshd: MakeServer, tmp_path: Path
) -> None:
    connection = await ssh.connect(login_to(make_sshd("MaxSessions 1"), tmp_path))
    with pytest.raises(StudioError, match="opens only 1 sessions") as raised:
        await connection.run(["true"])
    assert "MaxSessions" in raised.value.hint
    await connection.close()


async def test_a_program_whose_output_nobody_reads_gives_its_session_back(
    connection: ssh.SSHConnection,
) -> None:
    for _ in range(2 * MOST):
        channel = await connection.open(["sh", "-c", "head -c 20000000 /dev/zero"])
        channel.close()
        await channel.wait()


async def test_a_child_that_holds_the_pipes_does_not_hold_the_end(
    connection: ssh.SSHConnection,
) -> None:
    channel = await connection.open(["sh", "-c", "sleep 30 & echo $!; exit 3"])
    child = int(await channel.stdout.readline())
    assert await channel.wait() == 3
    os.kill(child, signal.SIGKILL)


async def test_many_calls_given_up_leave_every_session_free(
    connection: ssh.SSHConnection,
) -> None:
    for pause in range(12):
        calls = [asyncio.create_task(connection.run(["sleep", "30"])) for _ in range(MOST)]
        for _ in range(pause * 3):
            await asyncio.sleep(0)
        await asyncio.sleep(pause * 0.002)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
    done = await asyncio.gather(*(connection.run(["true"]) for _ in range(MOST)))
    assert all(result.ok for result in done)


async def test_a_cut_connection_is_lost_for_everybody(
    sshd: Server, connection: ssh.SSHConnection, tmp_path: Path
) -> None:
    channel = await connection.open(["sh", "-c", "echo up; exec sleep 30"])
    assert await channel.stdout.readline() == b"up\n"
    call = asyncio.create_task(connection.run(["sleep", "30"]))
    reading = asyncio.create_task(channel.stdout.read(1))
    waiting = asyncio.create_task(channel.wait())
    sshd.cut()
    for task in (call, reading, waiting):
        with pytest.raises(ConnectionLost, match="the connection to box .* was lost"):
            await task
    assert await connection.lost()
    channel.close()
    (tmp_path / "x").touch()
    for later in (
        connection.run(["true"]),
        connection.open(["true"]),
        connection.connect("/none"),
        connection.forward(1),
        connection.put(tmp_path / "x", "/x"),
    ):
        with pytest.raises(ConnectionLost):
            await later


async def test_a_cut_connection_is_lost_for_a_socket(
    sshd: Server, connection: ssh.SSHConnection, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        reader, writer = await connection.connect(str(tmp_path / "s"))
        reading = asyncio.create_task(reader.read(1))
        sshd.cut()
        with pytest.raises(ConnectionLost):
            await reading
        writer.write(b"nobody reads this")
        with pytest.raises(ConnectionError):
            await writer.drain()
        writer.close()


async def test_a_machine_that_falls_silent_holds_no_close_up(
    sshd: Server, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "CLOSE_SECONDS", 0.1)
    monkeypatch.setattr("studio_tui.machines.ssh_login.CLOSE_SECONDS", 0.1)
    connection = await ssh.connect(login)
    channel = await connection.open(["cat"])
    sshd.signal_all(signal.SIGSTOP)
    await connection.close()
    with pytest.raises(ConnectionLost):
        await channel.wait()


async def test_what_a_server_refuses(make_sshd: MakeServer, tmp_path: Path) -> None:
    server = make_sshd("AllowTcpForwarding no", "AllowStreamLocalForwarding no")
    connection = await ssh.connect(login_to(server, tmp_path))
    with pytest.raises(NotFound, match="nothing answers"):
        await connection.connect(str(tmp_path / "s"))
    assert (await connection.run(["true"])).ok
    await connection.close()


async def test_a_port_is_forwarded_once(connection: ssh.SSHConnection) -> None:
    assert await connection.forward(9) == await connection.forward(9)


async def test_a_port_is_given_back(connection: ssh.SSHConnection) -> None:
    here = await connection.forward(9)
    await connection.unforward(9)
    await connection.unforward(10)  # never forwarded
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", here)
    assert await connection.forward(9)


async def test_secrets_are_in_no_list_of_processes(connection: ssh.SSHConnection) -> None:
    listing = "for f in /proc/[0-9]*/cmdline; do cat $f | tr '\\0' ' '; echo; done 2>/dev/null"
    done = await connection.run(["sh", "-c", listing], env={"HF_TOKEN": "hf_verysecret"})
    assert b"hf_verysecret" not in done.stdout
    assert b"dd bs=1" in done.stdout or b"sh -c" in done.stdout


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False
