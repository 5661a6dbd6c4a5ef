"""Two runs in figures."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from typing import TYPE_CHECKING

import pytest

from studio_tui.client.compare import Line, Metric, lines, summary
from studio_tui.document.entries import JobEntry
from studio_tui.errors import NotFound

if TYPE_CHECKING:
    from .conftest import Hosted

FULL = JobEntry(
    "j1", "full", "succeeded", "box", precision="32-true", started=100.0, ended=160.0, cost=0.5
)
CURVES = {
    "train_loss": [(0, 4.0), (10, 1.5), (20, 2.0), (30, math.nan)],
    "acc": [(20, 0.9), (30, 0.8)],
    "steps_per_second": [(0, 1.0), (10, 9.0), (20, 10.0)],
    "peak_memory_gib": [(0, 1.0), (10, 3.5), (20, 3.25)],
    "empty": [(0, math.inf)],
    "epoch": [(20, 1.0)],
}


def test_what_a_run_came_to() -> None:
    told = summary(FULL, CURVES)
    assert (told.steps, told.seconds, told.cost) == (30, 60.0, 0.5)
    assert (told.steps_per_second, told.peak_memory_gib) == (9.0, 3.5)
    assert told.metrics == {
        "acc": Metric(0.8, 0.9, 30, 2),
        "train_loss": Metric(2.0, 1.5, 20, 3),
    }
    assert json.loads(json.dumps(told.plain()))["metrics"]["acc"]["best"] == 0.9


def test_a_run_that_goes_on_took_so_far_and_has_the_precision_that_lightning_told() -> None:
    entry = JobEntry("j1", "mlp", "running", "box", started=100.0)
    told = summary(entry, {}, "32-true", now=107.5)
    assert (told.seconds, told.precision) == (7.5, "32-true")
    assert summary(FULL, {}, "", now=900.0).seconds == 60.0
    assert summary(FULL, {}, "16-mixed").precision == "16-mixed"
    assert summary(JobEntry("j2", "queued"), {}, now=1.0).seconds is None


def test_lines_say_what_changed_and_leave_out_what_nobody_knows() -> None:
    a = summary(FULL, CURVES)
    b = summary(JobEntry("j2", "mixed", "running", "box"), {"train_loss": [(10, 1.0)]})
    found = {line.what: line for line in lines(a, b)}
    assert found["train_loss"] == Line("train_loss", 2.0, 1.0, -0.5)
    assert found["train_loss, best"].change == pytest.approx(-1 / 3)
    assert found["seconds"] == Line("seconds", 60.0, None, None)
    assert found["precision"] == Line("precision", "32-true", None)
    assert "devices" not in found
    empty = summary(JobEntry("j3", "none", "queued", ""), {})
    assert [line.what for line in lines(empty, empty)] == ["state"]


TRAIN = """
import json, os, sys
with open(os.environ["STUDIO_METRICS"], "a") as file:
    file.write(json.dumps({"event": "start", "precision": "32-true"}) + "\\n")
    for step in range(3):
        row = {"event": "step", "step": step, "values": {"loss": float(sys.argv[1]) / (step + 1)}}
        file.write(json.dumps(row) + "\\n")
"""


async def test_two_real_jobs_and_a_file(hosted: Hosted) -> None:
    (hosted.folder / "train.py").write_text(TRAIN)
    logs = hosted.folder / "lightning_logs"
    logs.mkdir(exist_ok=True)
    (logs / "metrics.csv").write_text("step,loss\n1,3.0\n2,0.25\n")
    async with hosted.attach() as studio:
        for name, start in (("a", "3"), ("b", "6")):
            assert await (await studio.run("train.py", [start], name=name)).wait() == 0
        one, other = await studio.compare("a", "b")
        assert (one.metrics["loss"].last, other.metrics["loss"].last) == (1.0, 2.0)
        assert (one.precision, other.precision) == ("32-true", "32-true")
        assert one.seconds is not None
        _, filed = await studio.compare("a", "lightning_logs/metrics.csv")
        assert filed.metrics["loss"] == Metric(0.25, 0.25, 2, 2)
        with pytest.raises(NotFound):
            await studio.compare("a", "nowhere/metrics.csv")


LEARN = """
import lightning as L
from lightning.pytorch.demos.boring_classes import BoringModel

class Model(BoringModel):
    def training_step(self, batch, index):
        out = super().training_step(batch, index)
        self.log("train_loss", out["loss"])
        return out

L.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
    limit_val_batches=0).fit(Model())
"""


@pytest.mark.timeout(120)
async def test_a_few_steps_in_each_precision(hosted: Hosted) -> None:
    pytest.importorskip("lightning", reason="lightning is not installed")
    (hosted.folder / "learn.py").write_text(LEARN)
    async with hosted.attach() as studio:
        found = await studio.probe(
            "learn.py", precisions=["32-true", "bf16-true"], max_steps=3, python=sys.executable
        )
    assert [(run.precision, run.state, run.steps) for run in found] == [
        ("32-true", "succeeded", 3),
        ("bf16-true", "succeeded", 3),
    ]
    for run in found:
        assert run.metrics["train_loss"].points > 0
        assert run.peak_memory_gib is not None
        assert run.notes == []


async def test_a_probe_that_is_given_up_stops_its_job(hosted: Hosted) -> None:
    (hosted.folder / "wait.py").write_text("import time; time.sleep(60)\n")
    async with hosted.attach() as studio:
        before = set(studio.document.jobs)
        task = asyncio.create_task(studio.probe("wait.py"))
        jobs = studio.document.jobs
        await studio.until(lambda: any(jobs[j].state == "running" for j in set(jobs) - before))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (job,) = set(jobs) - before
        await studio.until(lambda: jobs[job].over)
        assert jobs[job].state == "stopped"
