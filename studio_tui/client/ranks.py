"""The ranks of a run on several processes, as the host tells them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from studio_tui.document.entries import read_as

TROUBLE = ("hung", "silent", "slow")
"""The states that want somebody to look, the worst one first."""


@dataclass(frozen=True)
class Rank:
    """Where one process of a run is.

    Attributes:
        machine: the one that it runs on.
        step_time, own_time: seconds; own_time is without the wait for other ranks.
        phase: what it is at, such as data, forward, backward.
        heard: seconds since it was heard last.
        state: ok, slow, waiting (for other ranks), hung or silent.
    """

    rank: int = 0
    machine: str = ""
    step: int = 0
    step_time: float | None = None
    own_time: float | None = None
    phase: str = ""
    heard: float = 0.0
    state: str = ""

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def read_ranks(value: Any) -> list[Rank]:
    """Ranks out of a reply; what is none is left out."""
    if not isinstance(value, list):
        return []
    return [read_as(Rank, item) for item in value if isinstance(item, dict)]
