"""One script for one device, several, or several machines: what changes, and what does not.

    python train.py                                                        one process
    PL_TRAINER_DEVICES=2 PL_TRAINER_STRATEGY=ddp python train.py           two; on CPUs, too
    studio-tui job run STUDIO --devices 4 -- train.py                      four GPUs
    studio-tui job run STUDIO -m box1,box2 --nodes 2 -- train.py           two machines

With data-parallel training every process has the whole model and its own share of each round. After
every step they agree on the mean of their gradients, so all models stay the same.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import time
import warnings

import lightning as L
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

ROWS = 8192
BATCH = 64  # of each process: with 4 processes a step sees 256 rows
RATE = 1e-3  # for one process; see configure_optimizers


class Waves(L.LightningDataModule):
    """Points in 16 dimensions, and the wave that they lie on."""

    def setup(self, stage: str) -> None:
        # The same seed in every process: all must mean the same rows, to share them out.
        points = torch.randn(ROWS, 16, generator=torch.Generator().manual_seed(1))
        self.rows = TensorDataset(points, torch.sin(points.sum(1, keepdim=True)))

    def train_dataloader(self) -> DataLoader:
        # Lightning gives each process its own share of the rows (a DistributedSampler): with
        # `use_distributed_sampler=False` in the Trainer each would go through all of them.
        return DataLoader(self.rows, batch_size=BATCH, shuffle=True)


class Model(L.LightningModule):
    """A network of three layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(16, 256), nn.GELU(), nn.Linear(256, 256), nn.GELU(), nn.Linear(256, 1)
        )

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        points, waves = batch
        loss = F.mse_loss(self.layers(points), waves)
        # sync_dist: the mean over all processes. It costs a message, so not at every step.
        self.log("train_loss", loss, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        # A step that sees n times as many rows is surer of its direction and may be larger. The
        # square root is the usual rule for Adam (with plain SGD it is n itself).
        return torch.optim.AdamW(self.parameters(), lr=RATE * self.trainer.world_size**0.5)


class Report(L.Callback):
    """Says how fast all processes are together, and whether their models are still the same."""

    def on_train_epoch_start(self, trainer: L.Trainer, model: Model) -> None:
        self.start = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, model: Model) -> None:
        seconds = time.monotonic() - self.start
        # Every process logs its lines; `print` of a model is heard from the first one only.
        model.print(
            f"epoch {trainer.current_epoch + 1}  loss {trainer.callback_metrics['train_loss']:.4f}"
            f"  {trainer.num_training_batches} steps, {ROWS / seconds:,.0f} rows/s together"
        )

    def on_train_end(self, trainer: L.Trainer, model: Model) -> None:
        weights = torch.cat([w.detach().float().flatten().cpu() for w in model.parameters()])
        mine = hashlib.sha256(weights.numpy().tobytes()).hexdigest()[:12]
        print(f"process {trainer.global_rank} of {trainer.world_size}: weights {mine}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on as many devices as there are.")
    parser.add_argument("--epochs", type=int, default=3, help="rounds through the rows (3)")
    options = parser.parse_args()

    # Lightning's advice is about large runs; here it would hide the lines that matter.
    for part in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(part).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    L.seed_everything(1, verbose=False)
    trainer = L.Trainer(
        max_epochs=options.epochs,
        callbacks=[Report()],
        logger=CSVLogger(".", name="runs"),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Model(), datamodule=Waves())
    if torch.distributed.is_initialized():
        # While all processes are here; left to the exit of each, it can end one that is late.
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
