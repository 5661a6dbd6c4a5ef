"""The text to learn from: the source code of this Python's own standard library.

It is on every computer that can run this file, so nothing is downloaded.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

import torch
from torch.utils.data import Dataset

CHARACTERS = "\n" + "".join(chr(code) for code in range(32, 127))
"""Everything the model can read and write: a line's end and the 95 printable ASCII characters."""


def read_text(size: int = 2_000_000) -> str:
    """Return the first `size` characters of the standard library, without other characters."""
    known = set(CHARACTERS)
    text = ""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text(encoding="utf-8", errors="ignore")
        text += "".join(c for c in source.replace("\t", "    ") if c in known)
        if len(text) >= size:
            break
    return text[:size]


def encode(text: str) -> torch.Tensor:
    """Return one number per character: its place in CHARACTERS."""
    return torch.tensor([CHARACTERS.index(c) for c in text])


def decode(numbers: torch.Tensor) -> str:
    """Return the text that these numbers stand for."""
    return "".join(CHARACTERS[n] for n in numbers.tolist())


class Windows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Every stretch of `length` characters, with the same stretch one character further on.

    The second is the answer: at every place the model has to say which character comes next.
    """

    def __init__(self, numbers: torch.Tensor, length: int) -> None:
        self.numbers = numbers
        self.length = length

    def __len__(self) -> int:
        return len(self.numbers) - self.length

    def __getitem__(self, start: int) -> tuple[torch.Tensor, torch.Tensor]:
        window = self.numbers[start : start + self.length + 1]
        return window[:-1], window[1:]
