"""A command whose pipes are a connection."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.ssh_login import Login
from studio_tui.machines.ssh_proxy import Proxy
from tests.machines.sshd import Server, login_to, proxied


async def test_its_pipes_are_one_socket() -> None:
    proxy = await Proxy.start("cat")
    reader, writer = await asyncio.open_connection(sock=proxy.socket)
    writer.write(b"there and back")
    assert await reader.readexactly(14) == b"there and back"
    writer.close()
    await writer.wait_closed()
    await proxy.close()


async def test_what_it_complains_about_stays_out_of_the_way() -> None:
    proxy = await Proxy.start("sh -c 'echo first >&2; echo last >&2; cat'")
    reader, writer = await asyncio.open_connection(sock=proxy.socket)
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"
    assert proxy.complaint() == "last"
    writer.close()
    await writer.wait_closed()
    await proxy.close()


async def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    proxy = await Proxy.start("sh -c 'sleep 30 & echo $!; wait'")
    reader, writer = await asyncio.open_connection(sock=proxy.socket)
    child = int(await reader.readline())
    writer.close()
    await proxy.close()
    stat = Path(f"/proc/{child}/stat")
    while stat.exists() and stat.read_text().rpartition(") ")[2][0] not in "ZX":
        await asyncio.sleep(0.02)


async def test_a_proxy_that_talks_beside_its_work(sshd: Server, tmp_path: Path) -> None:
    talking = f"sh -c 'echo a warning >&2; {proxied(sshd)}'"
    login: Login = login_to(sshd, tmp_path, lines=[f"ProxyCommand {talking}"])
    transport = await login.connect()
    assert (await transport.link.run("echo here")).stdout == "here\n"
    await transport.close()


async def test_a_proxy_that_fails_says_why(sshd: Server, tmp_path: Path) -> None:
    login = login_to(sshd, tmp_path, lines=["ProxyCommand sh -c 'echo no way >&2; exit 1'"])
    with pytest.raises(ConnectionLost, match="no way"):
        await login.connect()
