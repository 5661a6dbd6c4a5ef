"""A model that learns a shape from points: whether a place is inside a ring.

    python model.py                seconds on two CPU cores; writes checkpoints/ring.ckpt

Serving is what this folder is about, so the model is as small as a real one can be.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

CHECKPOINT = Path("checkpoints/ring.ckpt")
POINTS = 3000


class Ring(L.LightningModule):
    """Scores places; above 0 it takes them to be inside."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU())
        self.score = nn.Linear(32, 1)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """Return scores: batch x 2 -> batch."""
        return self.score(self.layers(places)).squeeze(-1)

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        places, inside = batch
        loss = F.binary_cross_entropy_with_logits(self(places), inside)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-2)

    @torch.no_grad()
    def chances(self, places: list[list[float]]) -> list[float]:
        """Return how sure it is, from 0 to 1, that each place is inside."""
        return torch.sigmoid(self(torch.tensor(places, device=self.device))).tolist()


def points() -> TensorDataset:
    """Places from -1.5 to 1.5, and whether each is between 0.5 and 1 from the middle."""
    places = 3 * torch.rand(POINTS, 2) - 1.5
    distance = places.norm(dim=1)
    return TensorDataset(places, ((distance > 0.5) & (distance < 1)).float())


def read(question: object) -> list[float]:
    """Return the place in a question, or raise ValueError: it may come from anybody."""
    place = question.get("place") if isinstance(question, dict) else None
    if not (isinstance(place, list) and len(place) == 2):
        raise ValueError('ask as {"place": [x, y]}')
    if not all(isinstance(x, int | float) and abs(x) < 1e6 for x in place):
        raise ValueError("x and y are numbers below a million")
    return [float(x) for x in place]


def train() -> None:
    """Train, and keep the model where `load` finds it."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    L.seed_everything(1, verbose=False)
    trainer = L.Trainer(
        max_epochs=10,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model = Ring()
    trainer.fit(model, DataLoader(points(), batch_size=128, shuffle=True))
    trainer.save_checkpoint(CHECKPOINT)
    model.print(f"saved {CHECKPOINT}, loss {trainer.callback_metrics['train_loss']:.3f}")


def load(device: str = "cpu") -> Ring:
    """Return the model that was trained, on a device, ready to answer."""
    return Ring.load_from_checkpoint(CHECKPOINT, map_location=device).eval()


if __name__ == "__main__":
    train()
