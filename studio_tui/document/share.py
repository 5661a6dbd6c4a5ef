"""Which of too many entries are listed: of everybody the newest, as many of each as of another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any


def shared(values: Mapping[str, Mapping[str, Any]], most: int) -> list[str]:
    """The ids of at most `most` entries, so that a flood by one hides nothing of the others.

    Args:
        values: entries by their ids as they came, with whose they are in `by` and since when in
            `time`; what is no name or time counts as nobody's, and as the oldest.
        most: how many.
    """
    if len(values) <= most:
        return sorted(values)
    newest_first = sorted(values, key=lambda id: (-_time(values[id].get("time")), id))
    taken: Counter[str] = Counter()
    turns: list[tuple[int, int, str]] = []
    for id in newest_first:
        by = values[id].get("by")
        who = by if isinstance(by, str) else ""
        turns.append((taken[who], len(turns), id))
        taken[who] += 1
    return sorted(id for _, _, id in sorted(turns)[:most])


def _time(value: object) -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return -math.inf
