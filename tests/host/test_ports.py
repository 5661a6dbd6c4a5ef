"""The host's side of forwarded ports: what it keeps, whom it answers, what it ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from studio_tui.document.entries import JobEntry, PortEntry
from studio_tui.errors import NotFound, StudioError
from studio_tui.host import ports as ports_module
from studio_tui.host.machines.sites import Site
from studio_tui.host.ports import Ports
from studio_tui.machines import reach as reaching
from studio_tui.machines import ssh
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import Connection
from studio_tui.machines.reach import Reach
from studio_tui.sync.tunnel import STREAM, Frame, Kind
from tests.machines.sshd import Server, login_to

from .conftest import STUDIO, Bench, Parts, eventually

Hosting = Callable[[], AbstractAsyncContextManager[tuple[Ports, Parts]]]


@pytest.fixture
def hosting(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> Hosting:
    """Starts a host that has ports and nothing else; it looks at servers in a moment."""
    monkeypatch.setattr(ports_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(ports_module, "WELL_SECONDS", 0.02)

    @asynccontextmanager
    async def host() -> AsyncIterator[tuple[Ports, Parts]]:
        async with bench.host() as parts:
            sites, document = parts.sites(site), parts.document
            made = Ports(sites, document, parts.session, STUDIO, parts.tasks)
            await made.resume()
            parts.answer(made.calls())
            yield made, parts

    return host


async def test_a_server_is_followed_through_its_states(hosting: Hosting) -> None:
    well = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if well else b"HTTP/1.1 500 Out\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    job = JobEntry("j1", "api", "running", "local", port=port, health="/health")
    async with hosting() as (_, parts):

        def state() -> str:
            return next((p.state for p in parts.document.ports.values()), "")

        parts.document.jobs.put(job)
        await eventually(lambda: state() == "up")
        well = False
        await eventually(lambda: state() == "failing")
        server.close()
        await server.wait_closed()
        await eventually(lambda: "any more" in parts.document.ports[f"local:{port}"].note)
        parts.document.jobs.put(replace(job, machine="box"))  # it moved there
        await eventually(lambda: [p.machine for p in parts.document.ports.values()] == ["box"])
        assert state() == "away"
        parts.document.jobs.put(replace(job, machine="box", state="stopped"))
        await eventually(lambda: state() == "")


async def test_what_an_earlier_host_left_is_kept_if_it_may_be_its(hosting: Hosting) -> None:
    async with hosting() as (ports, parts):
        for entry in (
            PortEntry("local:81", "local", 81, by="ana"),
            PortEntry("local:82", "local", 99),
            PortEntry("local:83", "local", 83, job="gone"),
        ):
            parts.document.ports.put(entry)
        await ports.resume()
        assert list(parts.document.ports) == ["local:81"]


async def test_what_is_no_server_is_not_looked_after_nor_are_too_many(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports_module, "FORWARDS", 2)
    async with hosting() as (_, parts):
        jobs = parts.document.jobs
        for id, port in (("a1", 70_000), ("a2", -1), ("a3", 0), ("../a4", 9)):
            jobs.put(JobEntry(id, "evil", "running", "local", port=port))
        for n in range(3):
            jobs.put(JobEntry(f"b{n}", "api", "running", "local", port=n + 1, health="/"))
        await eventually(lambda: len(parts.document.ports) == 2)
        assert [p.job for p in parts.document.ports.values()] == ["b0", "b1"]
        jobs.put(replace(jobs["b0"], state="stopped"))
        await eventually(lambda: [p.job for p in parts.document.ports.values()] == ["b1", "b2"])


async def test_a_tunnel_is_its_owners_alone_and_ends_with_their_stay(
    hosting: Hosting, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports_module, "TUNNELS", 1)
    reached = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()

    used: list[str] = []
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, hosting() as made:
        ports, parts = made
        ports.on_use = used.append
        port = server.sockets[0].getsockname()[1]
        ana, bob = await bench.attach("ana"), await bench.attach("bob")
        id = (await ana.ports.open(port)).id
        room = (await ana.command("ports.lead", id=id))["room"]
        await ana.session.join(room)
        await bob.session.join(room)  # he cannot know its name, and it does not help him
        bob.session.stream(room, STREAM, 1, Frame(Kind.OPEN, 1).write())
        await bob.command("ports.leave", room=room)
        with pytest.raises(StudioError, match="1 tunnels"):
            await bob.command("ports.lead", id=id)
        assert not reached.is_set()
        assert not used
        ana.session.stream(room, STREAM, 1, Frame(Kind.OPEN, 1).write())
        async with asyncio.timeout(10):
            await reached.wait()
        assert used == ["local"]
        await ana.command("ports.leave", room=room)
        other = (await bob.command("ports.lead", id=id))["room"]
        assert other != room
        await bob.session.join(other)
        bob.session.stream(other, STREAM, 1, b"nonsense")
        await eventually(lambda: other not in parts.session.rooms)


async def test_ports_are_bounded_and_named(
    hosting: Hosting, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports_module, "FORWARDS", 1)
    async with hosting() as (ports, parts):
        ana = await bench.attach("ana")
        first = await ana.ports.open(4000)
        assert await ana.ports.open(4000) == first
        with pytest.raises(StudioError, match="1 ports are forwarded"):
            await ana.ports.open(4001)
        for bad in (0, 70_000):
            with pytest.raises(StudioError, match="whole number"):
                await ana.ports.open(bad)
        with pytest.raises(NotFound, match="is not forwarded"):
            await ana.command("ports.lead", id="local:1")
        monkeypatch.setattr(ports_module, "FORWARDS", 9)
        with pytest.raises(NotFound, match="no machine"):
            await ana.ports.open(4002, "nowhere")
        led = (await ana.command("ports.lead", id=first.id))["room"]
        ports.present(set())
        assert led not in parts.session.rooms


async def test_a_port_that_cannot_be_is_refused_forgotten_and_ends_nothing(
    hosting: Hosting, bench: Bench
) -> None:
    async with hosting() as (_, parts):
        ana = await bench.attach("ana")
        for entry in (
            PortEntry("local:70000", "local", 70_000),
            PortEntry("local:80", "local", 80, local=70_000),
            PortEntry("local:81", "local", 82),
        ):
            parts.document.ports.put(entry)
            with pytest.raises(NotFound, match="is not forwarded"):
                await ana.command("ports.lead", id=entry.id)
            assert entry.id not in parts.document.ports
        parts.document.ports.put(PortEntry("local:80", "local", 80, local=-1))
        assert (await ana.ports.open(80)).local == 80


async def test_tunnels_asked_for_at_once_are_bounded(
    hosting: Hosting, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports_module, "TUNNELS", 2)
    async with hosting():
        ana = await bench.attach("ana")
        id = (await ana.ports.open(4000)).id
        asked = [ana.command("ports.lead", id=id) for _ in range(4)]
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(answer, StudioError) for answer in told].count(False) == 2


async def test_a_port_behind_ssh_is_there_again_after_a_cut(
    bench: Bench, sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(reaching, "LONGEST_SECONDS", 0.02)
    login = login_to(sshd, tmp_path)

    async def dial() -> Connection:
        return await ssh.connect(login)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async def heard(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            said = await reader.read()
            writer.close()
            return said
        return b""

    reach = Reach("box", dial)
    box = Site(Machine("box", kind="ssh"), reach, "", str(tmp_path), sys.executable)
    owner = asyncio.create_task(reach.run_until_closed())
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server, bench.host() as parts:
        await reach.up()
        ports = Ports(parts.sites(box), parts.document, parts.session, STUDIO, parts.tasks)
        parts.answer(ports.calls())
        ana = await bench.attach("ana")
        far = server.sockets[0].getsockname()[1]
        async with await ana.ports.forward(far, machine="box") as led:
            assert len({far, led.port, ana.ports.find(far, "box").local}) == 3
            assert await heard(led.port) == b"hello"
            await asyncio.to_thread(sshd.cut)
            async with asyncio.timeout(15):
                while await heard(led.port) != b"hello":
                    await reach.up()
        await ana.ports.close(far, "box")
    await reach.close()
    await owner
