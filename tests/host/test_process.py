from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from relay_server.serve import Relay
from studio_tui.client import locate, start
from studio_tui.client.studio import Studio
from studio_tui.settings import paths, secrets, studios
from studio_tui.settings.studios import StudioRecord
from tests.host.conftest import HELD, eventually


class Hosts:
    """Host processes of one folder, one after the other; what they print is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "studio_tui", "host", str(self.folder), *arguments]
        with self._output(len(self.processes)).open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        self.processes.append(process)
        return process

    def _output(self, number: int) -> Path:
        return self.folder.with_name(f"host-{number}.txt")

    @property
    def said(self) -> str:
        """What the last one printed."""
        return self._output(len(self.processes) - 1).read_text()

    def start(self, *arguments: str) -> StudioRecord:
        """The record of a host that runs now."""
        process = self.popen(*arguments)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            record = studios.for_folder(self.folder)
            if record is not None and record.pid == process.pid:
                return record
            time.sleep(0.01)
        raise AssertionError(self.said)

    def fails(self, *arguments: str) -> tuple[int, str]:
        """The exit code and the words of a host that does not come up."""
        return self.popen(*arguments).wait(20), self.said

    def kill(self) -> None:
        self.processes[-1].kill()
        self.processes[-1].wait()

    def stop(self) -> int:
        self.processes[-1].terminate()
        return self.processes[-1].wait(20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = (tmp_path / "project").resolve()
    folder.mkdir()
    return folder


@pytest.fixture
async def hosts(folder: Path) -> AsyncIterator[Hosts]:
    made = Hosts(folder)
    yield made
    for process in made.processes:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)
    for home in paths.machine_root().glob("terminals/*/*"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((home / "pid").read_text().split()[0]), signal.SIGKILL)
        shutil.rmtree(home)


@pytest.fixture
def login(relay: Relay) -> Relay:
    """A team's relay that this user has a token for."""
    secrets.save_token(relay.url, relay.keys.mint(room="*", role="owner"))
    return relay


async def reachable(studio: Studio) -> None:
    async with asyncio.timeout(20):
        await studio.until(lambda: studio.reachable)


async def run(function: object, *arguments: object) -> object:
    """In a thread: this loop is the relay's, or that of somebody who is attached."""
    assert callable(function)
    return await asyncio.to_thread(function, *arguments)


async def test_a_host_is_killed_and_the_next_one_finds_everything(
    hosts: Hosts, folder: Path
) -> None:
    (folder / "a.txt").write_text("a\n")
    (folder / "hold").touch()
    (folder / "run.py").write_text(HELD)
    first = hosts.start("--name", "mine")
    assert first.name == "mine"
    async with locate.attach(first.id, "ana") as ana:
        await reachable(ana)
        file = await ana.file("a.txt")
        terminal = await ana.terminal(command=["sh", "-c", "echo up; read x; echo down; read y"])
        await terminal.until("up")
        job = await ana.run("run.py")
        await file.insert(0, "typed\n")
        hosts.kill()
        async with asyncio.timeout(10):
            await ana.until(lambda: ana.state != "live")
        await file.insert(0, "offline\n")
        second = hosts.start()
        assert (second.id, second.name, second.url) == (first.id, "mine", first.url)
        await reachable(ana)
        await file.flush()
        assert (folder / "a.txt").read_text() == "offline\ntyped\na\n"
        await terminal.until("up")
        await ana.until(lambda: terminal.driver is None)
        await terminal.type("\n")
        await terminal.until("down")
        assert job.entry.state == "running"
        (folder / "hold").unlink()
        assert await job.wait() == 0
        answer = await ana.command("studio.stop")
        assert answer == {"terminals": 1, "jobs": 0}
    assert hosts.processes[-1].wait(20) == 0


async def test_sigterm_saves_everything_and_leaves_terminals_and_jobs(
    hosts: Hosts, folder: Path
) -> None:
    (folder / "a.txt").write_text("a\n")
    (folder / "run.py").write_text("import time\ntime.sleep(60)\n")
    record = hosts.start()
    async with locate.attach(record.id, "ana") as ana:
        await reachable(ana)
        file = await ana.file("a.txt")
        terminal = await ana.terminal(command=["sh", "-c", "echo $$ > pid; umask; sleep 60"])
        job = await ana.run("run.py")
        await file.insert(0, "typed\n")
        await file.saved()
        await terminal.until("00")
        assert await run(hosts.stop) == 0
    assert (folder / "a.txt").read_text() == "typed\na\n"
    os.kill(int((folder / "pid").read_text()), 0)
    # What people make in a terminal has the modes that they are used to.
    mask = os.umask(0)
    os.umask(mask)
    assert terminal.screen[0] == f"{mask:04o}"
    assert not studios.alive(record)
    hosts.start()
    async with locate.attach(record.id, "ana") as ana:
        await reachable(ana)
        again = await ana.job(job.id)
        assert again.entry.state == "running"
        await again.stop()


def test_a_second_host_is_refused(hosts: Hosts) -> None:
    record = hosts.start()
    code, said = hosts.fails()
    assert code == 1
    assert said.splitlines() == [
        f"error: {record.dir} already has a host, process {record.pid}",
        f"hint: studio-tui attach {record.id}",
    ]
    assert studios.alive(record)


def test_the_port_is_kept_unless_somebody_has_taken_it(hosts: Hosts) -> None:
    first = hosts.start()
    assert hosts.stop() == 0
    second = hosts.start()
    assert second.url == first.url
    assert hosts.stop() == 0
    with socket.create_server(("127.0.0.1", urlsplit(first.url).port or 0)):
        third = hosts.start()
    assert (third.id, third.url != first.url) == (first.id, True)


def test_what_it_keeps_is_for_its_user_alone(hosts: Hosts, studio_home: Path) -> None:
    record = hosts.start()
    state = paths.studio_folder(record.id)
    for name in ("token", "relay.key", "relay.sqlite", "studio.json"):
        assert stat.S_IMODE((state / name).stat().st_mode) & 0o077 == 0, name
    for path in (studio_home, state, state.parent, paths.machine_root()):
        if path != studio_home:
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


def test_its_log_says_what_it_does(hosts: Hosts) -> None:
    record = hosts.start()
    log = paths.studio_folder(record.id) / "host.log"
    assert f"serving {record.id} in {record.dir}" in log.read_text()
    assert hosts.stop() == 0
    assert f"stopped serving {record.id}" in log.read_text()
    assert "Traceback" not in log.read_text()


async def test_a_teams_relay(hosts: Hosts, login: Relay, folder: Path) -> None:
    (folder / "a.txt").write_text("a\n")
    record = await run(hosts.start, "--relay", login.url)
    assert isinstance(record, StudioRecord)
    assert (record.relay, record.url) == (login.url, login.url)
    assert record.token() == secrets.token_for(login.url)
    async with locate.attach(record.id, "ana") as ana:
        await reachable(ana)
        file = await ana.file("a.txt")
        await file.insert(0, "x")
        await file.flush()
        assert (folder / "a.txt").read_text() == "xa\n"
        await run(hosts.kill)
        await ana.until(lambda: not ana.host_here)
        assert ana.state == "live"
        await file.insert(0, "y")
        again = await run(hosts.start)
        assert isinstance(again, StudioRecord)
        assert (again.id, again.relay) == (record.id, login.url)
        await eventually(lambda: (folder / "a.txt").read_text() == "yxa\n")


async def test_what_was_run_is_there_on_another_relay(
    hosts: Hosts, login: Relay, folder: Path
) -> None:
    (folder / "say.py").write_text("print('from before')\n")
    record = await run(hosts.start)
    assert isinstance(record, StudioRecord)
    async with locate.attach(record.id, "ana") as ana:
        await reachable(ana)
        job = await ana.run("say.py")
        assert await job.wait() == 0
    assert await run(hosts.stop) == 0
    again = await run(hosts.start, "--relay", login.url)
    assert isinstance(again, StudioRecord)
    assert (again.id, again.relay) == (record.id, login.url)
    async with locate.attach(record.id, "ana") as ana:
        await reachable(ana)
        kept = await ana.job(job.id)
        assert [entry.state for entry in ana.document.jobs.values()] == ["succeeded"]
        assert b"from before" in b"".join([chunk async for chunk in kept.chunks()])


async def test_what_only_its_own_relay_had_is_in_the_folder_when_it_leaves_it(
    login: Relay, folder: Path
) -> None:
    (folder / "a.txt").write_text("a\n")
    record = await run(start.ensure, folder)
    assert isinstance(record, StudioRecord)
    async with locate.attach(record.id, "ana") as ana:
        await reachable(ana)
        file = await ana.file("a.txt")
        await file.insert(0, "x")
        await ana.until(lambda: ana.unsaved == 0)
        os.kill(record.pid, signal.SIGKILL)
    again = await run(start.ensure, folder, login.url)
    assert isinstance(again, StudioRecord)
    try:
        assert (again.id, again.relay) == (record.id, login.url)
        assert (folder / "a.txt").read_text() == "xa\n"
    finally:
        await run(start.stop, again)


async def test_the_token_names_the_studio(hosts: Hosts, relay: Relay) -> None:
    secrets.save_token(relay.url, relay.keys.mint(room="grand-owl", role="host"))
    record = await run(hosts.start, "--relay", relay.url)
    assert isinstance(record, StudioRecord)
    assert record.id == "grand-owl"


async def test_a_relay_without_a_token(hosts: Hosts, relay: Relay) -> None:
    assert await run(hosts.fails, "--relay", relay.url) == (
        4,
        f"error: no token for {relay.url}\nhint: studio-tui login {relay.url}\n",
    )
    assert studios.records() == []


async def test_a_token_that_is_not_good(hosts: Hosts, relay: Relay) -> None:
    for token in ("nonsense", "a.b.c", relay.keys.mint(room="*", role="viewer")):
        secrets.save_token(relay.url, token)
        answer = await run(hosts.fails, "--relay", relay.url)
        assert isinstance(answer, tuple)
        code, said = answer
        assert code == 4, said
        assert said.startswith("error: the relay ")
        assert "\nhint: " in said
    assert studios.records() == []


@pytest.mark.usefixtures("studio_home")
def test_a_relay_that_is_not_there(hosts: Hosts, folder: Path) -> None:
    secrets.save_token("ws://127.0.0.1:1", "token")
    before = time.monotonic()
    code, said = hosts.fails("--relay", "ws://127.0.0.1:1")
    assert time.monotonic() - before < start.START_SECONDS
    assert code == 3
    lines = said.splitlines()
    assert lines[0].startswith("error: the relay ws://127.0.0.1:1 cannot be reached: ")
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2
    # The record tells of a host that is ready: there was none.
    assert studios.for_folder(folder) is None
    (log,) = paths.studios_folder().glob("*/host.log")
    assert "cannot be reached" in log.read_text()


def test_a_damaged_store_is_told_of(hosts: Hosts) -> None:
    record = hosts.start()
    assert hosts.stop() == 0
    (paths.studio_folder(record.id) / "relay.sqlite").write_bytes(b"nonsense" * 1000)
    code, said = hosts.fails()
    assert code == 1
    assert said.startswith("error: ")
    assert "Traceback" not in said


def test_the_background_host_comes_up_and_goes(folder: Path) -> None:
    record = start.ensure(folder)
    assert studios.alive(record)
    assert start.ensure(folder) == record
    start.stop(record)
    assert not studios.alive(record)
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGKILL)
