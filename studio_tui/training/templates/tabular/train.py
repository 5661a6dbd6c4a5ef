"""Predicts a flat's rent from a table, and says how much better that is than a straight line.

    python train.py                40 rounds through the table, seconds on two CPU cores
    python train.py --epochs 100   more rounds

Nothing below chooses a device, a number of devices or a precision: Lightning takes those from the
machine, and from PL_TRAINER_* variables.
"""

from __future__ import annotations

import argparse
import logging
import warnings

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.nn import functional as F

from data import DISTRICTS, NUMBERS, Flats

RATE = 1e-2  # how large a change may be
WIDTH = 64  # how many things it can notice at once


class Rent(L.LightningModule):
    """A network of three layers that knows the table's scale, so that it takes raw rows."""

    def __init__(
        self, columns: tuple[torch.Tensor, torch.Tensor], rent: tuple[float, float]
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        # Buffers go into the checkpoint with the weights: whoever predicts later scales alike.
        self.register_buffer("mean", columns[0])
        self.register_buffer("spread", columns[1])
        self.rent_mean, self.rent_spread = rent
        self.layers = nn.Sequential(
            nn.Linear(len(NUMBERS) + len(DISTRICTS), WIDTH),
            nn.SiLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.SiLU(),
            nn.Linear(WIDTH, 1),
        )

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rents: batch x 8 -> batch."""
        numbers, words = rows[:, : len(NUMBERS)], rows[:, len(NUMBERS) :]
        # A year is 2000 and a floor is 3: without this the year would drown everything.
        scaled = (numbers - self.mean) / self.spread
        guess = self.layers(torch.cat([scaled, words], 1)).squeeze(1)
        return self.rent_mean + self.rent_spread * guess

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        rows, rents = batch
        loss = F.mse_loss(self(rows) / self.rent_spread, rents / self.rent_spread)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        rows, rents = batch
        # In the table's own unit: a person can judge 50 a month, but no squared error.
        self.log("val_error", F.l1_loss(self(rows), rents), sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=RATE)


class Report(L.Callback):
    """Prints a line after every fifth round."""

    def on_validation_epoch_end(self, trainer: L.Trainer, model: L.LightningModule) -> None:
        if not trainer.sanity_checking and (trainer.current_epoch + 1) % 5 == 0:
            error = trainer.callback_metrics["val_error"]
            model.print(f"epoch {trainer.current_epoch + 1:3d}  off by {error:.0f} a month")


def straight_line(flats: Flats) -> float:
    """Return the mean error of the best straight line: what every model has to beat."""

    def table(part: torch.utils.data.Subset) -> tuple[torch.Tensor, torch.Tensor]:
        rows, rents = part.dataset[part.indices]
        return torch.cat([rows, torch.ones(len(rows), 1)], 1).double(), rents.double()

    rows, rents = table(flats.train)
    # gelsd minds no columns that add up to another, as those of the districts do.
    weights = torch.linalg.lstsq(rows, rents.unsqueeze(1), driver="gelsd").solution
    rows, rents = table(flats.unseen)
    return F.l1_loss((rows @ weights).squeeze(1), rents).item()


def main() -> None:
    parser = argparse.ArgumentParser(description="Predict rents from a table.")
    parser.add_argument("--epochs", type=int, default=40, help="rounds through the table (40)")
    options = parser.parse_args()

    # Lightning's advice is about large runs; here it would hide the lines that matter.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    L.seed_everything(1, verbose=False)

    flats = Flats()
    flats.prepare_data()
    flats.setup("fit")
    model = Rent(flats.columns, flats.rent)
    trainer = L.Trainer(
        max_epochs=options.epochs,
        callbacks=[
            # The checkpoint kept is the best one; who no longer gets better, stops.
            ModelCheckpoint(
                "checkpoints", "best", monitor="val_error", enable_version_counter=False
            ),
            EarlyStopping("val_error", patience=15),
            Report(),
        ],
        logger=CSVLogger(".", name="runs"),
        log_every_n_steps=5,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, datamodule=flats)
    best = trainer.checkpoint_callback.best_model_score
    model.print(f"a straight line is off by {straight_line(flats):.0f}, this model by {best:.0f}")


if __name__ == "__main__":
    main()
