from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from studio_tui.client.studio import Studio
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.host import host as host_module
from studio_tui.host.host import Host, Place
from studio_tui.host.machines import sites
from studio_tui.settings import paths
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session
from tests.host.conftest import HELD, STUDIO, Bench, eventually
from tests.machines.aws import Aws
from tests.machines.sshd import Server

pytestmark = pytest.mark.usefixtures("brisk")


class Serving:
    """A host that serves in the background.

    Attributes:
        task: ends with `Host.serve`.
    """

    def __init__(self, host: Host, ready: asyncio.Event) -> None:
        self.host = host
        self.task = asyncio.create_task(host.serve())
        self._ready = ready

    async def ready(self) -> None:
        async with asyncio.timeout(20):
            waiting = asyncio.create_task(self._ready.wait())
            await asyncio.wait((waiting, self.task), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if self.task.done():
            self.task.result()

    async def stop(self) -> None:
        self.host.stop()
        async with asyncio.timeout(20):
            await self.task

    async def end(self) -> None:
        """However it stands."""
        self.task.cancel()
        await asyncio.wait([self.task])


Serve = Callable[..., AbstractAsyncContextManager[Serving]]


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Place:
    machine = tmp_path / "machine"
    private = (bench.state, machine)
    answers = paths.answers_socket(STUDIO)
    return Place(STUDIO, "my project", bench.root, bench.state, machine, answers, private)


@pytest.fixture
def serve(bench: Bench, place: Place) -> Serve:
    """Starts a host, which is ended at the end of the block however it stands."""

    @asynccontextmanager
    async def started(role: str = "owner", place: Place = place) -> AsyncIterator[Serving]:
        ready = asyncio.Event()
        serving = Serving(Host(place, bench.endpoint(role), ready.set), ready)
        try:
            yield serving
        finally:
            await serving.end()

    return started


async def reachable(person: Studio) -> None:
    async with asyncio.timeout(20):
        await person.until(lambda: person.reachable)


async def test_everything_answers_once_it_is_ready(bench: Bench, serve: Serve) -> None:
    (bench.root / "a.txt").write_text("a\n")
    (bench.root / "run.py").write_text("print('hello')\n")
    async with serve() as serving:
        await serving.ready()
        ana = await bench.attach("ana")
        await reachable(ana)
        assert str(await ana.file("a.txt")) == "a\n"
        job = await ana.run("run.py")
        assert await job.wait() == 0
        terminal = await ana.terminal(command=["sh", "-c", "echo up; read x"])
        await terminal.until("up")
        async with asyncio.timeout(10):
            await ana.until(lambda: "local" in ana.meters and "local" in ana.document.machines)
        assert "local" in await ana.query("meters.latest")
        assert ana.document.machines["local"].cpus
        info = ana.document.info
        assert (info.name, info.dir, info.machine) == ("my project", str(bench.root), "local")
        assert info.epoch == 1
        assert [entry.name for entry in (await ana.folder()).entries] == ["a.txt", "run.py"]
        await terminal.close()


async def test_an_instance_is_started_used_and_put_to_sleep(
    bench: Bench, serve: Serve, aws: Aws, sshd: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS over HTTP, a real OpenSSH server at its address, and the meters read there."""
    monkeypatch.setattr("studio_tui.machines.ec2.instance.LOOK", 0.01)
    monkeypatch.setattr("studio_tui.machines.autosleep.COUNTDOWN", 1.0)
    monkeypatch.setattr("studio_tui.machines.autosleep.SILENCE", 3.0)
    config = sshd.folder / "any_config"
    config.write_text(sshd.client_lines("*", "UserKnownHostsFile none"))
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(config))
    what = "SSH HOST KEY FINGERPRINTS"
    key = f"256 {sshd.host_key.get_fingerprint()} root (ED25519)"
    aws.rules({"console": f"-----BEGIN {what}-----\n{key}\n-----END {what}-----\n"})
    id = aws.launch()
    aws.stop(id)
    paths.machines_file().write_text(
        f'[machines.cloud]\nkind = "ec2"\ninstance = "{id}"\nregion = "us-east-1"\n'
        'sleep_after = "4s"\n'
    )
    (bench.root / "a.txt").write_text("a\n")
    async with serve() as serving:
        await serving.ready()
        ana = await bench.attach("ana")
        await reachable(ana)
        phases: list[str] = []
        ana.document.sleeps.observe(lambda _: phases.append(ana.document.sleeps["cloud"].phase))
        await ana.switch("cloud")
        async with asyncio.timeout(20):
            await ana.until(lambda: "asleep" in phases)
        assert phases[0] == "warning"
        assert phases[-2:] == ["going", "asleep"]
        assert aws.instance(id)["State"]["Name"] == "stopped"
        assert ana.document.info.machine == "local"


async def test_stopping_saves_everything_and_leaves_the_terminals(
    bench: Bench, serve: Serve
) -> None:
    (bench.root / "a.txt").write_text("a\n")
    (bench.root / "hold").touch()
    (bench.root / "run.py").write_text(HELD)
    ana = await bench.attach("ana")
    async with serve() as serving:
        await serving.ready()
        await reachable(ana)
        file = await ana.file("a.txt")
        terminal = await ana.terminal(command=["sh", "-c", "echo up; read x; exit 3"])
        await terminal.until("up")
        job = await ana.run("run.py")
        await file.insert(0, "typed\n")
        await file.saved()
        await serving.stop()
    assert (bench.root / "a.txt").read_text() == "typed\na\n"
    await ana.until(lambda: not ana.host_here)
    # Its last word on the file has reached the relay.
    assert file.entry.state == "saved"
    assert terminal.entry.state == "running"
    async with serve() as serving:
        await serving.ready()
        await reachable(ana)
        await terminal.type("\n")
        async with asyncio.timeout(10):
            await ana.until(lambda: terminal.entry.exit_code == 3)
        assert job.entry.state == "running"
        (bench.root / "hold").unlink()
        assert await job.wait() == 0
        await terminal.close()


async def test_the_studio_can_be_stopped_by_call(bench: Bench, serve: Serve) -> None:
    (bench.root / "run.py").write_text("import time\ntime.sleep(60)\n")
    async with serve() as serving:
        await serving.ready()
        ana = await bench.attach("ana")
        vic = await bench.attach("vic", "viewer")
        await reachable(vic)
        with pytest.raises(Refused):
            await vic.command("studio.stop")
        await ana.terminal(command=["sleep", "60"])
        exited = await ana.terminal(command=["true"])
        async with asyncio.timeout(10):
            await ana.until(lambda: exited.entry.state == "exited")
        job = await ana.run("run.py")
        assert await ana.command("studio.stop") == {"terminals": 1, "jobs": 1}
        async with asyncio.timeout(20):
            await serving.task
        assert len(ana.document.terminals) == 0
        assert job.entry.state == "running"
        await vic.until(lambda: vic.document.info.stopped == "ana")
    async with serve() as serving:
        await serving.ready()
        await reachable(ana)
        assert not ana.document.info.stopped
        await job.stop()


@pytest.mark.parametrize(("owner", "step"), [("Host", "_sites"), ("Files", "resume")])
async def test_calls_that_come_too_early_are_answered(
    bench: Bench, serve: Serve, monkeypatch: pytest.MonkeyPatch, owner: str, step: str
) -> None:
    (bench.root / "a.txt").write_text("a\n")
    reached, released = asyncio.Event(), asyncio.Event()
    at_once = getattr(getattr(host_module, owner), step)

    async def slow(*args: object) -> object:
        reached.set()
        await released.wait()
        return await at_once(*args)

    monkeypatch.setattr(getattr(host_module, owner), step, slow)
    async with serve() as serving:
        ana = await bench.attach("ana")
        async with asyncio.timeout(10):
            await reached.wait()
            asking = asyncio.create_task(ana.query("files.open", path="a.txt"))
            await asyncio.sleep(0.1)
            assert not asking.done()
            released.set()
            assert (await asking)["readonly"] is False
        await serving.ready()


async def test_a_name_is_changed_and_the_epoch_kept(
    bench: Bench, serve: Serve, place: Place
) -> None:
    from dataclasses import replace

    ana = await bench.attach("ana")
    async with serve() as serving:
        await serving.ready()
    async with serve(place=replace(place, name="renamed")) as serving:
        await serving.ready()
        await ana.until(lambda: ana.document.info.name == "renamed")
        assert ana.document.info.epoch == 1


async def test_a_folder_that_takes_no_file_is_served(
    bench: Bench, somebody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(somebody / "home"))
    root = somebody / "project"
    root.mkdir()
    (root / "a.txt").write_text("a\n")
    root.chmod(0o555)
    (root / "a.txt").chmod(0o444)
    state, machine, answers = (somebody / name for name in ("state", "machine", "answers"))
    place = Place(STUDIO, "closed", root.resolve(), state, machine, answers)
    ready = asyncio.Event()
    serving = Serving(Host(place, bench.endpoint("owner"), ready.set), ready)
    await serving.ready()
    ana = await bench.attach("ana")
    await reachable(ana)
    file = await ana.file("a.txt")
    await file.insert(0, "x")
    with pytest.raises(StudioError, match=r"no permission for a\.txt"):
        await file.flush()
    with pytest.raises(StudioError, match=r"no permission for b\.txt"):
        await ana.command("files.create", path="b.txt")
    root.chmod(0o755)
    (root / "a.txt").chmod(0o644)
    await eventually(lambda: (root / "a.txt").read_text() == "xa\n")
    await serving.stop()


async def test_the_hosts_own_folders_are_not_shared(
    bench: Bench, serve: Serve, place: Place
) -> None:
    from dataclasses import replace

    above = bench.root.parent
    async with serve(place=replace(place, folder=above.resolve())) as serving:
        await serving.ready()
        ana = await bench.attach("ana")
        await reachable(ana)
        (bench.state / "token").write_text("token")
        for path in ("state/token", "machine"):
            with pytest.raises(Refused, match="not shared"):
                await ana.query("files.read", path=path)


# -- what ends it -----------------------------------------------------------------------------


async def test_a_relay_that_does_not_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "JOIN_SECONDS", 0.3)

    async def nowhere() -> Endpoint:
        return Endpoint("ws://127.0.0.1:1", "token")

    host = Host(place, nowhere, lambda: pytest.fail("it is not ready"))
    with pytest.raises(NotFound) as raised:
        await host.serve()
    assert raised.value.message.startswith("the relay ws://127.0.0.1:1 cannot be reached: ")
    assert "\n" not in raised.value.message
    assert raised.value.hint


async def test_a_relay_that_takes_the_line_and_says_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "JOIN_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        async def silent() -> Endpoint:
            return Endpoint(f"ws://127.0.0.1:{listener.getsockname()[1]}", "token")

        with pytest.raises(NotFound, match="cannot be reached: no answer"):
            await Host(place, silent, lambda: pytest.fail("it is not ready")).serve()


@pytest.mark.parametrize("role", ["editor", "viewer"])
async def test_a_token_that_makes_no_host(serve: Serve, role: str) -> None:
    async with serve(role) as serving:
        with pytest.raises(Refused) as raised:
            await serving.ready()
        assert raised.value.hint


async def test_a_second_host_of_the_same_studio(
    bench: Bench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "OTHER_HOST_SECONDS", 0.3)
    async with serve() as first:
        await first.ready()
        async with serve() as second:
            with pytest.raises(StudioError, match="another host serves calm-otter") as raised:
                await second.ready()
            assert raised.value.hint
        ana = await bench.attach("ana")
        await reachable(ana)
        assert await ana.query("files.list") == {"entries": [], "truncated": False}


async def test_a_host_waits_for_the_one_before_it(bench: Bench, serve: Serve) -> None:
    async with Session(bench.endpoint("owner"), "host", "host") as before:
        room = await before.join(STUDIO)
        room.show({"host": STUDIO})
        async with serve() as serving:
            await asyncio.sleep(0.3)
            assert not serving.task.done()
            before.leave(STUDIO)
            await serving.ready()


async def test_a_token_that_is_revoked_ends_it(bench: Bench, serve: Serve) -> None:
    async with serve() as serving:
        await serving.ready()
        for grant in list(bench.relay.keys._verified.values()):
            bench.relay.keys.revoke(grant.jti)
        with pytest.raises(StudioError, match="revoked") as raised:
            async with asyncio.timeout(10):
                await serving.task
        assert raised.value.hint
        assert "\n" not in raised.value.message


async def test_a_fault_in_a_part_ends_it_loudly(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object, machine: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(host_module.Meters, "_run", broken)
    async with serve() as serving:
        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.timeout(10):
                await serving.task
        assert raised.group_contains(ZeroDivisionError)


async def test_a_machine_that_does_not_tell_what_it_is(
    bench: Bench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(connection: object, payload: str) -> None:
        raise StudioError("it makes no sense")

    monkeypatch.setattr(sites, "describe", silent)
    async with serve() as serving:
        await serving.ready()
        ana = await bench.attach("ana")
        await ana.until(lambda: "local" in ana.document.machines)
        assert not serving.task.done()


async def test_a_lost_relay_is_waited_for(bench: Bench, serve: Serve) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with serve() as serving:
        await serving.ready()
        ana = await bench.attach("ana")
        await reachable(ana)
        file = await ana.file("a.txt")
        terminal = await ana.terminal(command=["sh", "-c", "echo up; read x; echo down; read y"])
        await terminal.until("up")
        before = {person.connection for person in ana._people}
        for connection in list(bench.relay.crowd):
            connection.abort()
        async with asyncio.timeout(10):
            await ana.until(lambda: before.isdisjoint(p.connection for p in ana._people))
        await reachable(ana)
        await file.insert(0, "x")
        await file.flush()
        assert (bench.root / "a.txt").read_text() == "xa\n"
        await ana.until(lambda: terminal.driver is None)
        await terminal.type("\n")
        await terminal.until("down")
        await terminal.close()
    assert os.listdir(bench.root) == ["a.txt"]
