"""A table of flats and their rents, made here: columns as they come from any spreadsheet."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

TABLE = Path("flats.csv")
DISTRICTS = ("centre", "harbour", "hills", "suburb")
NUMBERS = ("area", "rooms", "floor", "year")


def write_table(path: Path = TABLE, rows: int = 4000) -> None:
    """Write the table, unless it is there: put your own in its place."""
    if path.exists():
        return
    chance = random.Random(1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*NUMBERS, "district", "rent"])
        for _ in range(rows):
            area = chance.uniform(20, 140)
            rooms, floor = max(1, round(area / 28 + chance.gauss(0, 0.6))), chance.randint(0, 9)
            year, district = chance.randint(1900, 2025), chance.choice(DISTRICTS)
            # What no straight line can say: old is dear in the centre, and cheap elsewhere.
            age = (2025 - year) * (1.5 if district == "centre" else -1.5)
            square = {"centre": 21, "harbour": 17, "hills": 14, "suburb": 10}[district]
            rent = square * area + 40 * rooms + 12 * floor + age + chance.gauss(0, 60)
            writer.writerow([f"{area:.0f}", rooms, floor, year, district, f"{rent:.0f}"])


class Flats(L.LightningDataModule):
    """The table as numbers: rows x (4 numbers + one column for each district), and the rents."""

    def __init__(self, batch: int = 128) -> None:
        super().__init__()
        self.batch = batch

    def prepare_data(self) -> None:
        # Called by one process only, however many train: the place to download or write.
        write_table()

    def setup(self, stage: str) -> None:
        with TABLE.open() as file:
            rows = list(csv.DictReader(file))
        numbers = torch.tensor([[float(row[name]) for name in NUMBERS] for row in rows])
        # A word becomes one column for each value it can have: no district is "more" than another.
        words = torch.tensor([[float(row["district"] == d) for d in DISTRICTS] for row in rows])
        rents = torch.tensor([float(row["rent"]) for row in rows])
        whole = TensorDataset(torch.cat([numbers, words], 1), rents)
        parts = torch.Generator().manual_seed(1)
        self.train, self.unseen = random_split(whole, [0.8, 0.2], generator=parts)
        # Means and spreads from the training part alone: the other must stay unseen.
        seen = torch.tensor(self.train.indices)
        self.columns = numbers[seen].mean(0), numbers[seen].std(0)
        self.rent = rents[seen].mean().item(), rents[seen].std().item()

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train, batch_size=self.batch, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.unseen, batch_size=1000)
