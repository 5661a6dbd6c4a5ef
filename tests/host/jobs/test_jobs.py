from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
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
from studio_tui.host.jobs import following
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.machines.sites import Site
from studio_tui.jobs.launch import Supervisor
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from studio_tui.settings import paths, secrets
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


async def test_a_job_that_has_had_its_time(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "hold").touch()
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("train.py", ["1"], max_runtime="1s", retries=2)
        assert await job.wait() == 143
        assert job.entry.state == "stopped"
        assert job.entry.notes == ["stopped at the end of its max-runtime"]


async def test_a_job_that_is_run_again(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "flaky.sh").write_text('[ "$STUDIO_ATTEMPT" = 2 ] || exit 9')
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run(command=["sh", "flaky.sh"], retries=2)
        assert await job.wait() == 0
        assert job.entry.notes == ["attempt 2 after exit code 9", "attempt 3 after exit code 9"]


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


async def test_the_ranks_of_a_job_that_runs(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "beat.py").write_text(
        "import json, os, time\n"
        "row = dict(event='beat', rank=0, world=1, t=time.time(), step=3, phase='data', since=99)\n"
        "row.update(step_time=0.1, own_time=0.1)\n"
        "with open(os.environ['STUDIO_METRICS'], 'w') as metrics:\n"
        "    metrics.write(json.dumps(row) + '\\n')\n"
        "while os.path.exists('hold'): time.sleep(0.02)\n"
    )
    (bench.root / "hold").touch()
    async with hosting():
        ana = await bench.attach("ana", "viewer")
        job = await (await bench.attach("bob")).run("beat.py")
        his = await ana.job(job.id)
        async with asyncio.timeout(20):
            while not await his.load_ranks():
                await asyncio.sleep(0.02)
        (rank,) = his.ranks
        assert (rank.rank, rank.machine, rank.step) == (0, "local", 3)
        assert rank.state == "hung"
        (bench.root / "hold").unlink()
        assert await job.wait() == 0
        async with asyncio.timeout(20):
            while await his.load_ranks():
                await asyncio.sleep(0.02)


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
        JobEntry("x2", state="succeeded", started=1.0),
        JobEntry("x3", state="queued"),
    ):
        ana.document.jobs.put(entry)
    await eventually(lambda: not ana.unsaved)
    async with hosting():
        await reachable(ana)
        await ana.until(lambda: set(ana.document.jobs) == {"x1", "x2", "x3"})
        for job in ("x1", "x3"):
            await ana.until(lambda job=job: ana.document.jobs[job].state == "lost")  # type: ignore[misc]
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
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.01)
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
        jobs.ledger.update(job.id, before)
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


@pytest.fixture
def eight_gpus(
    tmp_path: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose NVIDIA library tells of eight GPUs."""
    source = Path(__file__).parents[2] / "payload" / "fake_nvml.c"
    built, settings = tmp_path / "libnvidia-ml.so.1", tmp_path / "nvml"
    flags = ["-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", "-DWITH_V2"]
    subprocess.run([require("gcc"), *flags, "-o", str(built), str(source)], check=True)
    settings.write_text("n=8")
    monkeypatch.setenv("STUDIO_NVML", str(built))
    monkeypatch.setenv("FAKE_NVML", str(settings))


SEEN = """
import os, sys, time
print(os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("PL_TRAINER_DEVICES"), flush=True)
while os.path.exists(sys.argv[1]):
    time.sleep(0.02)
"""


@pytest.mark.usefixtures("eight_gpus")
async def test_jobs_wait_for_gpus_in_the_order_they_came(bench: Bench, hosting: Hosting) -> None:
    """Over the host's death, which forgets neither who holds a GPU nor who waits for one."""
    (bench.root / "seen.py").write_text(SEEN)
    for name in "abc":
        (bench.root / name).touch()
    ana = await bench.attach("ana")
    async with hosting():
        await reachable(ana)
        first = await ana.run("seen.py", ["a"], devices="5,2,7")
        second = await ana.run("seen.py", ["b"], devices="4", env={"API_KEY": "abcd1234"})
        third = await ana.run("seen.py", ["c"], devices="2", secrets=[])
        whole = await ana.run("seen.py", ["none"], name="whole")
        little = await ana.run("seen.py", ["none"], devices="1", name="little")
        gone = await ana.run("seen.py", ["none"], devices="1", name="gone")
        assert first.entry.gpus == {"local": [5, 2, 7]}
        assert second.entry.gpus == {"local": [0, 1, 3, 4]}
        assert [j.entry.state for j in (third, whole, little)] == ["queued"] * 3
        held = ", ".join(sorted([first.id, second.id]))
        assert third.entry.notes == [f"waits for 2 GPUs of local; running there: {held}"]
        assert third.entry.started is None
        assert await gone.load_metrics() == {}
        with pytest.raises(StudioError, match="still queued"):
            await gone.remove()
        await gone.stop()
        assert (gone.entry.state, await gone.wait()) == ("stopped", 143)
        assert await lines(gone) == []
        await gone.remove()
        # What needs no GPU is not held up.
        assert await (await ana.run(command=["true"])).wait() == 0
        assert await (await ana.run("seen.py", ["no"], accelerator="cpu")).wait() == 0
    (bench.root / "a").unlink()
    async with hosting():
        await reachable(ana)
        reading = asyncio.create_task(lines(third))
        await state(third, "running")
        assert third.entry.gpus == {"local": [2, 5]}
        assert third.entry.notes == []
        assert whole.entry.state == little.entry.state == "queued"
        for name in "bc":
            (bench.root / name).unlink()
        for job in (first, second, third, whole, little):
            assert await job.wait() == 0
        assert await reading == ["2,5 2"]
        assert [(await lines(job))[0] for job in (first, second, whole, little)] == [
            "5,2,7 3", "0,1,3,4 4", "0,1,2,3,4,5,6,7 None", "0 1",
        ]  # fmt: skip
        assert whole.entry.started is not None
        assert little.entry.started is not None
        assert whole.entry.started <= little.entry.started


@pytest.mark.usefixtures("eight_gpus")
async def test_what_a_machine_never_has_is_refused(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "seen.py").write_text(SEEN)
    (bench.root / "a").touch()
    async with hosting():
        ana = await bench.attach("ana")
        with pytest.raises(UsageFault, match="local has 8 GPUs, and 9 were asked for"):
            await ana.run("seen.py", ["a"], devices="9")
        holder = await ana.run("seen.py", ["a"])
        with pytest.raises(NotFound, match="there is no none.py"):
            await ana.run("none.py", devices="1")
        assert len(ana.document.jobs) == 1
        await holder.stop()
        assert await (await ana.run("seen.py", ["b"], devices="8")).wait() == 0


async def test_a_machine_that_takes_one_job_at_a_time(
    bench: Bench, site: Site, supervisor: Supervisor
) -> None:
    """A job that cannot start when its turn comes has failed, and holds nobody up."""
    (bench.root / "seen.py").write_text(SEEN)
    (bench.root / "late.py").write_text(SEEN)
    (bench.root / "a").touch()
    one = replace(site, machine=Machine("local", max_jobs=1))
    async with bench.host() as parts:
        jobs = Jobs(parts.sites(one), parts.document, parts.session, STUDIO, parts.tasks, time.time)
        parts.answer(jobs.calls())
        ana = await bench.attach("ana")
        first = await ana.run("seen.py", ["a"])
        late, last = await ana.run("late.py", ["no"]), await ana.run("seen.py", ["no"])
        assert (late.entry.state, last.entry.state) == ("queued", "queued")
        (bench.root / "late.py").unlink()
        (bench.root / "a").unlink()
        assert await first.wait() == 0
        assert await late.wait() == 1
        assert late.entry.notes == [f"there is no late.py in {bench.root}"]
        assert await last.wait() == 0


VALUE = "sesame-open-1234"
TELL = """
import json, os, sys, time
value = os.environ["HF_TOKEN"]
with open(os.environ["STUDIO_METRICS"], "a") as metrics:
    values = {value: 1.0, "loss": 2}
    metrics.write(json.dumps({"event": "step", "step": 1, "values": values}) + "\\n")
    metrics.write(json.dumps({"event": "exception", "error": "bad " + value}) + "\\n")
def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()
say("it is " + value[:7])
while os.path.exists("hold"):
    time.sleep(0.02)
say(value[7:] + "!" + os.environ["MY_KEY"] + "\\n")
"""


def command_lines() -> Iterator[bytes]:
    """Of every process, as anybody on the machine can see them."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield entry.read_bytes()


async def test_a_secret_is_told_to_the_job_and_to_nobody_else(
    bench: Bench, hosting: Hosting, supervisor: Supervisor
) -> None:
    """Live, when a write is cut within it, by a host that did not start the job, and at the end."""
    secrets.save_secret("HF_TOKEN", VALUE)
    (bench.root / "tell.py").write_text(TELL)
    (bench.root / "hold").touch()
    ana, seen, key = await bench.attach("ana"), bytearray(), "open-sesame-4321"
    covered = b"it is " + b"*" * 16 + b"!" + b"*" * 16 + b"\n"

    async def read(job: Job) -> None:
        async for data in job.chunks():
            seen.extend(data)

    async with hosting():
        await reachable(ana)
        job = await ana.run(
            "tell.py", [VALUE], secrets=["HF_TOKEN"], env={"MY_KEY": key}, name=f"my {VALUE}"
        )
        reading = asyncio.create_task(read(job))
        await eventually(lambda: seen == b"it is ")
        assert key.encode() not in b"".join(command_lines())
        for file in (Path(supervisor.folder) / job.id).iterdir():
            assert key not in file.read_text()
    async with hosting():
        await reachable(ana)
        await state(job, "running")
        (bench.root / "hold").unlink()
        assert await job.wait() == 0
        await reading
        assert seen == covered
        assert list(job.metrics) == ["*" * 16, "loss"]
        everything = json.dumps(job.entry.plain())
        assert VALUE not in everything
        assert job.entry.notes == ["bad " + "*" * 16]
        for offset in range(len(covered)):
            answer = await ana.query("jobs.log", job=job.id, offset=offset, length=5)
            assert base64.b64decode(answer["data"]) == covered[offset : offset + 5]
    async with hosting():
        await reachable(ana)
        assert await lines(job) == covered.decode().splitlines()
        assert list(await job.load_metrics()) == ["*" * 16, "loss"]
        kept = paths.studio_folder(STUDIO) / "jobs" / f"{job.id}.json"
        assert kept.exists()
        await job.remove()
        assert not kept.exists()


async def test_a_secret_that_nobody_has(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        with pytest.raises(NotFound, match="no secret 'HF_TOKEN'") as raised:
            await ana.run("train.py", secrets=["HF_TOKEN"])
        assert "studio-tui secret set HF_TOKEN" in raised.value.hint
        assert len(ana.document.jobs) == 0


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
