"""A machine that is kept reached: the course by its playbook, the rest with a real sshd."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.errors import Refused, StudioError
from studio_tui.machines import reach as room
from studio_tui.machines import ssh, ssh_login
from studio_tui.machines.connection import Connection, ConnectionLost
from studio_tui.machines.host_keys import HostKeyChanged
from studio_tui.machines.reach import Course, Phase, Reach, ReachState
from tests.machines.sshd import Server, login_to

GONE = ConnectionLost("box cannot be reached: refused", "is it running?")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def course(clock: Clock, draw: float = 1.0) -> Course:
    return Course(clock, lambda: draw)


def test_it_begins_by_connecting() -> None:
    assert course(Clock()).state == ReachState(Phase.CONNECTING)


def test_an_attempt_that_fails_for_now_is_made_again() -> None:
    run = course(Clock())
    run.missed(GONE)
    assert run.state == ReachState(Phase.DOWN, GONE.message, GONE.hint, 1000.5)
    run.again()
    assert run.state == ReachState(Phase.CONNECTING)


def test_the_waits_double_up_to_the_longest_and_are_drawn() -> None:
    for draw, factor in ((1.0, 1.0), (0.0, 0.5), (0.5, 0.75)):
        run, waits = course(Clock(), draw), []
        for _ in range(9):
            run.missed(GONE)
            waits.append((run.state.until or 0) - 1000)
        expected = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert waits == pytest.approx([seconds * factor for seconds in expected])


def test_a_lid_that_is_closed_for_an_hour_is_no_reason_to_give_up() -> None:
    clock, tries = Clock(), 0
    run = course(clock)
    run.connected()
    opened = clock.now + 3600
    run.lost("reset")
    while clock.now < opened:
        assert run.state.phase is Phase.DOWN
        clock.now = run.state.until or 0
        run.again()
        run.missed(GONE)
        tries += 1
    assert tries < 130  # every 30 s in the end, not in a storm
    run.connected()
    assert run.state == ReachState(Phase.UP)


def test_a_connection_that_lasted_begins_anew_and_one_that_flaps_does_not() -> None:
    clock = Clock()
    run = course(clock)
    for _ in range(4):
        run.connected()
        assert run.state == ReachState(Phase.UP)
        run.lost("reset")
    assert (run.state.until or 0) - clock.now == 4
    run.connected()
    clock.now += room.STEADY_SECONDS
    run.lost("")
    assert run.state.reason == "the connection was lost"
    assert (run.state.until or 0) - clock.now == 0.5


def test_what_a_person_has_to_put_right_is_not_tried_again() -> None:
    for problem in (Refused("no key fits", "h"), StudioError("odd", "h"), HostKeyChanged("c", "h")):
        run = course(Clock())
        run.missed(problem)
        assert run.state == ReachState(Phase.FAILED, problem.message, "h")


def test_a_machine_that_let_us_in_may_refuse_a_few_times() -> None:
    run = course(Clock())
    run.connected()
    run.lost("reboot")
    for _ in range(room.REFUSALS):
        run.missed(Refused("System is booting up", "h"))
        assert run.state.phase is Phase.DOWN
    run.missed(Refused("System is booting up", "h"))
    assert run.state.phase is Phase.FAILED


def test_a_changed_key_is_never_tried_again() -> None:
    run = course(Clock())
    run.connected()
    run.lost("")
    run.missed(HostKeyChanged("changed", "h"))
    assert run.state.phase is Phase.FAILED


def test_the_end() -> None:
    run = course(Clock())
    run.closed()
    assert run.state == ReachState(Phase.CLOSED)


# -- with a real server -----------------------------------------------------------------------


class Watched:
    """A reach, its states so far, and its owner."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.states: list[ReachState] = []
        reach.watch(self.states.append)

    @property
    def phases(self) -> list[str]:
        return [state.phase.value for state in self.states]

    async def seen(self, phase: Phase, times: int = 1) -> ReachState:
        """The state when the phase had come so often."""
        while len(found := [state for state in self.states if state.phase is phase]) < times:
            await asyncio.sleep(0.01)
        return found[times - 1]

    async def cut(self, server: Server) -> None:
        """Cuts the connection, and waits until it is back."""
        times = self.phases.count("up")
        server.cut()
        await self.seen(Phase.UP, times + 1)


@contextlib.asynccontextmanager
async def watched(reach: Reach) -> AsyncIterator[Watched]:
    it = Watched(reach)
    owner = asyncio.create_task(reach.run_until_closed())
    try:
        yield it
    finally:
        await reach.close()
        await owner


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(room, "LONGEST_SECONDS", 0.02)


@pytest.fixture
def reach(quick: None, sshd: Server, tmp_path: Path) -> Reach:
    login = login_to(sshd, tmp_path)

    async def dial() -> Connection:
        return await ssh.connect(login, root=str(tmp_path / "root"))

    return Reach("box", dial)


async def test_it_is_a_connection_that_comes_back(
    reach: Reach, sshd: Server, tmp_path: Path
) -> None:
    with pytest.raises(ConnectionLost, match="box is being connected"):
        await reach.run(["true"])
    connection: Connection = reach
    async with watched(reach) as it:
        for _ in range(3):
            await reach.up()
            assert (await connection.run(["echo", "here"])).stdout == b"here\n"
            assert connection.root == str(tmp_path / "root")
            channel = await connection.open(["cat"])
            await it.cut(sshd)
            with pytest.raises(ConnectionLost):
                await channel.wait()
        assert it.phases[:5] == ["connecting", "connecting", "up", "down", "connecting"]
        assert it.states[3].reason
        assert it.states[3].until is not None
    assert reach.state.phase is Phase.CLOSED
    with pytest.raises(ConnectionLost, match="not used any more"):
        await reach.run(["true"])


async def test_a_forwarded_port_keeps_its_number(reach: Reach, sshd: Server) -> None:
    served = await asyncio.start_server(_hello, "127.0.0.1", 0)
    port = served.sockets[0].getsockname()[1]
    async with watched(reach) as it:
        await reach.up()
        here, kept = await reach.forward(port), 0
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", here)
            assert await reader.read() == b"hello"
            writer.close()
            await writer.wait_closed()
            await it.cut(sshd)
            before, here = here, await reach.forward(port)
            kept += here == before  # not when another program took it in between
        assert kept
        await reach.unforward(port)
        await it.cut(sshd)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", here)
    served.close()
    await served.wait_closed()


async def _hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    writer.close()
    await writer.wait_closed()


async def test_what_a_person_put_right_is_tried_when_asked(reach: Reach, sshd: Server) -> None:
    sshd.accept()
    async with watched(reach) as it:
        with pytest.raises(ConnectionLost, match="box cannot be reached: .*does not let you in"):
            await reach.up()
        assert it.phases[-1] == "failed"
        sshd.accept("id")
        await reach.retry()
        await it.seen(Phase.UP)


async def test_a_machine_that_is_down_says_until_when(reach: Reach, sshd: Server) -> None:
    sshd.stop()
    async with watched(reach) as it:
        assert "refused" in (await it.seen(Phase.DOWN)).reason
        while reach.state.phase is not Phase.DOWN:
            await asyncio.sleep(0)
        with pytest.raises(ConnectionLost, match=r"box is down: .*refused; next attempt in \d+ s"):
            reach.current()


async def test_a_peer_that_falls_silent_is_found(
    reach: Reach, sshd: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = ssh_login.KEEPALIVE_SECONDS * (ssh_login.KEEPALIVE_COUNT + 1)
    assert limit <= 45
    monkeypatch.setattr(ssh_login, "KEEPALIVE_SECONDS", 0.1)
    async with watched(reach) as it:
        await reach.up()
        sshd.signal_all(signal.SIGSTOP)
        assert "keepalive" in (await it.seen(Phase.DOWN)).reason
        sshd.signal_all(signal.SIGCONT)


async def test_what_runs_goes_on_while_nobody_is_connected(
    reach: Reach, sshd: Server, tmp_path: Path
) -> None:
    count = f"while :; do echo x >> {tmp_path}/n; sleep 0.01; done"
    async with watched(reach) as it:
        await reach.up()
        detach = 'nohup sh -c "$1" >/dev/null 2>&1 </dev/null & echo $!'
        done = await reach.run(["sh", "-c", detach, "sh", count])
        await it.cut(sshd)
        size = (tmp_path / "n").stat().st_size if (tmp_path / "n").exists() else 0
        while not (tmp_path / "n").exists() or (tmp_path / "n").stat().st_size <= size:
            await asyncio.sleep(0.01)
        assert (await reach.run(["kill", done.stdout.decode().strip()])).ok
