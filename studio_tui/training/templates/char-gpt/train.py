"""A small GPT that learns to write Python, one character at a time.

    python train.py               1500 steps, about a minute on two CPU cores
    python train.py --steps 6000  longer, and better

What happens here is what happens in a large language model, only smaller:
show the model a stretch of text, let it guess every next character, measure
how wrong it was (the loss), and turn every weight a little in the direction
that would have been less wrong. Then repeat.

Nothing below chooses a device, a number of devices or a precision. Lightning
takes those from the machine, and from PL_TRAINER_* variables, so the same
file runs on a laptop and on a cluster.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import time
import warnings
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from data import CHARACTERS, Windows, decode, encode, read_text

CONTEXT = 64  # how many characters back the model can see
WIDTH = 96  # how many numbers describe one character inside the model
HEADS = 4  # in how many ways at once it looks back
LAYERS = 2  # how many times it thinks it over
BATCH = 32  # how many stretches of text it sees before each change
RATE = 4e-3  # how large a change may be: too small is slow, too large forgets
CHECKPOINT = Path("checkpoints/char-gpt.ckpt")


class Block(nn.Module):
    """One layer: every character looks back at earlier ones, then thinks about what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.look_norm, self.think_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.ask = nn.Linear(WIDTH, 3 * WIDTH)
        self.join = nn.Linear(WIDTH, WIDTH)
        self.think = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        # Attention: a query asks, keys answer how well they fit, values are what is passed on.
        parts = self.ask(self.look_norm(x)).view(batch, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        # is_causal: nobody may look at a character that comes later, for that is the answer.
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.join(seen.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.think(self.think_norm(x))


class CharGPT(L.LightningModule):
    """The model, how wrong it is, and how it changes."""

    def __init__(self) -> None:
        super().__init__()
        self.character = nn.Embedding(len(CHARACTERS), WIDTH)
        self.place = nn.Embedding(CONTEXT, WIDTH)
        self.layers = nn.Sequential(*(Block() for _ in range(LAYERS)), nn.LayerNorm(WIDTH))
        self.guess = nn.Linear(WIDTH, len(CHARACTERS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a score for every possible next character, at every place of every stretch."""
        places = torch.arange(x.shape[1], device=x.device)
        return self.guess(self.layers(self.character(x) + self.place(places)))

    def loss(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Return how surprised the model is by what really came next; 4.6 is pure guessing."""
        text, answer = batch
        return F.cross_entropy(self(text).flatten(0, 1), answer.flatten())

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        loss = self.loss(batch)
        self.log("train_loss", loss)
        self.log("lr", self.optimizers().param_groups[0]["lr"])
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        # Text it has never trained on: low here means it learned, and did not just memorise.
        self.log("val_loss", self.loss(batch), sync_dist=True)

    def configure_optimizers(self) -> dict[str, object]:
        steps = self.trainer.max_steps

        def rate(step: int) -> float:  # rise over the first 5 %, then fall to a tenth
            rise = min(1.0, (step + 1) / (0.05 * steps))
            return rise * (0.55 + 0.45 * math.cos(math.pi * min(1.0, step / steps)))

        optimizer = torch.optim.AdamW(self.parameters(), lr=RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    @torch.no_grad()
    def write(self, start: str, length: int) -> str:
        """Return `start` and what the model writes after it, one guess at a time."""
        text = encode(start).to(self.device)
        for _ in range(length):
            scores = self(text[-CONTEXT:].unsqueeze(0))[0, -1].float()
            # Below 1, the division makes it prefer what it is sure of; above, more daring.
            text = torch.cat([text, torch.multinomial(torch.softmax(scores / 0.8, 0), 1)])
        return decode(text)


class Report(L.Callback):
    """Prints how it goes: plain lines, which read the same in a terminal and in a log."""

    def on_train_start(self, trainer: L.Trainer, model: CharGPT) -> None:
        self.start = time.monotonic()
        weights = sum(p.numel() for p in model.parameters())
        device, precision = trainer.strategy.root_device, trainer.precision
        model.print(f"{weights:,} weights on {trainer.world_size} x {device}, {precision}")

    def on_train_batch_end(
        self, trainer: L.Trainer, model: CharGPT, outputs: object, *_: object
    ) -> None:
        step = trainer.global_step
        if step == 1 or step % 25 == 0:
            loss = trainer.callback_metrics["train_loss"].item()
            seconds = time.monotonic() - self.start
            share = step / trainer.max_steps
            model.print(f"step {step:5d}  {share:4.0%}  loss {loss:.3f}  {seconds:5.1f} s")

    def on_validation_epoch_end(self, trainer: L.Trainer, model: CharGPT) -> None:
        loss = trainer.callback_metrics["val_loss"].item()
        sample = model.write("\ndef ", 160).strip().replace("\n", "\n    ")
        model.print(f"\n    unseen text: loss {loss:.3f}; it writes:\n\n    {sample}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a small GPT on Python's own source code.")
    steps = int(os.environ.get("PL_TRAINER_MAX_STEPS", "1500"))
    parser.add_argument("--steps", type=int, default=steps, help=f"how long to train ({steps})")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    options = parser.parse_args()

    # Lightning's advice is about large runs; here it would hide the lines that matter.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    L.seed_everything(1, verbose=False)

    numbers = encode(read_text())
    cut = int(0.9 * len(numbers))
    train = DataLoader(Windows(numbers[:cut], CONTEXT), batch_size=BATCH, shuffle=True)
    unseen = DataLoader(Windows(numbers[cut:], CONTEXT), batch_size=BATCH)

    checkpoint = ModelCheckpoint(
        CHECKPOINT.parent,
        CHECKPOINT.stem,
        every_n_train_steps=250,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    trainer = L.Trainer(
        max_steps=options.steps,
        val_check_interval=250,
        limit_val_batches=10,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        logger=CSVLogger("runs", name=""),
        callbacks=[Report(), checkpoint],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    resume = CHECKPOINT if options.resume and CHECKPOINT.exists() else None
    trainer.fit(CharGPT(), train, unseen, ckpt_path=resume)
    trainer.save_checkpoint(CHECKPOINT)
    if trainer.is_global_zero:
        print(f"saved {CHECKPOINT}")


if __name__ == "__main__":
    main()
