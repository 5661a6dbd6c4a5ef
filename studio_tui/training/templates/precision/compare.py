"""Trains the same model in several precisions, and compares loss, memory and time.

    python compare.py                             what this machine can do
    python compare.py --precision 32-true bf16-mixed --steps 100

32-true keeps every number in 32 bits. bf16-mixed calculates with 16 and keeps the weights in 32.
bf16-true keeps everything in 16: half the memory, and small changes are lost. On a GPU with tensor
cores 16 bits are much faster; on most CPUs they are not, but they cost the same memory as there.
"""

from __future__ import annotations

import argparse
import csv
import logging
import time
import warnings
from pathlib import Path

import torch
from lightning.fabric import Fabric, seed_everything
from torch import nn
from torch.nn import functional as F

WIDTH, LAYERS, LENGTH, BATCH, WORDS = 128, 2, 64, 16, 64


class Copier(nn.Module):
    """A small transformer that learns to repeat what it has read half a stretch ago."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        layer = nn.TransformerEncoderLayer(
            WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.guess = nn.Linear(WIDTH, WORDS)
        later = torch.ones(LENGTH, LENGTH).triu(1).bool()
        self.register_buffer("later", later)  # what may not be looked at yet

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Return scores for the next word: batch x 64 -> batch x 64 x words."""
        x = self.word(words) + self.place.weight
        return self.guess(self.layers(x, mask=self.later))


def batch(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return stretches whose second half repeats the first, and the word that follows each."""
    half = torch.randint(WORDS, (BATCH, LENGTH // 2), device=device)
    words = torch.cat([half, half, half[:, :1]], 1)
    return words[:, :-1], words[:, 1:]


def run(precision: str, steps: int) -> dict[str, object]:
    """Train for some steps; returns a row of the table."""
    fabric = Fabric(precision=precision, devices=1)
    seed_everything(1, verbose=False)  # the same start and the same data for each
    model = Copier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    model, optimizer = fabric.setup(model, optimizer)
    gpu = fabric.device.type == "cuda"
    if gpu:
        torch.cuda.reset_peak_memory_stats(fabric.device)
    losses, times = [], []
    for _ in range(steps):
        start = time.monotonic()
        words, following = batch(fabric.device)
        loss = F.cross_entropy(model(words).flatten(0, 1).float(), following.flatten())
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        losses.append(loss.item())  # waits for the GPU: without it only the asking is timed
        times.append(time.monotonic() - start)
    states = [t for state in optimizer.state.values() for t in state.values() if t.ndim]
    kept = [*model.parameters(), *model.parameters(), *states]  # weights, gradients, state
    return {
        "precision": precision,
        "loss": sum(losses[-10:]) / len(losses[-10:]),
        "kept_mb": sum(t.numel() * t.element_size() for t in kept) / 1e6,
        "peak_mb": torch.cuda.max_memory_allocated(fabric.device) / 1e6 if gpu else None,
        "ms_per_step": 1000 * sorted(times)[len(times) // 2],
    }


def main() -> None:
    gpu = torch.cuda.is_available()
    usual = ["32-true", "bf16-mixed", "bf16-true", *(["16-mixed"] if gpu else [])]
    parser = argparse.ArgumentParser(description="Compare precisions.")
    parser.add_argument("--precision", nargs="+", default=usual, help=" ".join(usual))
    parser.add_argument("--steps", type=int, default=60, help="steps in each (60)")
    options = parser.parse_args()

    # Lightning says for each precision that it uses it; the table does, too.
    for part in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(part).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\..*")

    print("precision     loss   weights+gradients+optimizer   peak on GPU   time of a step")
    rows = []
    for precision in options.precision:
        row = run(precision, options.steps)
        rows.append(row)
        peak = "-" if row["peak_mb"] is None else f"{row['peak_mb']:.0f} MB"
        print(
            f"{precision:12}  {row['loss']:.3f}  {row['kept_mb']:24.1f} MB  {peak:>12}"
            f"  {row['ms_per_step']:11.1f} ms",
            flush=True,
        )
    with Path("precisions.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
