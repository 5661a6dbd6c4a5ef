"""Fetches its data from a bucket, trains, and puts the checkpoint back.

    python train.py --make                          a folder, ./data, stands in for a bucket
    python train.py --data s3://my-bucket/houses --make
    python train.py --data s3://my-bucket/houses    again: what is in the cache is not fetched

--make writes the example's data there first; leave it out for data of your own, see README.md.
"""

from __future__ import annotations

import argparse
import csv
import logging
import random
import warnings
from pathlib import Path

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from storage import CACHE, dataset, publish, store

CHECKPOINT = Path("checkpoints/model.ckpt")


class Model(L.LightningModule):
    """Predicts the last column from the others; its checkpoint tells what it was trained on."""

    def __init__(self, columns: int, data: str) -> None:
        super().__init__()
        self.save_hyperparameters()  # `data` among them: the manifest's sum
        self.layers = nn.Sequential(nn.Linear(columns, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.layers(rows).squeeze(1)

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        rows, answers = batch
        loss = F.mse_loss(self(rows), answers)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def make() -> list[Path]:
    """Write two files of rows a, b, answer, where answer = a * b."""
    CACHE.mkdir(exist_ok=True)
    chance = random.Random(1)
    files = [CACHE / "part-0.csv", CACHE / "part-1.csv"]
    for file in files:
        rows = [(chance.uniform(-1, 1), chance.uniform(-1, 1)) for _ in range(500)]
        file.write_text("".join(f"{a:.4f},{b:.4f},{a * b:.4f}\n" for a, b in rows))
    return files


def table(files: list[Path]) -> TensorDataset:
    """Return all rows of all files: the columns, and the last one."""
    lines = [line for file in files for line in file.read_text().splitlines()]
    numbers = torch.tensor([[float(cell) for cell in row] for row in csv.reader(lines)])
    return TensorDataset(numbers[:, :-1], numbers[:, -1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on data of a bucket.")
    parser.add_argument("--data", default="data", metavar="PLACE", help="a folder, or s3://...")
    parser.add_argument("--make", action="store_true", help="write the example's data there first")
    options = parser.parse_args()

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    L.seed_everything(1, verbose=False)

    place = store(options.data)
    if options.make:
        publish(place, make())
    files, digest = dataset(place)
    rows = table(files)
    model = Model(len(rows[0][0]), digest)
    trainer = L.Trainer(
        max_epochs=10,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, DataLoader(rows, batch_size=32, shuffle=True))
    trainer.save_checkpoint(CHECKPOINT)
    if trainer.is_global_zero:  # of several processes, one puts it back
        place.keep(CHECKPOINT, CHECKPOINT.as_posix())
    loss = trainer.callback_metrics["train_loss"]
    model.print(f"loss {loss:.4f} on {len(rows)} rows; {CHECKPOINT} is in {options.data}")


if __name__ == "__main__":
    main()
