"""Machines that the studio started and that nobody uses: by a hand clock, on two real folders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from studio_tui.client.studio import Studio
from studio_tui.document.entries import SleepEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.host.files.files import Files
from studio_tui.host.files.folder import Folder
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.machines.sites import Site, Sites
from studio_tui.host.switching.rented import Rented
from studio_tui.host.switching.switch import Switch
from studio_tui.host.terminals.terminals import Terminals
from studio_tui.machines.autosleep import COUNTDOWN, EXTENSION, LAST_WORDS
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from studio_tui.machines.power import Power, power_for
from studio_tui.meters.sample import GPU, Sample
from tests.host.conftest import HELD, STUDIO, Bench, Known, eventually
from tests.machines.aws import Aws

pytestmark = pytest.mark.usefixtures("brisk")

AFTER = 600.0
START = 1_800_000_000.0


class Clock:
    """Unix time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Paid(Known):
    """Ways to machines of which "box" is switched on and off; what was done is written down."""

    def __init__(self, *sites: Site) -> None:
        super().__init__(*sites)
        self.on = {"local"}
        self.done: list[str] = []
        self.stops = asyncio.Event()
        self.stops.set()
        self.refuse: StudioError | None = None

    async def runs(self, machine: str) -> bool:
        return machine in self.on

    async def start(self, machine: str, say: Callable[[str], None]) -> None:
        if machine not in self.on:
            self.done.append(f"start {machine}")
        self.on.add(machine)

    async def stop(self, machine: str) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.on.discard(machine)
        await self.stops.wait()
        self.done.append(f"stop {machine}")


class Cloud(Known):
    """Ways to machines of which "box" is an instance of AWS."""

    def __init__(self, *sites: Site) -> None:
        super().__init__(*sites)
        power = power_for(next(site.machine for site in sites if site.machine.id == "box"))
        assert power is not None
        self.power: Power = power

    async def runs(self, machine: str) -> bool:
        return machine == "local" or await self.power.runs()

    async def start(self, machine: str, say: Callable[[str], None]) -> None:
        if machine == "box":
            await self.power.start(say)

    async def stop(self, machine: str) -> None:
        await self.power.stop(lambda words: None)


@dataclass
class Hosted:
    """A host with everything that uses a machine, and a person in it.

    Attributes:
        gate: while it is not set, a machine that goes to sleep waits before it is stopped.
    """

    rented: Rented
    document: StudioDocument
    gate: asyncio.Event
    clock: Clock
    ana: Studio

    @property
    def told(self) -> SleepEntry:
        """What the host says of the box."""
        return self.document.sleeps.get("box", SleepEntry("box", "nothing"))

    @property
    def at_home(self) -> bool:
        """Whether the studio has been taken home, and can be taken elsewhere."""
        switch = self.ana.document.switch
        return switch is not None and (switch.target, switch.phase) == ("local", "done")

    async def tells(self, phase: str) -> SleepEntry:
        """What everybody sees, once it is this phase."""
        seen = self.ana.document.sleeps
        async with asyncio.timeout(20):
            await self.ana.until(lambda: "box" in seen and seen["box"].phase == phase)
        return seen["box"]

    def passes(self, seconds: float, *gpus: GPU) -> None:
        """Time passes in which nobody does anything; the meters are read."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(self.clock.now + 10, end)
            self.rented.sample(Sample("box", self.clock.now, gpus=gpus))
            self.rented.tick()


Hosting = Callable[..., AbstractAsyncContextManager[Hosted]]


def rented_box(**entry: Any) -> Machine:
    return Machine("box", kind="ec2", entry=entry or {"sleep_after": "10m"})


@pytest.fixture
async def box(site: Site, tmp_path: Path) -> AsyncIterator[Site]:
    connection = LocalConnection(tmp_path / "box")
    yield replace(
        site,
        machine=rented_box(),
        connection=connection,
        payload=await install(connection),
        folder=str(tmp_path.resolve() / "studios" / STUDIO),
    )
    await connection.close()


@pytest.fixture
def ways(site: Site, box: Site) -> Paid:
    return Paid(site, box)


@pytest.fixture
def hosting(bench: Bench, site: Site, ways: Paid) -> Hosting:
    clock = Clock()

    @asynccontextmanager
    async def host(ways: Known = ways) -> AsyncIterator[Hosted]:
        async with bench.host() as parts:
            document, session, tasks = parts.document, parts.session, parts.tasks
            if not document.info.name:
                info = replace(document.info, name="x", dir=site.folder, machine="local", epoch=1)
                document.info = info
            sites = Sites(ways, document, tasks)
            folders: list[Folder] = []

            def folder_at(machine: str) -> Folder:
                folders.append(Folder(lambda: sites.at(machine)))
                return folders[-1]

            files = Files(folder_at(sites.here), bench.state, session, document, STUDIO, tasks)
            terminals = Terminals(sites, document, session, STUDIO, bench.state, tasks)
            jobs = Jobs(sites, document, session, STUDIO, tasks, clock)
            switch = Switch(sites, files, document, folder_at, lambda far: None, tasks, clock)
            gate = asyncio.Event()
            gate.set()

            async def wait_at_gate(machine: str) -> None:
                await gate.wait()

            ends = (jobs.end_on, terminals.end_on, wait_at_gate)
            rented = Rented(sites, switch, document, jobs.on, ends, bench.state, tasks, clock)
            sites.on_started = rented.started
            terminals.on_key = rented.used
            files.on_edit = parts.calls.on_change = lambda: rented.used(sites.here)
            for part in (files, terminals, jobs, switch, rented):
                await part.resume()
            for listed in (files, terminals, jobs, sites, switch, rented):
                parts.answer(listed.calls())
            tasks.create_task(files.watch())
            async with bench.person("ana", "editor") as ana, asyncio.timeout(25):
                await ana.until(lambda: ana.reachable)
                try:
                    yield Hosted(rented, document, gate, clock, ana)
                finally:
                    await terminals.end_all()
                    for folder in folders:
                        await folder.close()

    return host


async def test_nobody_uses_it_and_the_studio_goes_home_first(
    bench: Bench, hosting: Hosting, ways: Paid, box: Site
) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with hosting() as host:
        await host.ana.switch("box")
        Path(box.folder, "made-there.txt").write_text("results\n")
        host.passes(AFTER - 10)
        assert host.told.phase == "nothing"
        host.passes(10)
        warning = await host.tells("warning")
        assert warning.until == host.clock.now + COUNTDOWN
        assert warning.note == "nobody has used it for 10 minutes"
        host.passes(COUNTDOWN)
        asleep = await host.tells("asleep")
        assert asleep.note == "nobody has used it for 10 minutes"
        assert host.ana.document.info.machine == "local"
        assert host.ana.document.switch is not None
        assert host.ana.document.switch.by == "auto-sleep"
        assert (bench.root / "made-there.txt").read_text() == "results\n"
        assert ways.done == ["start box", "stop box"]
        host.passes(10 * AFTER)
        assert host.told.phase == "asleep"
        await host.ana.switch("box")
        host.passes(AFTER)
        assert (await host.tells("warning")).until == host.clock.now + COUNTDOWN


async def test_somebody_keeps_it_up(hosting: Hosting, bench: Bench, ways: Paid) -> None:
    async with hosting() as host:
        await host.ana.switch("box")
        host.passes(AFTER)
        await host.tells("warning")
        vic = await bench.attach("vic", "viewer")
        await vic.until(lambda: vic.reachable)
        with pytest.raises(Refused):
            await vic.stay("box")
        assert host.told.phase == "warning"
        await host.ana.stay("box")
        assert (await host.tells("awake")).note == "ana keeps it up"
        host.passes(AFTER - 10)
        assert host.told.phase == "awake"
        assert ways.done == ["start box"]


@pytest.mark.parametrize("use", ["edit", "terminal", "call", "gpu"])
async def test_what_counts_as_use(bench: Bench, hosting: Hosting, use: str) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with hosting() as host:
        ana = host.ana
        await ana.switch("box")
        file = await ana.file("a.txt")
        terminal = await ana.terminal(command=["cat"])
        host.passes(AFTER)
        await host.tells("warning")
        match use:
            case "edit":
                await file.insert(0, "x")
            case "terminal":
                await terminal.type("x")
            case "call":
                await ana.command("files.create", path="b.txt")
            case "gpu":
                host.passes(10, GPU(0, utilisation=0.5))
        said = "a GPU is busy" if use == "gpu" else "somebody typed"
        assert (await host.tells("awake")).note == said


async def test_what_does_not_count(bench: Bench, hosting: Hosting, box: Site) -> None:
    """A look, a change on the disk, and a key in a terminal of another machine."""
    (bench.root / "a.txt").write_text("a\n")
    async with hosting() as host:
        ana = host.ana
        elsewhere = await ana.terminal(command=["cat"])
        await ana.switch("box")
        file = await ana.file("a.txt")
        host.passes(AFTER)
        await host.tells("warning")
        Path(box.folder, "a.txt").write_text("by a program\n")
        await ana.until(lambda: str(file) == "by a program\n")
        await elsewhere.type("seen")
        await elsewhere.until("seen")
        assert [machine.id for machine in await ana.machines()] == ["local", "box"]
        assert host.told.phase == "warning"


async def test_a_job_keeps_it_up_until_it_ends(bench: Bench, hosting: Hosting, box: Site) -> None:
    (bench.root / "hold").touch()
    (bench.root / "train.py").write_text(HELD)
    async with hosting() as host:
        await host.ana.switch("box")
        job = await host.ana.run("train.py")
        await host.ana.switch("local")
        host.passes(3 * AFTER)
        assert host.told.phase == "nothing"
        Path(box.folder, "hold").unlink()
        await job.wait()
        host.passes(AFTER - 10)
        assert host.told.phase == "nothing"
        host.passes(20)
        await host.tells("warning")


async def test_the_longest_runtime_ends_jobs_and_terminals_there(
    bench: Bench, hosting: Hosting, ways: Paid, box: Site
) -> None:
    (bench.root / "hold").touch()
    (bench.root / "train.py").write_text(HELD)
    machine = rented_box(max_runtime="2h")
    ways._sites["box"] = replace(box, machine=machine)
    async with hosting() as host:
        await host.ana.switch("box")
        job = await host.ana.run("train.py")
        await host.ana.terminal(command=["cat"])
        host.passes(7200 - LAST_WORDS)
        warning = await host.tells("warning")
        assert warning.until == pytest.approx(START + 7200, abs=10)
        await host.ana.stay("box")
        assert (await host.tells("awake")).note == "ana keeps it up for another 1 hour"
        host.passes(EXTENSION)
        await host.tells("warning")
        host.passes(LAST_WORDS)
        assert (await host.tells("asleep")).note == "it has run for its 2 hours"
        await job.wait()
        assert host.ana.document.jobs[job.id].state == "stopped"
        assert not host.ana.document.terminals
        assert ways.done == ["start box", "stop box"]


async def test_only_what_the_studio_started(hosting: Hosting, ways: Paid) -> None:
    ways.on.add("box")
    async with hosting() as host:
        await host.ana.switch("box")
        host.passes(5 * AFTER)
        assert host.told.phase == "nothing"
        with pytest.raises(NotFound, match="box is not put to sleep by this studio"):
            await host.ana.stay("box")
        with pytest.raises(NotFound, match="no machine 'moon'"):
            await host.ana.stay("moon")
        assert ways.done == []


@pytest.mark.parametrize("entry", [{"price_per_hour": 1.0}, {"sleep_after": "never"}])
async def test_a_machine_that_never_sleeps(
    hosting: Hosting, ways: Paid, box: Site, entry: dict[str, Any]
) -> None:
    ways._sites["box"] = replace(box, machine=rented_box(**entry))
    async with hosting() as host:
        await host.ana.switch("box")
        host.passes(100 * AFTER)
        assert host.told.phase == "nothing"
        assert ways.done == ["start box"]


async def test_an_entry_that_makes_no_sense_is_told(
    hosting: Hosting, ways: Paid, box: Site
) -> None:
    ways._sites["box"] = replace(box, machine=rented_box(sleep_after="soon"))
    async with hosting() as host:
        await host.ana.switch("box")
        assert "has sleep_after = 'soon'" in (await host.tells("failed")).note
        assert host.ana.document.info.machine == "box"


async def test_a_new_host_goes_on_watching(bench: Bench, hosting: Hosting, ways: Paid) -> None:
    async with hosting() as host:
        await host.ana.switch("box")
        host.passes(AFTER)
        await host.tells("warning")
    async with hosting() as host:
        assert (await host.tells("awake")).note == "the studio's host has started anew"
        host.passes(AFTER - 10)
        assert host.told.phase == "awake"
        host.passes(20 + COUNTDOWN)
        await host.tells("asleep")
        assert ways.done == ["start box", "stop box"]
    async with hosting() as host:
        host.passes(5 * AFTER)
        assert host.told.phase == "asleep"


async def test_a_damaged_memory_is_passed_over(bench: Bench, hosting: Hosting) -> None:
    bench.state.mkdir(parents=True, exist_ok=True)
    (bench.state / "rented.json").write_text('{"box": "yesterday"}')
    async with hosting() as host:
        host.passes(AFTER)
        await host.ana.switch("box")
        host.passes(AFTER)
        await host.tells("warning")


async def test_where_the_studio_cannot_go_home_nothing_is_stopped(
    bench: Bench, hosting: Hosting, ways: Paid
) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with hosting() as host:
        await host.ana.switch("box")
        terminal = await host.ana.terminal(command=["cat"])
        host.passes(AFTER)
        await host.tells("warning")
        away = bench.root.rename(bench.root.with_name("away"))
        bench.root.write_text("a file where the folder was")
        host.passes(COUNTDOWN)
        failed = await host.tells("failed")
        assert "switch by hand: studio-tui machine switch" in failed.note
        assert host.ana.document.info.machine == "box"
        assert host.ana.document.terminals[terminal.id].state == "running"
        assert ways.done == ["start box"]
        bench.root.unlink()
        away.rename(bench.root)
        host.passes(AFTER + COUNTDOWN)
        await host.tells("asleep")
        assert ways.done == ["start box", "stop box"]


async def test_somebody_comes_back_while_it_is_being_stopped(
    bench: Bench, hosting: Hosting, ways: Paid
) -> None:
    async with hosting() as host:
        await host.ana.switch("box")
        host.gate.clear()
        host.passes(AFTER + COUNTDOWN)
        await host.tells("going")
        with pytest.raises(StudioError, match="box is being stopped"):
            await host.ana.stay("box")
        await host.ana.until(lambda: host.at_home)
        await host.ana.switch("box")
        host.gate.set()
        assert (await host.tells("failed")).note == "the studio has come to box again"
        assert ways.done == ["start box"]
        assert host.ana.document.info.machine == "box"


async def test_a_switch_waits_for_a_machine_that_stops(hosting: Hosting, ways: Paid) -> None:
    async with hosting() as host:
        await host.ana.switch("box")
        await host.ana.switch("local")
        ways.stops.clear()
        host.passes(AFTER + COUNTDOWN)
        await eventually(lambda: "box" not in ways.on)
        going = asyncio.create_task(host.ana.switch("box"))
        await eventually(lambda: host.document.switch and not host.document.switch.over)
        await host.ana.machines()
        ways.stops.set()
        await going
        assert ways.done == ["start box", "stop box", "start box"]
        host.passes(AFTER)
        await host.tells("warning")


async def test_a_machine_that_does_not_stop_is_tried_again(hosting: Hosting, ways: Paid) -> None:
    async with hosting() as host:
        await host.ana.switch("box")
        await host.ana.switch("local")
        ways.refuse = StudioError("AWS does not answer", "try again")
        host.passes(AFTER + COUNTDOWN)
        assert (await host.tells("failed")).note == "AWS does not answer; try again"
        ways.refuse = None
        host.passes(AFTER + COUNTDOWN)
        await host.tells("asleep")
        assert ways.done == ["start box", "stop box"]


async def test_an_instance_of_aws(
    bench: Bench, hosting: Hosting, site: Site, box: Site, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.instance.LOOK", 0.01)
    (bench.root / "a.txt").write_text("a\n")
    id = aws.launch()
    entry = {"kind": "ec2", "instance": id, "region": "us-east-1", "sleep_after": "10m"}
    cloud = Cloud(site, replace(box, machine=Machine("box", "ec2", entry=entry)))
    aws.stop(id)
    async with hosting(cloud) as host:
        await host.ana.switch("box")
        assert aws.instance(id)["State"]["Name"] == "running"
        host.passes(AFTER + COUNTDOWN)
        await host.tells("asleep")
        assert aws.instance(id)["State"]["Name"] == "stopped"
        assert host.ana.document.info.machine == "local"
