"""How much of a training is left, from its curves and the number of steps that it is to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

SPEED = "steps_per_second"
LOOKED_AT = 50
"""The last so many speeds: one alone may be that of a moment."""


@dataclass(frozen=True)
class Remaining:
    """How far a training is.

    Attributes:
        step, total: steps done, and to be done.
        seconds: until it is over; None when it does not tell how fast it is.
    """

    step: int
    total: int
    seconds: float | None


def remaining(
    curves: Mapping[str, Sequence[tuple[int, float]]], total: int | None
) -> Remaining | None:
    """How far a training with these curves is; None when its end or its step is not known.

    Args:
        total: the number of its steps, None for a training that has no end.
    """
    steps = [points[-1][0] for points in curves.values() if points]
    if not total or not steps or max(steps) > total:
        return None
    step = max(steps)
    speeds = [speed for _, speed in curves.get(SPEED, [])[-LOOKED_AT:] if speed > 0]
    return Remaining(step, total, (total - step) / median(speeds) if speeds else None)
