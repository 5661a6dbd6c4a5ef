"""A real training, its script untouched: its curves arrive, its settings are those asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from studio_tui.jobs.launch import JobState, Supervisor
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.plan import plan
from studio_tui.jobs.ranks import RankBoard
from studio_tui.jobs.spec import JobSpec
from studio_tui.jobs.watch import Follower, MetricRows

pytest.importorskip("lightning", reason="lightning is not installed")
pytestmark = [pytest.mark.train, pytest.mark.timeout(90)]

TRAINER = """
import sys, time
import lightning as L
from lightning.pytorch.demos.boring_classes import BoringModel

class Model(BoringModel):
    def training_step(self, batch, index):
        out = super().training_step(batch, index)
        self.log("train_loss", out["loss"], on_step=True, on_epoch=True)
        time.sleep(float(sys.argv[1]))
        return out
    def validation_step(self, batch, index):
        out = super().validation_step(batch, index)
        self.log("val_loss", out["x"])
        return out

trainer = L.Trainer(max_epochs=2, limit_val_batches=2, accelerator="cpu", logger=False,
                    enable_checkpointing=False, enable_progress_bar=False)
trainer.fit(Model())
print("precision", trainer.precision)
"""

FABRIC = """
import torch
from lightning.fabric import Fabric
fabric = Fabric(accelerator="cpu")
fabric.launch()
model = torch.nn.Linear(4, 1)
model, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), 0.1))
for step in range(30):
    loss = model(torch.ones(2, 4)).pow(2).mean()
    fabric.backward(loss)
    optimizer.step(); optimizer.zero_grad()
    fabric.log("loss", loss, step=step)
print("world", fabric.world_size)
"""


async def start(supervisor: Supervisor, studio: Path, source: str, spec: JobSpec) -> None:
    (studio / spec.script).write_text(source)
    made = plan(
        spec,
        job_id="j",
        cwd=str(studio),
        payload=supervisor.payload,
        default_python=sys.executable,
    )
    await supervisor.start(made)


async def metrics_of(supervisor: Supervisor) -> tuple[Metrics, str]:
    """What the whole run told, and its log."""
    metrics = Metrics()
    async for event in Follower(supervisor, "j").events():
        if isinstance(event, MetricRows):
            metrics.feed(event.data)
    return metrics, (await supervisor.read("j", "log", 0, 1 << 20)).data.decode()


async def test_an_unchanged_script_tells_its_curves(supervisor: Supervisor, studio: Path) -> None:
    spec = JobSpec(script="train.py", args=("0",), precision="bf16", max_steps=100)
    await start(supervisor, studio, TRAINER, spec)
    metrics, log = await metrics_of(supervisor)
    assert (await supervisor.status("j")).state is JobState.SUCCEEDED, log
    assert "precision bf16-mixed" in log
    assert "GPU available: " in log  # Lightning speaks, but not of how it was listened to
    assert "from entry point" not in log
    assert metrics.run is not None
    assert (metrics.run.precision, metrics.run.max_steps) == ("bf16-mixed", 100)
    assert metrics.notes(spec) == ()
    curves = metrics.curves()
    assert {"train_loss", "train_loss_epoch", "val_loss", "lr", "steps_per_second"} <= set(curves)
    assert "train_loss_step" not in curves
    assert curves["train_loss"][-1][0] == 100  # the last step, however fast the training
    assert [at for at, _ in curves["val_loss"]] == [64]
    assert (metrics.total, metrics.progress) == (100, 1.0)


async def test_a_stopped_training_is_stopped(supervisor: Supervisor, studio: Path) -> None:
    spec = JobSpec(script="train.py", args=("0.05",))
    await start(supervisor, studio, TRAINER, spec)
    async for event in Follower(supervisor, "j").events():
        if isinstance(event, MetricRows) and b'"train_loss"' in event.data:
            break
    ended = await supervisor.stop("j", grace=20)
    assert ended.state is JobState.STOPPED
    assert ended.exit_code in (0, 143)  # Lightning itself ends with 0
    metrics, _ = await metrics_of(supervisor)
    assert metrics.error.startswith("SIGTERMException")
    assert metrics.curves()["train_loss"][-1][0] == metrics.step


async def test_fabric_is_heard_too(supervisor: Supervisor, studio: Path) -> None:
    spec = JobSpec(script="fab.py", precision="bf16-true", devices="1")
    await start(supervisor, studio, FABRIC, spec)
    metrics, log = await metrics_of(supervisor)
    assert "world 1" in log
    assert "from entry point" not in log
    assert metrics.run is not None
    assert metrics.notes(spec) == ()
    assert metrics.run.precision == "bf16-true"
    steps = [at for at, _ in metrics.curves()["loss"]]
    assert (steps[0], steps[-1]) == (0, 29)


RESUMED = """
import hashlib, os, signal, sys, torch
import lightning as L
from lightning.pytorch.demos.boring_classes import BoringModel

def weights(model):
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters()))

class Model(BoringModel):
    def training_step(self, batch, index):
        out = super().training_step(batch, index)
        self.log("loss", out["loss"])
        if self.global_step == 100 and os.environ["STUDIO_ATTEMPT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)
        return out
    def on_save_checkpoint(self, checkpoint):
        print("saved", self.global_step, weights(self).hexdigest(), flush=True)
    def on_train_start(self):
        print("began", self.global_step, weights(self).hexdigest(), flush=True)

L.Trainer(max_epochs=3, limit_val_batches=0, accelerator="cpu", logger=False,
          enable_progress_bar=False).fit(Model())
"""


async def test_a_killed_training_goes_on_from_its_checkpoint(
    supervisor: Supervisor, studio: Path
) -> None:
    """The script knows of nothing; the same step, the same weights."""
    spec = JobSpec(script="train.py", retries=1)
    await start(supervisor, studio, RESUMED, spec)
    metrics, log = await metrics_of(supervisor)
    assert (await supervisor.status("j")).state is JobState.SUCCEEDED, log
    told = [line.split() for line in log.splitlines() if line.startswith(("began", "saved"))]
    saved = [words[1:] for words in told if words[0] == "saved"]
    began = [words[1:] for words in told if words[0] == "began"]
    assert [words[0] for words in began] == ["0", "64"]
    assert began[1] == saved[0]
    assert [words[0] for words in saved] == ["64", "128", "192"]
    assert metrics.step == 192
    assert metrics.notes(spec) == ("attempt 2 after exit code 137",)


async def test_two_processes_on_one_machine(supervisor: Supervisor, studio: Path) -> None:
    """The script fixes no devices: it is told to take two, and rank 0 alone tells the curves."""
    # In one write each: the two would put their words between each other's.
    told = 'print(f"rank {trainer.global_rank} of {trainer.world_size}\\n", end="")\n'
    source = TRAINER + told
    spec = JobSpec(
        script="train.py", args=("0",), devices="2", strategy="ddp", precision="bf16-mixed",
        max_steps=20,
    )  # fmt: skip
    await start(supervisor, studio, source, spec)
    metrics, log = await metrics_of(supervisor)
    assert (await supervisor.status("j")).state is JobState.SUCCEEDED, log
    assert {"rank 0 of 2", "rank 1 of 2"} <= set(log.splitlines())
    assert metrics.run is not None
    assert (metrics.run.devices, metrics.run.world) == (2, 2)
    board = RankBoard()
    board.feed((await supervisor.read("j", "metrics", 0, 1 << 20)).data, "box")
    assert [rank["rank"] for rank in board.told(0.0)] == [0, 1]
    assert metrics.notes(spec) == ()
    assert metrics.curves()["train_loss"][-1][0] == 20


LISTED = """
import os, signal, torch
from lightning.fabric import Fabric
fabric = Fabric(accelerator="cpu", devices=1)
model = torch.nn.Linear(4, 1)
model, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), 0.1))
state = {"model": model, "optimizer": optimizer, "step": 0}
if path := os.environ.get("STUDIO_RESUME"):
    fabric.load(path, state)
print("began", state["step"], flush=True)
for step in range(state["step"], 30):
    fabric.backward(model(torch.ones(2, 4)).pow(2).mean())
    optimizer.step(); optimizer.zero_grad()
    state["step"] = step + 1
    if state["step"] % 10 == 0:
        fabric.save(f"step {state['step']}.ckpt", state)
    if step == 24 and os.environ["STUDIO_ATTEMPT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_what_fabric_saves_is_found_by_the_next_attempt(
    supervisor: Supervisor, studio: Path
) -> None:
    await start(supervisor, studio, LISTED, JobSpec(script="fab.py", retries=1))
    _, log = await metrics_of(supervisor)
    assert (await supervisor.status("j")).state is JobState.SUCCEEDED, log
    assert [line for line in log.splitlines() if line.startswith("began")] == [
        "began 0",
        "began 20",
    ]
