"""Two sets of small pictures, drawn here: many of ten digits, and a few of six letters."""

from __future__ import annotations

import lightning as L
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

SIDE = 16  # pixels
DIGITS = {
    "0": "111 101 101 101 111",
    "1": "010 110 010 010 111",
    "2": "111 001 111 100 111",
    "3": "111 001 111 001 111",
    "4": "101 101 111 001 001",
    "5": "111 100 111 001 111",
    "6": "111 100 111 101 111",
    "7": "111 001 010 010 010",
    "8": "111 101 111 101 111",
    "9": "111 101 111 001 111",
}
LETTERS = {
    "A": "010 101 111 101 101",
    "C": "111 100 100 100 111",
    "F": "111 100 110 100 100",
    "H": "101 101 111 101 101",
    "L": "100 100 100 100 111",
    "T": "111 010 010 010 010",
}


def draw(signs: dict[str, str], count: int, seed: int) -> TensorDataset:
    """Return `count` noisy pictures of these signs, each moved and sized by chance."""
    chance = torch.Generator().manual_seed(seed)
    rows = [[[float(dot) for dot in row] for row in sign.split()] for sign in signs.values()]
    labels = torch.randint(len(signs), (count,), generator=chance)
    small = torch.tensor(rows)[labels].unsqueeze(1)
    scale = 1.1 + 0.7 * torch.rand(count, generator=chance)
    moved = 0.8 * torch.rand(count, 2, generator=chance) - 0.4
    places = torch.zeros(count, 2, 3)
    places[:, 0, 0], places[:, 1, 1], places[:, :, 2] = scale * 1.4, scale, moved
    grid = F.affine_grid(places, [count, 1, SIDE, SIDE], align_corners=False)
    pictures = F.grid_sample(small, grid, align_corners=False)
    return TensorDataset(pictures + 0.3 * torch.randn(pictures.shape, generator=chance), labels)


class Signs(L.LightningDataModule):
    """Pictures of one set of signs, `count` to learn from."""

    def __init__(self, signs: dict[str, str], count: int) -> None:
        super().__init__()
        self.signs, self.count = signs, count

    def setup(self, stage: str) -> None:
        self.train, self.unseen = draw(self.signs, self.count, 1), draw(self.signs, 600, 2)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train, batch_size=min(64, self.count // 2), shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.unseen, batch_size=600)
