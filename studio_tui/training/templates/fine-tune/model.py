"""A reader of signs in two parts: one that sees, and one that names what was seen."""

from __future__ import annotations

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F


class Reader(L.LightningModule):
    """Args:
    names: how many signs there are to tell apart.
    rate: how large a change may be.
    """

    def __init__(self, names: int, rate: float = 3e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.see = nn.Sequential(
            *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(64 * 4 * 4, 64), nn.ReLU()),
        )
        self.name = nn.Linear(64, names)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return a score for each name: batch x 1 x 16 x 16 -> batch x names."""
        return self.name(self.see(pictures))

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        loss = F.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        right = (self(batch[0]).argmax(1) == batch[1]).float().mean()
        self.log("val_accuracy", right, sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        # Only what may change: the rest is frozen, and needs no optimizer state.
        free = [weights for weights in self.parameters() if weights.requires_grad]
        return torch.optim.AdamW(free, lr=self.hparams.rate)
