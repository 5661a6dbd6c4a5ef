"""Pipelines on a real machine: run, left out, failed, stopped, gone on with, at their times."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from studio_tui.client.studio import Studio
from studio_tui.document.entries import PipelineEntry, ScheduleEntry
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.calls import query
from studio_tui.host.data.copies import FolderTarget
from studio_tui.host.data.data import Data
from studio_tui.host.files.folder import Folder
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.machines.sites import Site
from studio_tui.host.pipelines import pipelines as pipelines_module
from studio_tui.host.pipelines.pipelines import Pipelines
from studio_tui.host.ports import Ports
from tests.data.stores import Store
from tests.host.conftest import HELD, STUDIO, Bench, Parts, eventually, found

Hosting = Callable[[], AbstractAsyncContextManager[Parts]]

PIPELINE = """
[steps.prepare]
command = "sh -c 'tr a-z A-Z < words.txt > words.bin'"
inputs = ["words.txt"]
outputs = ["words.bin"]

[steps.train]
needs = ["prepare"]
script = "train.py"
inputs = ["*.py", "words.bin"]

[steps.good]
kind = "check"
metric = "loss"
of = "train"
below = 0.6
"""
TRAIN = """
import json, os
loss = 0.5 if open("words.bin").read() == "HELLO" else 0.9
with open(os.environ["STUDIO_METRICS"], "a") as metrics:
    for step in range(2):
        metrics.write(json.dumps({"event": "step", "step": step, "values": {"loss": loss}}) + "\\n")
"""


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hosting(bench: Bench, site: Site, clock: Clock) -> AsyncIterator[Hosting]:
    """Starts a host that has files to read, jobs and pipelines."""
    (bench.root / "pipeline.toml").write_text(PIPELINE)
    (bench.root / "train.py").write_text(TRAIN)
    (bench.root / "words.txt").write_text("hello")

    @asynccontextmanager
    async def host() -> AsyncIterator[Parts]:
        folder = Folder(found(site))
        async with bench.host() as parts:
            sites, document, session = parts.sites(site), parts.document, parts.session
            jobs = Jobs(sites, document, session, STUDIO, parts.tasks, time.time)
            pipelines = Pipelines(
                parts.calls.ask, sites, document, session, bench.state, parts.tasks, clock
            )
            ports = Ports(sites, document, session, STUDIO, parts.tasks)
            await jobs.resume()
            await ports.resume()
            await pipelines.resume()
            parts.answer([*jobs.calls(), *pipelines.calls()])
            parts.answer([query("files.read", folder.read_call)])
            parts.answer(Data(lambda: folder, parts.tasks).calls())
            parts.tasks.create_task(pipelines.keep_time())
            yield parts
        await folder.close()

    yield host
    for status in await site.supervisor.list():
        await site.supervisor.stop(status.id, grace=0)


def states(entry: PipelineEntry) -> dict[str, str]:
    return {step["name"]: step["state"] for step in entry.steps}


async def ran(studio: Studio, pipeline: Any = "pipeline.toml", **options: Any) -> PipelineEntry:
    async with asyncio.timeout(20):
        return await (await studio.pipelines.run(pipeline, **options)).wait()


async def test_steps_run_once_until_something_changes(hosting: Hosting, bench: Bench) -> None:
    async with hosting() as parts:
        ana = await bench.attach("ana")
        first = await ran(ana)
        assert states(first) == dict.fromkeys(("prepare", "train", "good"), "succeeded")
        assert (first.state, first.name, first.by) == ("succeeded", "pipeline", "ana")
        assert first.steps[2]["note"] == "loss is 0.5"
        assert {job.by for job in parts.document.jobs.values()} == {"ana"}

        told: list[dict[str, str]] = []
        runs = parts.document.pipelines
        stop = runs.observe(lambda ids: told.extend(states(runs[id]) for id in ids))
        second = await ran(ana)
        stop()
        assert states(second) == {"prepare": "cached", "train": "cached", "good": "succeeded"}
        assert {each["train"] for each in told} == {"waiting", "cached"}  # it never ran
        assert second.steps[1]["job"] == first.steps[1]["job"]

        (bench.root / "words.bin").unlink()  # what it left is gone: done again, with the same end
        assert states(await ran(ana)) == {
            "prepare": "succeeded", "train": "cached", "good": "succeeded",
        }  # fmt: skip
        (bench.root / "words.txt").write_text("bye")
        third = await ran(ana)
        assert (bench.root / "words.bin").read_text() == "BYE"
        assert states(third) == {"prepare": "succeeded", "train": "succeeded", "good": "failed"}
        assert third.steps[2]["note"] == "loss is 0.9, not below 0.6"
        assert third.state == "failed"
        (bench.root / "words.txt").write_text("hello")  # as it was, which what is left is not
        assert states(await ran(ana))["prepare"] == "succeeded"
        assert (bench.root / "words.bin").read_text() == "HELLO"
        (bench.root / "words.txt").write_text("bye")
        job = await ana.job(third.steps[1]["job"])
        await job.remove()  # a job that nobody can look at any more does not count as done
        assert states(await ran(ana))["train"] == "succeeded"


async def test_a_failure_skips_the_rest_and_tells_why(hosting: Hosting, bench: Bench) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        steps = {
            "breaks": {"command": "sh -c 'exit 3'"},
            "after": {"command": ["true"], "needs": ["breaks"]},
            "leaves": {"command": ["true"], "outputs": ["model.bin"]},
            "lacks": {"command": ["true"], "inputs": ["none/*"]},
            "odd": {"command": ["no-such-program"]},
        }
        entry = await ran(ana, {"name": "bad", "steps": steps})
        told = {step["name"]: (step["state"], step.get("note")) for step in entry.steps}
        assert told == {
            "breaks": ("failed", "exit 3"),
            "after": ("skipped", None),
            "leaves": ("failed", "it did not leave model.bin"),
            "lacks": ("failed", "inputs 'none/*' name no file"),
            "odd": ("failed", "the machine has no program no-such-program"),
        }


async def test_a_host_that_dies_is_gone_on_from(hosting: Hosting, bench: Bench) -> None:
    (bench.root / "held.py").write_text(HELD)
    (bench.root / "hold").touch()
    steps = {
        "first": {"command": ["true"]},
        "held": {"script": "held.py", "needs": ["first"]},
        "last": {"command": ["true"], "needs": ["held"]},
    }
    async with bench.person("ana") as ana:
        async with hosting() as parts:
            run = await ana.pipelines.run({"name": "long", "steps": steps})
            await eventually(lambda: "job" in run.entry.steps[1])
            assert len(parts.document.jobs) == 2
        # As if it had died before it noted which job it had begun.
        begun = run.entry
        del begun.steps[1]["job"]
        ana.document.pipelines.put(begun)
        (bench.root / "hold").unlink()
        async with hosting() as parts:
            async with asyncio.timeout(15):
                entry = await run.wait()
            assert entry.state == "succeeded"
            assert len(parts.document.jobs) == 3  # none was started twice
            kept = next(bench.state.glob(f"{run.id}.json"))
            kept.write_text("{}")
            parts.document.pipelines.put(
                PipelineEntry(**{**entry.__dict__, "state": "running", "ended": None})
            )
        async with hosting():
            await eventually(lambda: run.entry.state == "failed")


async def test_a_stop_ends_the_jobs_of_the_run(hosting: Hosting, bench: Bench) -> None:
    async with hosting() as parts:
        ana = await bench.attach("ana")
        steps = {"a": {"command": ["sleep", "60"]}, "b": {"command": ["true"], "needs": ["a"]}}
        run = await ana.pipelines.run({"steps": steps})
        await eventually(lambda: any(j.state == "running" for j in parts.document.jobs.values()))
        await run.stop()
        assert states(await run.wait()) == {"a": "stopped", "b": "skipped"}
        await eventually(lambda: all(j.state == "stopped" for j in parts.document.jobs.values()))
        with pytest.raises(NotFound, match="no pipeline"):
            await run.stop()


SERVE = """
import os
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler).serve_forever()
"""


async def test_a_server_takes_the_place_of_the_one_before(hosting: Hosting, bench: Bench) -> None:
    (bench.root / "serve.py").write_text(SERVE)
    plain = {"name": "api", "steps": {"up": {"kind": "serve", "script": "serve.py"}}}
    async with hosting() as parts:
        ana = await bench.attach("ana")
        first = await ran(ana, plain)
        assert states(first) == {"up": "serving"}
        jobs = parts.document.jobs
        port = jobs[first.steps[0]["job"]].port
        plain["steps"]["up"]["port"] = port  # type: ignore[index]
        assert states(await ran(ana, plain)) == {"up": "serving"}
        assert {job.state: job.port for job in jobs.values()} == {"stopped": port, "running": port}


DATA = """
[steps.fetch]
kind = "data"
from = "lake://{bucket}/words/"
to = "words/"

[steps.train]
needs = ["fetch"]
command = "sh -c 'cat words/* > model.ckpt'"
inputs = ["words"]
outputs = ["model.ckpt"]

[steps.back]
kind = "data"
needs = ["train"]
from = "model.ckpt"
to = "lake://{bucket}/models/"
"""


async def test_data_comes_is_used_and_goes_back(
    hosting: Hosting, bench: Bench, moto: Store
) -> None:
    moto.table("lake")
    bucket = moto.bucket()
    for key, data in (("words/a", b"one "), ("words/b/c", b"x"), ("words/d", b"two")):
        moto.put(bucket, key, data)
    (bench.root / "data.toml").write_text(DATA.format(bucket=bucket))
    names = ("fetch", "train", "back")
    async with hosting() as parts:
        ana = await bench.attach("ana")
        first = await ran(ana, "data.toml")
        assert states(first) == {"fetch": "succeeded", "train": "failed", "back": "skipped"}
        moto.client.delete_object(Bucket=bucket, Key="words/b/c")  # a folder, which cat cannot
        shutil.rmtree(bench.root / "words")
        second = await ran(ana, "data.toml")
        assert states(second) == dict.fromkeys(names, "succeeded")
        assert second.steps[0]["note"] == "2 files, 7 bytes"
        assert second.steps[2]["note"].startswith("7 bytes, tag ")
        assert moto.get(bucket, "models/model.ckpt") == b"one two"

    async with hosting() as parts:  # what was done is known over the host's life
        jobs = len(parts.document.jobs)
        third = await ran(ana, "data.toml")
        assert states(third) == dict.fromkeys(names, "cached")
        assert [step.get("note") for step in third.steps] == [s.get("note") for s in second.steps]
        assert len(parts.document.jobs) == jobs

        moto.put(bucket, "models/model.ckpt", b"of somebody else")
        assert states(await ran(ana, "data.toml")) == {
            "fetch": "cached", "train": "cached", "back": "succeeded",
        }  # fmt: skip
        moto.put(bucket, "words/d", b"ten")  # of the same size
        assert states(await ran(ana, "data.toml")) == dict.fromkeys(names, "succeeded")
        assert moto.get(bucket, "models/model.ckpt") == b"one ten"
        (bench.root / "words" / "a").unlink()
        assert states(await ran(ana, "data.toml"))["fetch"] == "succeeded"
        assert (bench.root / "words" / "a").read_bytes() == b"one "


async def test_a_folder_is_sent_when_one_of_its_files_is_another(
    hosting: Hosting, bench: Bench, moto: Store
) -> None:
    moto.table("lake")
    bucket = moto.bucket()
    (bench.root / "out" / "sub").mkdir(parents=True)
    (bench.root / "out" / "a").write_bytes(b"one")
    (bench.root / "out" / "sub" / "b").write_bytes(b"two")
    step = {"kind": "data", "from": "out/", "to": f"lake://{bucket}/all/"}
    pipeline = {"name": "sends", "steps": {"send": step}}
    async with hosting():
        ana = await bench.attach("ana")
        first = await ran(ana, pipeline)
        assert (states(first), first.steps[0]["note"]) == (
            {"send": "succeeded"}, "2 files, 6 bytes",
        )  # fmt: skip
        assert moto.get(bucket, "all/sub/b") == b"two"
        assert states(await ran(ana, pipeline)) == {"send": "cached"}
        (bench.root / "out" / "a").write_bytes(b"new")
        assert states(await ran(ana, pipeline)) == {"send": "succeeded"}
        assert moto.get(bucket, "all/a") == b"new"
        moto.client.delete_object(Bucket=bucket, Key="all/sub/b")
        assert states(await ran(ana, pipeline)) == {"send": "succeeded"}
        assert moto.get(bucket, "all/sub/b") == b"two"


async def test_a_copy_that_cannot_be_is_told(hosting: Hosting, bench: Bench, moto: Store) -> None:
    moto.table("lake")
    bucket = moto.bucket(a=b"x")
    (bench.root / "folder").mkdir()
    text = DATA.format(bucket=bucket).replace("lake://", "lane://")
    (bench.root / "data.toml").write_text(text)
    async with hosting() as parts:
        ana = await bench.attach("ana")
        with pytest.raises(UsageFault) as raised:
            await ana.pipelines.run("data.toml")
        assert raised.value.message == "data.toml:4: step fetch: there is no source of data 'lane'"
        assert raised.value.hint.startswith("did you mean 'lake'?")
        assert not parts.document.pipelines

        def copy(start: str, end: str) -> dict[str, str]:
            return {"kind": "data", "from": start, "to": end}

        steps = {
            "key": copy(f"lake://{bucket}/none", "none"),
            "bucket": copy("lake://no-such-bucket/k/", "none"),
            "sent": copy("none.ckpt", f"lake://{bucket}/m"),
            "whole": copy("folder", f"lake://{bucket}/m"),
            "over": copy(f"lake://{bucket}/a", "folder"),
        }
        entry = await ran(ana, {"name": "bad", "steps": steps})
        told = {step["name"]: (step["state"], step["note"]) for step in entry.steps}
        assert {state for state, _ in told.values()} == {"failed"}
        assert f"{bucket}/none" in told["key"][1]
        assert "no-such-bucket" in told["bucket"][1]
        assert told["sent"][1] == "there is no none.ckpt"
        assert "folder" in told["whole"][1]
        assert "folder is a folder" in told["over"][1]


async def test_a_copy_is_stopped_with_its_run_and_gone_on_with(
    hosting: Hosting, bench: Bench, moto: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each copy waits at its beginning, as by a slow network, until the test lets it go on."""
    moto.table("lake")
    bucket = moto.bucket(a=b"words")
    entered, let = threading.Semaphore(0), threading.Semaphore(0)
    begin = FolderTarget.begin

    def held(target: FolderTarget, mark: str) -> int:
        entered.release()
        assert let.acquire(timeout=20)
        return begin(target, mark)

    async def held_up() -> None:
        assert await asyncio.to_thread(entered.acquire, timeout=20)

    monkeypatch.setattr(FolderTarget, "begin", held)
    plain = {"steps": {
        "fetch": {"kind": "data", "from": f"lake://{bucket}/a", "to": "a"},
        "after": {"command": ["true"], "needs": ["fetch"]},
    }}  # fmt: skip
    async with bench.person("ana") as ana:
        async with hosting():
            stopped = await ana.pipelines.run(plain)
            await held_up()
            await stopped.stop()
            assert states(await stopped.wait()) == {"fetch": "stopped", "after": "skipped"}
            again = await ana.pipelines.run(plain)  # waits for the first to have ended
            let.release(2)
            await held_up()
            await eventually(lambda: again.entry.state == "succeeded")
            (stopped_copy, copy) = await ana.data().copies()
            assert (stopped_copy.state, copy.state) == ("stopped", "done")

            (bench.root / "a").unlink()
            half = await ana.pipelines.run(plain)
            await held_up()
            await half.stop()
            (bench.root / "a").write_bytes(b"half")  # as of a folder some files would be there
            begun = await ana.pipelines.run(plain)
            let.release()
            await held_up()
            let.release(2)
        assert begun.entry.state == "running"  # its host is gone
        async with hosting():
            await eventually(lambda: begun.entry.state != "running")
        assert states(begun.entry) == {"fetch": "succeeded", "after": "succeeded"}
        assert (bench.root / "a").read_bytes() == b"words"


async def test_what_is_wrong_is_said_before_anything_runs(hosting: Hosting, bench: Bench) -> None:
    async with hosting() as parts:
        ana, vera = await bench.attach("ana"), await bench.attach("vera", "viewer")
        (bench.root / "train.py").unlink()
        with pytest.raises(UsageFault) as raised:
            await ana.pipelines.run("pipeline.toml")
        assert raised.value.message == "pipeline.toml:9: step train: there is no train.py"
        with pytest.raises(NotFound):
            await ana.pipelines.run("none.toml")
        (bench.root / "bytes.toml").write_bytes(b"\xff\xfe")
        with pytest.raises(UsageFault, match="no text"):
            await ana.pipelines.run("bytes.toml")
        with pytest.raises(Refused):
            await vera.pipelines.run("pipeline.toml")
        with pytest.raises(UsageFault, match="has 0 steps"):
            await ana.pipelines.run({})
        assert not parts.document.jobs
        assert not parts.document.pipelines


async def test_a_time_comes_and_is_kept(hosting: Hosting, bench: Bench, clock: Clock) -> None:
    (bench.root / "daily.toml").write_text('[steps.a]\ncommand = ["true"]\n')
    async with hosting() as parts:
        ana = await bench.attach("ana")
        made = await ana.pipelines.schedule("daily.toml", "30 2 * * *")
        assert clock.now < made.next <= clock.now + 25 * 3600
        with pytest.raises(UsageFault, match="no cron line"):
            await ana.pipelines.schedule("daily.toml", "often")
        with pytest.raises(NotFound):
            await ana.pipelines.schedule("none.toml", "@daily")
    clock.now = made.next + 3600  # it passed while no host was there: the next one counts
    async with hosting() as parts:
        await eventually(lambda: parts.document.schedules["daily.toml"].next > clock.now)
        assert not parts.document.pipelines
        clock.now = parts.document.schedules["daily.toml"].next
        (bench.root / "other.toml").write_text('[steps.a]\ncommand = ["true"]\n')
        await ana.pipelines.schedule("other.toml", "@monthly")  # so that the clock is looked at
        await eventually(lambda: len(parts.document.pipelines) == 1)
        run = next(iter(parts.document.pipelines.values()))
        assert (run.path, run.by) == ("daily.toml", "ana (schedule)")
        assert parts.document.schedules["daily.toml"].next > clock.now

        (bench.root / "other.toml").write_text("[steps")
        clock.now = parts.document.schedules["other.toml"].next
        await ana.pipelines.schedule("daily.toml", "@daily")
        await eventually(lambda: "no TOML" in parts.document.schedules["other.toml"].note)
        await ana.pipelines.unschedule("other.toml")
        with pytest.raises(StudioError, match="has no time"):
            await ana.pipelines.unschedule("other.toml")


async def test_a_schedule_of_a_stranger_is_removed_when_it_is_due(
    hosting: Hosting, bench: Bench
) -> None:
    async with hosting() as parts:
        ana, schedules = await bench.attach("ana"), parts.document.schedules
        schedules.put(ScheduleEntry("none.toml", "x"))
        (bench.root / "huge.toml").write_text(f"[steps.a]\nretries = {'9' * 5000}\n")
        schedules.put(ScheduleEntry("huge.toml", "@daily"))
        await ana.pipelines.schedule("pipeline.toml", "@monthly")  # so that the clock is looked at
        await eventually(lambda: schedules["huge.toml"].next and "none.toml" not in schedules)
        assert "no TOML" in schedules["huge.toml"].note


async def test_a_disk_that_fails_at_the_time_is_noted(
    hosting: Hosting, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines_module, "RUNS", 1)
    (bench.root / "daily.toml").write_text('[steps.a]\ncommand = ["true"]\n')
    async with hosting() as parts:
        ana, schedules = await bench.attach("ana"), parts.document.schedules
        for n, id in enumerate(("older", "old")):
            parts.document.pipelines.put(PipelineEntry(id, state="failed", started=n))
        (bench.state / "older.json").mkdir(parents=True)  # which no removal of a file removes
        schedules.put(ScheduleEntry("daily.toml", "@daily"))
        await ana.pipelines.schedule("pipeline.toml", "@monthly")
        await eventually(lambda: schedules["daily.toml"].note)


async def test_ids_of_a_stranger_lead_to_no_other_file(
    hosting: Hosting, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines_module, "RUNS", 1)
    mine = tmp_path / "mine"
    mine.with_suffix(".json").write_text("{}")
    plain = {"steps": {"a": {"command": ["true"], "inputs": ["words.txt"]}}}
    async with hosting() as parts:
        ana = await bench.attach("ana")
        await ran(ana, plain)
        for id in (str(mine), os.path.relpath(mine, bench.state), "done", "what-is-done"):
            parts.document.pipelines.put(PipelineEntry(id, state="failed"))
        assert states(await ran(ana, plain)) == {"a": "cached"}
        assert len(parts.document.pipelines) == 2
    assert mine.with_suffix(".json").exists()
