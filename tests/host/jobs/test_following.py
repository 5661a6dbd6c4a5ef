"""Jobs on several machines, which are folders here: real torchrun, real gloo, one host."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from studio_tui.client.job import Job
from studio_tui.client.studio import Studio
from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.jobs import crew as crew_module
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.machines.sites import Site
from studio_tui.jobs import meeting
from studio_tui.jobs.launch import Supervisor
from studio_tui.jobs.meeting import Post, Whereabouts
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from tests.host.conftest import STUDIO, Bench

pytest.importorskip("torch", reason="torch is not installed")
pytestmark = pytest.mark.timeout(150)

Hosting = Callable[[], AbstractAsyncContextManager[Jobs]]

REDUCE = """
import os, sys, time
import torch
import torch.distributed as dist
dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
print("sum", int(total), "of", dist.get_world_size(), "attempt", os.environ["STUDIO_ATTEMPT"])
open("up", "w").close()
if dist.get_rank() == 1 and os.path.exists("code"):
    sys.exit(int(open("code").read()))
while os.path.exists("hold"):
    time.sleep(0.05)
dist.barrier()
dist.destroy_process_group()
"""

TRAIN = """
import hashlib, os, signal, sys
import lightning as L
from lightning.pytorch.demos.boring_classes import BoringModel

def weights(model):
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters()))

class Model(BoringModel):
    def training_step(self, batch, index):
        out = super().training_step(batch, index)
        self.log("loss", out["loss"])
        if self.global_step == 40 and self.global_rank == 1 and os.environ["STUDIO_ATTEMPT"] == "0":
            os.killpg(0, signal.SIGKILL)
        return out
    def on_save_checkpoint(self, checkpoint):
        if self.global_rank == 0:
            print("saved", self.global_step, weights(self).hexdigest(), flush=True)
    def on_train_start(self):
        print("began", self.global_step, weights(self).hexdigest(), flush=True)

trainer = L.Trainer(max_epochs=2, limit_val_batches=0, accelerator="cpu", logger=False,
                    enable_progress_bar=False)
trainer.fit(Model())
print("world", trainer.world_size, trainer.num_nodes)
"""


@pytest.fixture
async def boxes(site: Site, tmp_path: Path) -> AsyncIterator[list[Site]]:
    """Two machines, each with a root and a studio's folder of its own."""
    made = []
    for name in ("box1", "box2"):
        connection = LocalConnection(tmp_path / name)
        folder = tmp_path / f"project on {name}"
        folder.mkdir()
        (folder / "reduce.py").write_text(REDUCE)
        (folder / "train.py").write_text(TRAIN)
        made.append(
            replace(
                site,
                machine=Machine(name),
                connection=connection,
                folder=str(folder),
                payload=await install(connection),
            )  # fmt: skip
        )
    yield made
    for box in made:
        await box.connection.close()
        supervisor = Supervisor(LocalConnection(box.connection.root), box.payload)
        for status in await supervisor.list():
            await supervisor.stop(status.id, grace=0)


@pytest.fixture
def hosting(bench: Bench, site: Site, boxes: list[Site]) -> Hosting:
    """Starts a host that has jobs and three machines."""

    @asynccontextmanager
    async def host() -> AsyncIterator[Jobs]:
        async with bench.host() as parts:
            jobs = Jobs(
                parts.sites(site, *boxes), parts.document, parts.session, STUDIO, parts.tasks,
                time.time,
            )  # fmt: skip
            await jobs.resume()
            parts.answer(jobs.calls())
            yield jobs

    return host


async def reachable(person: Studio) -> None:
    async with asyncio.timeout(20):
        await person.until(lambda: person.reachable)


async def eventually(done: Callable[[], object]) -> None:
    """Wait until `done()`; torch takes its time to begin."""
    async with asyncio.timeout(120):
        while not done():
            await asyncio.sleep(0.05)


async def lines(job: Job) -> list[str]:
    return [line async for line in job.logs()]


def files(boxes: list[Site], name: str) -> list[Path]:
    return [Path(box.folder) / name for box in boxes]


async def test_two_nodes_find_each_other_and_their_log_is_one(
    bench: Bench, hosting: Hosting, boxes: list[Site]
) -> None:
    """Two processes on each, a host that dies in between, and every line once."""
    for file in files(boxes, "hold"):
        file.touch()
    ana = await bench.attach("ana")
    async with hosting():
        await reachable(ana)
        job = await ana.run("reduce.py", machine="box1,box2", devices="2")
        assert (job.entry.machine, job.entry.nodes) == ("box1,box2", 2)
        reading = asyncio.create_task(lines(job))
        await eventually(lambda: all(file.exists() for file in files(boxes, "up")))
    for file in files(boxes, "hold"):
        file.unlink()
    async with hosting():
        await reachable(ana)
        assert await job.wait() == 0
        told = await reading
        sums = sorted(line for line in told if "sum" in line)
        assert sums == [f"[rank{n}]: sum 10 of 4 attempt 0" for n in range(4)]
        assert all(line.startswith(("[rank", "[box1]: ", "[box2]: ")) for line in told)
        assert await lines(job) == told
    async with hosting():
        await reachable(ana)
        assert await lines(job) == told
        await job.remove()
    assert [await box.supervisor.list() for box in boxes] == [[], []]


async def test_a_stop_ends_all(bench: Bench, hosting: Hosting, boxes: list[Site]) -> None:
    for file in files(boxes, "hold"):
        file.touch()
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("reduce.py", machine="box1,box2", retries=3)
        await eventually(lambda: any(file.exists() for file in files(boxes, "up")))
        await job.stop()
        assert await job.wait() in (1, 143)
        assert job.entry.state == "stopped"
        for box in boxes:
            (status,) = await box.supervisor.list()
            assert status.state == "stopped"


async def test_a_training_whose_node_was_killed_goes_on(
    bench: Bench, hosting: Hosting, boxes: list[Site]
) -> None:
    """Again on both, from the checkpoint that one of them wrote: same step, same weights."""
    pytest.importorskip("lightning", reason="lightning is not installed")
    async with hosting():
        ana = await bench.attach("ana")
        job = await ana.run("train.py", machine="box1,box2", nodes=2, retries=1)
        code = await job.wait()
        told = await lines(job)
        assert code == 0, told
        said = [line.split()[1:] for line in told if ": began" in line or ": saved" in line]
        began = [words[1:] for words in said if words[0] == "began"]
        saved = [words[1:] for words in said if words[0] == "saved"]
        assert [words[0] for words in began] == ["0", "0", "32", "32"]
        assert began[2] == began[3] == saved[0]
        assert sum("world 2 2" in line for line in told) == 2
        assert sorted(job.metrics) != []
        assert job.metrics["loss"][-1][0] == 64
        (note,) = [note for note in job.entry.notes if note.startswith("run again: ")]
        assert "first, from " in note


async def test_the_first_rank_that_fails_ends_the_others(
    bench: Bench, hosting: Hosting, boxes: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a first try in which somebody else had the port."""
    for file in files(boxes, "hold"):
        file.touch()
    for file in files(boxes, "code"):
        file.write_text("7")
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        taken, asked = other.getsockname()[1], []

        def first_taken(nodes: list[Whereabouts]) -> list[Post]:
            asked.append(nodes)
            found = meeting.posts(nodes)
            return [replace(post, port=taken) for post in found] if len(asked) == 1 else found

        monkeypatch.setattr(crew_module, "posts", first_taken)
        async with hosting():
            ana = await bench.attach("ana")
            job = await ana.run("reduce.py", machine="box1,box2")
            assert await job.wait() == 1  # torchrun's own code for a rank that failed
            assert job.entry.state == "failed"
            again, first = job.entry.notes
            assert again == "run again: its port was taken"
            assert first in ("box1 ended with 1 first", "box2 ended with 1 first")
            assert any("exitcode" in line and "7" in line for line in await lines(job))
            for box in boxes:
                assert all(status.state.ended for status in await box.supervisor.list())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"machine": "box1,box1"}, "box1 is named twice"),
        ({"machine": "box1,box2", "nodes": 3}, "2 machines for 3 nodes: box1, box2"),
        ({"machine": "box1,box2", "nodes": 1}, "2 machines for 1 node: box1, box2"),
        ({"nodes": 2}, "1 machine for 2 nodes: local"),
        ({"machine": "box1,box2", "command": ["true"], "script": ""}, "only a script can run"),
        ({"machine": "box1,box2", "nodes": 65}, "nodes is 65"),
        ({"machine": "box1,moon"}, "no machine 'moon'"),
        ({"machine": "box1,"}, "no machine ''"),
        ({"machine": "box1,box2", "script": "none.py"}, "box1: there is no none.py"),
    ],
)
async def test_what_cannot_run_on_many_nodes(
    bench: Bench, hosting: Hosting, boxes: list[Site], params: dict[str, object], message: str
) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        with pytest.raises(StudioError, match=message) as raised:
            await ana.command("jobs.run", **{"script": "reduce.py", **params})
        assert raised.value.hint
        assert len(ana.document.jobs) == 0
        assert [await box.supervisor.list() for box in boxes] == [[], []]


async def test_a_node_whose_python_has_no_torch(
    bench: Bench, hosting: Hosting, boxes: list[Site]
) -> None:
    bare = Path(boxes[1].folder) / ".venv" / "bin" / "python"
    bare.parent.mkdir(parents=True)
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    async with hosting():
        ana = await bench.attach("ana")
        with pytest.raises(StudioError) as raised:
            await ana.run("reduce.py", machine="box1,box2")
        assert raised.value.message == (
            f"box2: {bare} has no torch, which reduce.py needs on many nodes"
        )
        assert not isinstance(raised.value, UsageFault)
        assert [await box.supervisor.list() for box in boxes] == [[], []]
