"""Tells circles, squares and triangles apart in noisy pictures.

    python train.py                five rounds through the pictures, seconds on two CPU cores
    python train.py --epochs 10    more rounds

Nothing below chooses a device, a number of devices or a precision: Lightning takes those from the
machine, and from PL_TRAINER_* variables.
"""

from __future__ import annotations

import argparse
import logging
import warnings

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.nn import functional as F

from data import SHAPES, Shapes

RATE = 1e-3  # how large a change may be: too small is slow, too large forgets


class Classifier(L.LightningModule):
    """A convolutional network: small filters look for edges, later ones for what edges make."""

    def __init__(self, rate: float = RATE) -> None:
        super().__init__()
        self.save_hyperparameters()  # so that a checkpoint knows how it was made
        self.look = nn.Sequential(
            *self._stage(1, 16),  # 32 x 32 pixels become 16 x 16 places,
            *self._stage(16, 32),  # then 8 x 8,
            *self._stage(32, 64),  # then 4 x 4: fewer places, more said about each
        )
        # The mean over all places: a circle is a circle wherever it stands.
        self.decide = nn.Linear(64, len(SHAPES))

    @staticmethod
    def _stage(seen: int, found: int) -> list[nn.Module]:
        # Batch normalisation keeps numbers in a range in which learning is fast.
        convolution = nn.Conv2d(seen, found, 3, padding=1)
        return [convolution, nn.BatchNorm2d(found), nn.ReLU(), nn.MaxPool2d(2)]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return a score for each shape: batch x 1 x 32 x 32 -> batch x 3."""
        return self.decide(self.look(pictures).mean((2, 3)))

    def _judge(self, batch: list[torch.Tensor], name: str) -> torch.Tensor:
        pictures, labels = batch
        scores = self(pictures)
        loss = F.cross_entropy(scores, labels)
        right = (scores.argmax(1) == labels).float().mean()
        # The loss is what is made small; accuracy is what a person wants to know.
        self.log_dict({f"{name}_loss": loss, f"{name}_accuracy": right}, sync_dist=name == "val")
        return loss

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        return self._judge(batch, "train")

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        self._judge(batch, "val")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.rate)


class Report(L.Callback):
    """Prints a line after every round."""

    def on_validation_epoch_end(self, trainer: L.Trainer, model: L.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        seen = trainer.callback_metrics
        model.print(
            f"epoch {trainer.current_epoch + 1:2d}  loss {seen['val_loss']:.3f}"
            f"  right {seen['val_accuracy']:.1%} of unseen pictures"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a network to tell shapes apart.")
    parser.add_argument("--epochs", type=int, default=5, help="rounds through the pictures (5)")
    options = parser.parse_args()

    # Lightning's advice is about large runs; here it would hide the lines that matter.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    L.seed_everything(1, verbose=False)

    # The checkpoint kept is the one that did best on unseen pictures, not the last.
    best = ModelCheckpoint("checkpoints", "best", monitor="val_loss", enable_version_counter=False)
    trainer = L.Trainer(
        max_epochs=options.epochs,
        callbacks=[best, Report()],
        logger=CSVLogger(".", name="runs"),
        log_every_n_steps=5,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Classifier(), datamodule=Shapes())


if __name__ == "__main__":
    main()
