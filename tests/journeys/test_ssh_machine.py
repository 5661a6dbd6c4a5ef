"""Jobs, terminals and meters of a machine reached by ssh, its connection cut again and again."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.document.replica import Replica
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound
from studio_tui.host.machines.meters import Meters
from studio_tui.host.machines.sites import Site, Sites
from studio_tui.host.terminals.holder import Holder
from studio_tui.jobs.launch import JobState, Supervisor
from studio_tui.jobs.plan import plan
from studio_tui.jobs.spec import JobSpec
from studio_tui.jobs.watch import Follower, LogChunk, MetricRows, StateChange
from studio_tui.machines import reach as reaching
from studio_tui.machines import ssh
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import Connection, ConnectionLost
from studio_tui.machines.install import describe, install
from studio_tui.machines.reach import Reach
from studio_tui.meters.sample import Sample
from studio_tui.terminal import holding
from tests.host.conftest import Known, found
from tests.machines.sshd import Server, login_to

PROGRAMS = (
    "awk cat chmod cp cut date dd env flock getconf grep head kill ls mkdir mv nohup ps rm sed "
)
PROGRAMS += "setsid sh sleep sort stat tail tar test touch tr uname wc"
CUTS = 20
STEP = 100_000  # bytes of log between two cuts
ANSWER = 10_000  # lines; of many frames, so that there is something to be seen before it is whole

# Writes a step, and waits until the test lets it write the next: so many cuts there are.
NOISY = f"""
i=0
while [ $i -lt {CUTS} ]; do
  head -c {STEP} /dev/urandom | od -v -A n -t x1 | head -c {STEP}
  echo "{{\\"i\\": $i}}" >> $STUDIO_METRICS
  i=$((i + 1))
  while [ ! -e go-$i ]; do sleep 0.01; done
done
printf 'no newline at the end'; exit 7
"""


@pytest.fixture
async def machine(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reach]:
    monkeypatch.setattr(reaching, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(reaching, "LONGEST_SECONDS", 0.02)
    login = login_to(sshd, tmp_path)

    async def dial() -> Connection:
        return await ssh.connect(login)

    reach = Reach("box", dial)
    owner = asyncio.create_task(reach.run_until_closed())
    await reach.up()
    yield reach
    await reach.close()
    await owner


async def site_on(machine: Reach, folder: Path) -> Site:
    """The machine as a host works on it."""
    payload = await install(machine)
    return Site(Machine("box", kind="ssh"), machine, payload, str(folder), sys.executable)


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    folder = tmp_path / "a studio"
    folder.mkdir()
    return folder


async def test_every_byte_of_a_job_once_while_the_connection_is_cut(
    machine: Reach, sshd: Server, studio: Path
) -> None:
    supervisor = Supervisor(machine, await install(machine))
    spec = JobSpec(command=("sh", "-c", NOISY))
    await supervisor.start(plan(spec, job_id="j", cwd=str(studio), payload=supervisor.payload))
    follower = Follower(supervisor, "j")
    log, rows, cuts, end = bytearray(), bytearray(), 0, None
    while end is None:
        await machine.up()
        with contextlib.suppress(ConnectionLost):
            async with contextlib.aclosing(follower.events()) as events:
                async for event in events:
                    match event:
                        case LogChunk(offset, data):
                            assert offset == len(log)
                            log += data
                        case MetricRows(offset, data):
                            assert offset == len(rows)
                            rows += data
                        case StateChange(state):
                            end = event if state.ended else None
                    if cuts < CUTS and len(log) > cuts * STEP:
                        await asyncio.to_thread(sshd.cut)
                        cuts += 1
                        (studio / f"go-{cuts}").touch()
    folder = Path(supervisor.folder, "j")
    for got, file in ((log, "log"), (rows, "metrics")):
        assert hashlib.sha256(got).digest() == hashlib.sha256((folder / file).read_bytes()).digest()
    assert (cuts, len(log) > 2_000_000) == (CUTS, True)
    assert end == StateChange(JobState.FAILED, 7)


async def test_a_job_is_stopped_with_all_that_it_started(machine: Reach, studio: Path) -> None:
    supervisor = Supervisor(machine, await install(machine))
    spec = JobSpec(command=("sh", "-c", "sleep 60 & echo $! > child; wait"))
    await supervisor.start(plan(spec, job_id="j", cwd=str(studio), payload=supervisor.payload))
    while not (studio / "child").exists() or not (studio / "child").read_text():
        await asyncio.sleep(0.01)
    stopped = await supervisor.stop("j", grace=2)
    assert stopped.state is JobState.STOPPED
    child = Path(f"/proc/{(studio / 'child').read_text().strip()}/stat")
    assert not child.exists() or child.read_text().rpartition(") ")[2][0] in "ZX"


async def test_a_job_needs_no_python(machine: Reach, studio: Path, sshd: Server) -> None:
    (sshd.home / "bin").mkdir()
    for program in PROGRAMS.split():
        for folder in ("/usr/bin", "/bin"):
            if Path(folder, program).exists():
                (sshd.home / "bin" / program).symlink_to(Path(folder, program))
                break
    sshd.configure(f"SetEnv HOME={sshd.home} PATH={sshd.home}/bin")
    await asyncio.to_thread(sshd.cut)
    connection = await _back(machine)
    payload = await install(connection)
    facts = await describe(connection, payload)
    assert facts.python is None
    assert facts.cpus
    supervisor = Supervisor(connection, payload)
    spec = JobSpec(command=("sh", "-c", "echo works; exit 4"))
    await supervisor.start(plan(spec, job_id="j", cwd=str(studio), payload=payload))
    log = b""
    async with contextlib.aclosing(Follower(supervisor, "j").events()) as events:
        async for event in events:
            log += event.data if isinstance(event, LogChunk) else b""
    assert (log, (await supervisor.status("j")).exit_code) == (b"works\n", 4)


async def test_a_terminal_goes_on_where_it_was_cut(
    machine: Reach, sshd: Server, studio: Path
) -> None:
    holder = Holder(found(await site_on(machine, studio)), "t")
    script = f"stty -echo; echo ready; while read n; do seq $n $((n + {ANSWER - 1})); done; exit 3"
    await holder.start((80, 24), ["sh", "-c", script], {"STUDIO_ID": "s"})
    stream, shown, code = holding.HolderStream(), bytearray(), None
    typed = cut = 0

    async def follow() -> int | None:
        """Types the next line once the last one's answer is whole; cuts once in each answer."""
        nonlocal typed, cut
        reader, writer = await holder.connect()
        writer.write(stream.attach())
        data, alive = b"", True
        while True:
            for event in stream.feed(data):
                if isinstance(event, holding.Output):
                    assert event.offset == len(shown)
                    shown.extend(event.data)
                elif isinstance(event, holding.Exit):
                    return event.code
            lines = shown.count(b"\n")
            if alive and lines == 1 + typed * ANSWER:
                line = f"{typed * ANSWER}\n" if typed < 5 else "\x04"
                writer.write(holding.encode_input(line.encode()))
                typed += 1
            elif cut < typed <= 5 and lines > 1 + (typed - 1) * ANSWER:
                cut, alive = typed, False
                await asyncio.to_thread(sshd.cut)
            if not (data := await reader.read(4096)):
                return None

    while code is None:
        await machine.up()
        with contextlib.suppress(ConnectionLost, NotFound):
            if await holder.running():
                code = await follow()
    assert (code, cut > 0) == (3, True)
    assert shown.decode().split() == ["ready", *(str(n) for n in range(5 * ANSWER))]


async def test_the_meters_go_on_after_a_cut(
    machine: Reach, sshd: Server, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.host.machines.meters.RETRY_SECONDS", 0.02)
    monkeypatch.setattr("studio_tui.host.machines.meters.PERIOD", "0.05")
    read: list[Sample] = []
    site = await site_on(machine, studio)
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follow_meters(site, read))
        for _ in range(3):
            count = len(read)
            while len(read) < count + 3:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(sshd.cut)
        following.cancel()
    assert {sample.machine for sample in read} == {"box"}


async def follow_meters(site: Site, read: list[Sample]) -> None:
    """Until it is cancelled."""
    async with asyncio.TaskGroup() as tasks:
        sites = Sites(Known(site), StudioDocument(Replica()), tasks)
        Meters(sites, tasks, read.append).follow("box")


async def _back(machine: Reach) -> Connection:
    """The connection that comes after the one that was cut."""
    while True:
        with contextlib.suppress(ConnectionLost):
            connection = await machine.up()
            await connection.run(["true"])
            return connection
