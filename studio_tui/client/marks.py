"""Where a job's curves went on after a break: another attempt, another machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio_tui.document.entries import JobEntry

WORDS_CAP = 200


@dataclass(frozen=True)
class Mark:
    """A step at which a job went on, and what happened."""

    step: int
    words: str


def marks_of_moves(entry: JobEntry) -> list[Mark]:
    """Where a job went on on another machine, as far as the steps are known."""
    there = [move for move in entry.moved if move.phase == "done"]
    return [Mark(move.step, f"moved to {move.target}") for move in there if move.step is not None]


def read_marks(value: Any) -> list[Mark]:
    """Marks out of a reply; what is not a whole step with words is left out."""
    if not isinstance(value, list):
        return []
    return [Mark(item[0], item[1][:WORDS_CAP]) for item in value if _is_mark(item)]


def _is_mark(value: Any) -> bool:
    match value:
        case [int(step), str()]:
            return not isinstance(step, bool)
    return False
