"""Learns six letters from 24 pictures, with what a model knows that has seen thousands of digits.

    python train.py            from checkpoints/base.ckpt, which is made when it is not there
    python train.py --scratch  the same without it, to see what it was worth

Nothing below chooses a device, a number of devices or a precision: Lightning takes those from the
machine, and from PL_TRAINER_* variables.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import BackboneFinetuning, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from data import DIGITS, LETTERS, Signs
from model import Reader

BASE = Path("checkpoints/base.ckpt")
PICTURES = 24  # of letters to learn from: four of each
EPOCHS = 60
UNFREEZE = 40  # from here on the part that sees may change, too


class Tuned(Reader):
    """A reader whose part that sees came from another one."""

    @property
    def backbone(self) -> torch.nn.Module:
        """What BackboneFinetuning keeps frozen, and later frees."""
        return self.see


def trainer(name: str, epochs: int, *callbacks: L.Callback) -> L.Trainer:
    """Return a trainer that writes its curves to runs/`name`."""
    return L.Trainer(
        max_epochs=epochs,
        callbacks=[*callbacks],
        logger=CSVLogger(".", name="runs", version=name),
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def make_base() -> None:
    """Train a reader of digits, as somebody else would have who published its checkpoint."""
    kept = ModelCheckpoint(BASE.parent, BASE.stem, enable_version_counter=False)
    model = Reader(names=len(DIGITS))
    base = trainer("base", 3, kept)
    base.fit(model, datamodule=Signs(DIGITS, 6000))
    model.print(f"digits: {base.callback_metrics['val_accuracy']:.1%} right, kept in {BASE}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fine-tune a model on very few pictures.")
    parser.add_argument("--scratch", action="store_true", help="learn the letters from nothing")
    options = parser.parse_args()

    # Lightning's advice is about large runs; here it would hide the lines that matter.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    L.seed_everything(1, verbose=False)

    letters = Signs(LETTERS, PICTURES)
    if options.scratch:
        model, run = Reader(names=len(LETTERS)), trainer("scratch", EPOCHS)
    else:
        if not BASE.exists():
            make_base()
        model = Tuned(names=len(LETTERS))
        # The part that sees is taken over; ten names for digits are of no use here.
        base = Reader.load_from_checkpoint(BASE)
        model.see.load_state_dict(base.see.state_dict())
        # First only the new part learns: it knows nothing yet, and would spoil the old one.
        freeze = BackboneFinetuning(UNFREEZE, backbone_initial_ratio_lr=0.1, verbose=False)
        kept = ModelCheckpoint("checkpoints", "tuned", enable_version_counter=False)
        run = trainer("tuned", EPOCHS, freeze, kept)
    run.fit(model, datamodule=letters)
    how = "from nothing" if options.scratch else "fine-tuned"
    model.print(f"letters, {how}: {run.callback_metrics['val_accuracy']:.1%} of 600 unseen right")


if __name__ == "__main__":
    main()
