from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from relay_server.wire import CAPS
from studio_tui.client.job import Job
from studio_tui.client.studio import Studio
from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host import jobs as jobs_module
from studio_tui.host.jobs import Jobs
from studio_tui.host.sites import Site
from studio_tui.jobs.launch import Supervisor
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from tests.host.conftest import STUDIO, Bench, eventually

Hosting = Callable[[], AbstractAsyncContextManager[Jobs]]

TRAIN = """
import json, os, sys, time
def tell(**row):
    with open(os.environ["STUDIO_METRICS"], "a") as metrics:
        metrics.write(json.dumps(row) + "\\n")
tell(event="start", precision="32-true", devices=1)
for step in range(int(sys.argv[1])):
    print("step", step, flush=True)
    tell(event="step", step=step, values={"loss": 1.0 / (step + 1)})
while os.path.exists("hold"):
    time.sleep(0.02)
sys.exit(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
"""


@pytest.fixture
async def supervisor(site: Site) -> AsyncIterator[Supervisor]:
    made = site.supervisor
    yield made
    for status in await made.list():
        await made.stop(status.id, grace=0)


@pytest.fixture
async def hosting(bench: Bench, site: Site, supervisor: Supervisor) -> Hosting:
    """Starts a host that has jobs and nothing else."""
    (bench.root / "train.py").write_text(TRAIN)

    @asynccontextmanager
    async def host() -> AsyncIterator[Jobs]:
        async with bench.host() as parts:
            jobs = Jobs(
                parts.sites(site), parts.document, parts.session, STUDIO, parts.tasks, time.time
            )
            await jobs.resume()
            parts.answer(jobs.calls())
            yield jobs

    return host


async def state(job: Job, wanted: str) -> None:
    async with asyncio.timeout(10):
        await job.studio.until(lambda: job.entry.state == wanted)


async def reachable(person: Studio) -> None:
    async with asyncio.timeout(10):
        await person.until(lambda: person.reachable)


async def lines(job: Job) -> list[str]:
    async with asyncio.timeout(20):
        return [line async for line in job.logs()]


async def test_a_job_from_start_to_end(bench: Bench, hosting: Hosting) -> None:
    async with hosting() as jobs:
        ana = await bench.attach("ana")
        job = await ana.run("train.py", ["3", "4"], name="first", devices="1")
        assert (job.entry.name, job.entry.by, job.entry.machine) == ("first", "ana", "local")
        assert job.entry.command == "train.py 3 4"
        assert await job.wait() == 4
        assert (job.entry.state, job.entry.exit_code) == ("failed", 4)
        assert job.entry.started is not None
        assert job.entry.ended is not None
        assert job.entry.ended >= job.entry.started
        assert await lines(job) == ["step 0", "step 1", "step 2"]
        assert job.metrics == {"loss": [(0, 1.0), (1, 0.5), (2, 1 / 3)]}
        assert jobs.running() == 0


async def test_a_job_has_its_price(bench: Bench, site: Site, supervisor: Supervisor) -> None:
    (bench.root / "train.py").write_text(TRAIN)
    priced = replace(site, machine=Machine("local", price_per_hour=3600.0))
    async with bench.host() as parts:
        jobs = Jobs(
            parts.sites(priced), parts.document, parts.session, STUDIO, parts.tasks, time.time
        )
        parts.answer(jobs.calls())
        await parts.sites(priced).at("local")
        ana = await bench.attach("ana")
        await eventually(lambda: "local" in ana.document.machines)
        entry = (job := await ana.run("train.py", ["1"])).entry
        assert entry.cost is None
        assert await job.wait() == 0
        assert job.entry.ended is not None
        assert job.entry.started is not None
        assert job.entry.cost == pytest.approx(job.entry.ended - job.entry.started)


async def test_the_log_comes_live_and_whole(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "hold").touch()
    async with hosting() as jobs:
        ana, bob = await bench.attach("ana"), await bench.attach("bob")
        job = await ana.run("train.py", ["5"])
        seen = []
        async with asyncio.timeout(10):
            async for line in job.logs():
                seen.append(line)
                if len(seen) == 5:
                    break
        assert job.entry.state == "running"
        assert jobs.running() == 1
        his = await bob.job(job.id)
        (bench.root / "hold").unlink()
        assert await lines(his) == seen == [f"step {n}" for n in range(5)]
        assert await his.wait() == 0


async def test_a_flood_of_log_is_read_whole(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "flood.sh").write_text("seq -w 1 700000; exit 0")
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run(command=["sh", "flood.sh"])
        got = bytearray()
        async with asyncio.timeout(25):
            async for data in job.chunks():
                got += data
        assert bytes(got) == b"".join(b"%06d\n" % n for n in range(1, 700_001))
        assert ana.state == "live"


async def test_the_log_by_pieces(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("train.py", ["2"])
        await job.wait()
        answer = await ana.query("jobs.log", job=job.id, offset=5, length=4)
        assert answer == {"data": base64.b64encode(b"0\nst").decode(), "offset": 5, "size": 14}
        with pytest.raises(UsageFault):
            await ana.query("jobs.log", job=job.id, offset=-1)
        for method in ("jobs.log", "jobs.metrics"):
            with pytest.raises(NotFound, match="no job 'nothing'") as raised:
                await ana.query(method, job="nothing")
            assert STUDIO in raised.value.hint


async def test_stopping(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "hold").touch()
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("train.py", ["1"])
        with pytest.raises(StudioError, match="still running") as raised:
            await job.remove()
        assert raised.value.hint == "stop it first"
        await job.stop()
        await state(job, "stopped")
        assert await job.wait() == 143
        await job.stop()
        await job.remove()
        await ana.until(lambda: len(ana.document.jobs) == 0)
        with pytest.raises(NotFound):
            await ana.query("jobs.log", job=job.id)


async def test_a_job_that_is_starting_is_not_forgotten(
    bench: Bench, hosting: Hosting, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, call = asyncio.Event(), supervisor._call

    async def slow(verb: str, *args: str, **kwargs: bytes) -> object:
        if verb == "start":
            await go.wait()
        return await call(verb, *args, **kwargs)

    monkeypatch.setattr(supervisor, "_call", slow)
    async with hosting():
        ana = await bench.attach("ana")
        running = asyncio.create_task(ana.run("train.py", ["1"]))
        await ana.until(lambda: len(ana.document.jobs) == 1)
        (entry,) = ana.document.jobs.values()
        assert entry.state == "starting"
        with pytest.raises(StudioError, match="still starting"):
            await ana.command("jobs.remove", job=entry.id)
        go.set()
        job = await running
        assert await job.wait() == 0


async def test_a_viewer_starts_nothing(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        vic = await bench.attach("vic", "viewer")
        for method in ("run", "stop", "remove"):
            with pytest.raises(Refused):
                await vic.command(f"jobs.{method}", script="train.py", job="x")


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"script": "nothing.py"}, NotFound, "there is no nothing.py in "),
        ({"command": ["no-such-program"]}, NotFound, "no program no-such-program"),
        ({"script": "train.py", "machine": "moon"}, NotFound, "no machine 'moon'"),
        ({"script": "train.py", "precision": "bf17"}, UsageFault, "unknown precision"),
        ({"script": "train.py", "wings": 2}, UsageFault, "no setting 'wings'"),
        ({"script": "train.py", "args": "3"}, UsageFault, "args is not a list"),
        ({"script": ["train.py"]}, UsageFault, "script is not text"),
        ({"script": "train.py", "args": ["a\0"]}, UsageFault, "NUL"),
        ({}, UsageFault, "nothing to run"),
    ],
)
async def test_what_cannot_be_run(
    bench: Bench,
    hosting: Hosting,
    supervisor: Supervisor,
    params: dict[str, object],
    error: type[StudioError],
    message: str,
) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        with pytest.raises(error, match=message) as raised:
            await ana.command("jobs.run", **params)
        assert raised.value.hint
        assert await supervisor.list() == []
        await ana.until(lambda: len(ana.document.jobs) == 0)


async def test_a_python_without_lightning(bench: Bench, hosting: Hosting) -> None:
    bare = bench.root / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    (bench.root / "train.py").write_text("import lightning as L\n")
    async with hosting():
        ana = await bench.attach("ana")
        with pytest.raises(StudioError) as raised:
            await ana.run("train.py", python="./bare")
        assert raised.value.message == "./bare has no lightning, which train.py imports"
        assert raised.value.hint == "install it: ./bare -m pip install lightning"
        assert raised.value.exit_code == 1


async def test_what_the_script_fixes_itself_is_noted(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "hold").touch()
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("train.py", ["1"], precision="bf16-mixed", devices="2")
        async with asyncio.timeout(10):
            await ana.until(lambda: len(job.entry.notes) == 2)
        assert job.entry.notes[0].startswith("train.py sets precision itself: it runs with 32-true")
        (bench.root / "hold").unlink()
        await job.wait()
        assert len(job.entry.notes) == 2


async def test_many_curves_fit_into_one_answer(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "wide.py").write_text(
        "import json, os\n"
        "with open(os.environ['STUDIO_METRICS'], 'w') as metrics:\n"
        "    for step in range(200):\n"
        "        values = {f'metric/{n:04}/' + 'x' * 40: step / 3 for n in range(500)}\n"
        "        row = {'event': 'step', 'step': step, 'values': values}\n"
        "        metrics.write(json.dumps(row) + '\\n')\n"
    )
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("wide.py")
        await job.wait()
        answer = await ana.query("jobs.metrics", job=job.id)
        assert len(answer["metrics"]) == 500
        assert len(json.dumps(answer)) < CAPS.message
        points = next(iter(answer["metrics"].values()))
        assert (points[0][0], points[-1][0]) == (0, 199)


async def test_a_new_host_goes_on_following(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "hold").touch()
    ana = await bench.attach("ana")
    async with hosting():
        await reachable(ana)
        job = await ana.run("train.py", ["3", "5"], precision="bf16-mixed")
        await state(job, "running")
    async with hosting():
        await reachable(ana)
        assert job.entry.state == "running"
        reading = asyncio.create_task(lines(job))
        async with asyncio.timeout(10):
            await ana.until(lambda: len(job.entry.notes) == 1)
        (bench.root / "hold").unlink()
        assert await job.wait() == 5
        assert await reading == ["step 0", "step 1", "step 2"]
        assert len(job.metrics["loss"]) == 3


async def test_what_ended_while_the_host_was_away(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "hold").touch()
    ana = await bench.attach("ana")
    async with hosting():
        await reachable(ana)
        job = await ana.run("train.py", ["3", "6"])
    (bench.root / "hold").unlink()
    async with hosting():
        await reachable(ana)
        assert await job.wait() == 6
        assert job.entry.state == "failed"
        assert await lines(job) == ["step 0", "step 1", "step 2"]
    async with hosting():
        await reachable(ana)
        assert len((await job.load_metrics())["loss"]) == 3
        assert (await ana.query("jobs.metrics", job=job.id)) == (
            await ana.query("jobs.metrics", job=job.id)
        )


async def test_a_job_that_the_machine_does_not_know_is_lost(bench: Bench, hosting: Hosting) -> None:
    ana = await bench.attach("ana")
    async with bench.host() as parts:
        StudioDocument(parts.session.room(STUDIO).replica).jobs.put(
            JobEntry("gone", "gone", "running", command="train.py 'unclosed")
        )
        await ana.until(lambda: "gone" in ana.document.jobs)
    async with hosting():
        job = await ana.job("gone")
        await state(job, "lost")
        assert await job.wait() == 75
        assert job.entry.ended is not None
        assert "no job gone" in job.entry.notes[0]
        await job.remove()
        await ana.until(lambda: len(ana.document.jobs) == 0)


async def test_a_list_that_an_editor_has_forged(bench: Bench, hosting: Hosting) -> None:
    ana = await bench.attach("ana")
    for entry in (
        JobEntry("../../x", state="running"),
        JobEntry("x y", state="succeeded"),
        JobEntry("x1", state="odd"),
        JobEntry("x2", state="succeeded"),
    ):
        ana.document.jobs.put(entry)
    await eventually(lambda: not ana.unsaved)
    async with hosting():
        await reachable(ana)
        await ana.until(lambda: set(ana.document.jobs) == {"x1", "x2"})
        await ana.until(lambda: ana.document.jobs["x1"].state == "lost")
        with pytest.raises(NotFound):
            await ana.query("jobs.metrics", job="x2")


async def test_a_recorder_that_was_killed_loses_its_job(
    bench: Bench, hosting: Hosting, supervisor: Supervisor
) -> None:
    (bench.root / "hold").touch()
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("train.py", ["1"])
        await state(job, "running")
        for name in ("sup", "pid"):
            signed = Path(supervisor.folder) / job.id / name
            os.kill(int(signed.read_text().split()[0]), 9)
        await state(job, "lost")
        assert await job.wait() == 75


async def test_a_follower_that_breaks_is_started_again(
    bench: Bench, hosting: Hosting, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "RETRY_SECONDS", 0.01)
    problems = iter([ConnectionLost("the line is down"), StudioError("nonsense came")])
    call = supervisor._call

    async def breaking(verb: str, *args: str, **kwargs: bytes) -> object:
        if verb == "status" and (problem := next(problems, None)) is not None:
            raise problem
        return await call(verb, *args, **kwargs)

    async with hosting():
        ana = await bench.attach("ana")
        monkeypatch.setattr(supervisor, "_call", breaking)
        job = await ana.run("train.py", ["3"])
        assert await job.wait() == 0
        assert await lines(job) == ["step 0", "step 1", "step 2"]
        assert job.entry.state == "succeeded"
        assert next(problems, None) is None


async def test_an_end_is_not_taken_back(
    bench: Bench, hosting: Hosting, supervisor: Supervisor
) -> None:
    """An answer that was under way when the job ended is older than the end."""
    (bench.root / "hold").touch()
    async with hosting() as jobs:
        ana = await bench.attach("ana")
        job = await ana.run("train.py", ["1"])
        before = await supervisor.status(job.id)
        await job.stop()
        jobs._update(job.id, before)
        await state(job, "stopped")
        assert jobs._document.jobs[job.id].state == "stopped"


async def test_an_end_is_told_once_all_is_known(bench: Bench, hosting: Hosting) -> None:
    """The first answer about a short job may be that it is over already."""
    (bench.root / "short.sh").write_text(
        """echo log; echo '{"event": "step", "step": 1, "values": {"x": 2}}' > $STUDIO_METRICS"""
    )
    async with hosting():
        ana = await bench.attach("ana")
        for _ in range(5):
            job = await ana.run(command=["sh", "short.sh"])
            assert await job.wait() == 0
            assert job.metrics == {"x": [(1, 2.0)]}


async def test_a_job_on_another_machine(
    bench: Bench, site: Site, tmp_path: Path, supervisor: Supervisor
) -> None:
    """It runs in the studio's folder there, and a later host finds it there."""
    there = LocalConnection(tmp_path / "there")
    folder = tmp_path / "project there"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / "hold").touch()
    other = replace(
        site, machine=Machine("gpu-box"), connection=there, payload=await install(there),
        folder=str(folder),
    )  # fmt: skip
    ana = await bench.attach("ana")

    @asynccontextmanager
    async def host(*sites: Site) -> AsyncIterator[Jobs]:
        async with bench.host() as parts:
            jobs = Jobs(
                parts.sites(*sites), parts.document, parts.session, STUDIO, parts.tasks, time.time
            )
            await jobs.resume()
            parts.answer(jobs.calls())
            yield jobs

    async with host(site, other):
        await reachable(ana)
        job = await ana.run("train.py", ["2"], machine="gpu-box")
        assert job.entry.machine == "gpu-box"
        await state(job, "running")
    async with host(site):
        # The machine is in no catalogue now: the job is not lost, it cannot be asked for.
        await reachable(ana)
        with pytest.raises(NotFound, match="no machine 'gpu-box'"):
            await job.stop()
        assert job.entry.state == "running"
    (folder / "hold").unlink()
    async with host(site, other):
        await reachable(ana)
        assert await job.wait() == 0
        assert await lines(job) == ["step 0", "step 1"]
    assert await supervisor.list() == []
    await there.close()
