"""The pipes of a program reached by ssh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.machines import ssh
from studio_tui.machines.ssh_channel import _signal_code
from studio_tui.machines.ssh_login import Login


@pytest.fixture
async def connection(login: Login, tmp_path: Path) -> AsyncIterator[ssh.SSHConnection]:
    made = await ssh.connect(login, root=str(tmp_path / "root"))
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("name", "code"), [("KILL", 137), ("TERM", 143), ("XCPU@openssh.com", 152), ("ODD", 255)]
)
def test_a_signals_name_is_an_exit_code(name: str, code: int) -> None:
    assert _signal_code(name) == code


async def test_reading_in_every_way(connection: ssh.SSHConnection) -> None:
    channel = await connection.open(["printf", "line\\nword mark rest"])
    assert await channel.stdout.readline() == b"line\n"
    assert await channel.stdout.readexactly(5) == b"word "
    assert await channel.stdout.readuntil(b"mark") == b"mark"
    assert await channel.stdout.read() == b" rest"
    assert await channel.stdout.read(1) == b""
    assert await channel.stdout.readline() == b""
    with pytest.raises(asyncio.IncompleteReadError):
        await channel.stdout.readexactly(1)


async def test_writing_to_a_program_that_has_ended(connection: ssh.SSHConnection) -> None:
    channel = await connection.open(["true"])
    assert await channel.wait() == 0
    assert channel.over
    await channel.stdout.read()
    channel.stdin.write(b"x")
    channel.stdin.write_eof()
    channel.stdin.close()
    channel.close()
    channel.close()
    assert await channel.wait() == 0


async def test_closing_the_input_of_a_program_lets_it_finish(
    connection: ssh.SSHConnection,
) -> None:
    channel = await connection.open(["sh", "-c", "cat; echo done"])
    channel.stdin.close()
    assert await channel.stdout.read() == b"done\n"
    assert await channel.wait() == 0
