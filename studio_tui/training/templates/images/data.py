"""Pictures to learn from, drawn here: circles, squares and triangles among noise."""

from __future__ import annotations

import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset

SHAPES = ("circle", "square", "triangle")
SIDE = 32  # pixels


def draw(count: int, seed: int, noise: float = 0.5) -> TensorDataset:
    """Return `count` grey pictures, count x 1 x SIDE x SIDE, each with the number of its shape.

    Args:
        noise: standard deviation of what is added to every pixel; a shape itself is 1 bright.
    """
    chance = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(SHAPES), (count,), generator=chance)
    size = 5 + 6 * torch.rand(count, 1, 1, generator=chance)
    middle = size + (SIDE - 2 * size) * torch.rand(count, 1, 2, generator=chance)
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    dy, dx = y - middle[..., :1], x - middle[..., 1:]
    inside = torch.stack(
        [
            dx**2 + dy**2 < size**2,
            torch.maximum(dx.abs(), dy.abs()) < 0.85 * size,
            (dy.abs() < size) & (dx.abs() < (dy + size) / 2),
        ]
    )
    shapes = inside[labels, torch.arange(count)].float()
    return TensorDataset(
        (shapes + noise * torch.randn(shapes.shape, generator=chance)).unsqueeze(1), labels
    )


class Shapes(L.LightningDataModule):
    """The pictures in batches. A data module keeps what belongs to the data out of the model."""

    def __init__(self, batch: int = 64) -> None:
        super().__init__()
        self.batch = batch

    def setup(self, stage: str) -> None:
        # Other seeds: a picture to be tested with must not be one that was learned from.
        self.train, self.unseen = draw(6000, seed=1), draw(1000, seed=2)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train, batch_size=self.batch, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.unseen, batch_size=500)
