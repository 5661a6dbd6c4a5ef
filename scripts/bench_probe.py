"""What the Lightning probe costs a training of about a millisecond a step.

    python scripts/bench_probe.py [--steps N] [--runs N]

Two figures: the share of the training's time that passes inside the probe's own hooks, which no
noise of the machine disturbs, and the whole time with and without it, run in turns. The same with
/dev/full as the file to write to, which is what a full disk looks like.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROBE = Path(__file__).parents[1] / "studio_tui" / "payload" / "lightning"
TRAIN = """
import json, logging, os, sys, time, warnings
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
sys.path.insert(0, sys.argv[2])
import lightning as L, torch, studio_probe

spent = 0.0

def timed(method):
    def hook(*args, **kwargs):
        global spent
        begun = time.perf_counter()
        try:
            return method(*args, **kwargs)
        finally:
            spent += time.perf_counter() - begun
    return hook

for name in [n for n in vars(studio_probe.Probe) if n.startswith("on_")]:
    setattr(studio_probe.Probe, name, timed(getattr(studio_probe.Probe, name)))

class Model(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 64)
    def training_step(self, batch, index):
        loss = self.layer(batch).square().mean()
        self.log("train_loss", loss)
        self.log("again", loss * 2)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

torch.set_num_threads(1)
steps = int(sys.argv[1])
data = torch.utils.data.DataLoader(torch.randn(steps * 8, 64), batch_size=8)
trainer = L.Trainer(max_epochs=1, logger=False, enable_checkpointing=False, accelerator="cpu",
    enable_progress_bar=False, enable_model_summary=False, callbacks=studio_probe.for_lightning())
begun = time.perf_counter()
trainer.fit(Model(), data)
print(json.dumps({"seconds": time.perf_counter() - begun, "spent": spent}))
"""


def train(steps: int, metrics: str | None) -> dict[str, float]:
    """One training in a process of its own."""
    env = {k: v for k, v in os.environ.items() if k != "STUDIO_METRICS"}
    env |= {"STUDIO_METRICS": metrics} if metrics else {}
    argv = [sys.executable, "-c", TRAIN, str(steps), str(PROBE)]
    done = subprocess.run(argv, env=env, capture_output=True, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sheet = f"{folder}/metrics"
        ways = {"without the probe": None, "with it": sheet, "on a full disk": "/dev/full"}
        found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(args.runs):
            for way, metrics in ways.items():
                found[way].append(train(args.steps, metrics))
        rows = Path(sheet).read_bytes().count(b"\n") / args.runs
    print(f"{args.steps} steps, {args.runs} runs, {rows:.0f} rows a run; medians")
    for way, runs in found.items():
        step = statistics.median(run["seconds"] for run in runs) / args.steps * 1e3
        share = statistics.median(run["spent"] / run["seconds"] for run in runs)
        print(f"{way:20} {step:7.3f} ms a step, {share:6.2%} of it in the probe's hooks")


if __name__ == "__main__":
    main()
