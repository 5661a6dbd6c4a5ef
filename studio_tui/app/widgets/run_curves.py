"""What a run logged, as curves: by metric and series, smoothed, on a logarithmic scale. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

Point = tuple[int, float]
Points = Sequence[Point]
Curves = Mapping[str, Points]
Groups = dict[str, dict[str, Points]]

SMOOTHING = 0.8
_SPLIT = re.compile(r"(train|val|valid|validation|test)[_/ ](.+)")
_SUFFIX = re.compile(r"(.+)_(step|epoch)")
_ORDER = ("train", "val", "test")
_COUNTERS = ("epoch", "step", "peak_memory_gib")


def metrics(curves: Curves) -> Groups:
    """Curves by metric, then by series: `train_loss`, `val_loss` are two series of `loss`.

    Losses come first, counters last; train stands before val.
    """
    groups: Groups = {}
    for name in sorted(curves):
        metric, series = _split(name)
        groups.setdefault(metric, {})[series] = curves[name]
    ordered = sorted(groups, key=lambda name: (name in _COUNTERS, "loss" not in name, name))
    return {name: dict(sorted(groups[name].items(), key=_series_order)) for name in ordered}


def _split(name: str) -> tuple[str, str]:
    match = _SPLIT.fullmatch(name)
    split, metric = match.groups() if match else ("", name)
    split = "val" if split.startswith("val") else split
    suffix = _SUFFIX.fullmatch(metric)
    if suffix is None:
        return metric, split
    return suffix[1], f"{split} {suffix[2]}".strip()


def _series_order(item: tuple[str, Points]) -> tuple[int, str]:
    split = item[0].partition(" ")[0]
    return (_ORDER.index(split) if split in _ORDER else len(_ORDER)), item[0]


def last_finite(points: Points) -> Point | None:
    """The last point that can be drawn."""
    return next((point for point in reversed(points) if math.isfinite(point[1])), None)


def value_at(points: Points, step: int) -> float | None:
    """The last finite value at `step` or before; points in the order of steps."""
    before = (value for at, value in reversed(points) if at <= step and math.isfinite(value))
    return next(before, None)


def smoothed(points: Iterable[Point], weight: float = SMOOTHING) -> list[Point]:
    """An exponential moving average without a bias at the start; gaps stay gaps."""
    average, mass = 0.0, 0.0
    result: list[Point] = []
    for step, value in points:
        if not math.isfinite(value):
            result.append((step, value))
            continue
        average = average * weight + value * (1 - weight)
        mass = mass * weight + 1 - weight
        result.append((step, average / mass))
    return result


def logarithmic(points: Iterable[Point]) -> list[Point]:
    """The decimal logarithm of each value; what has none becomes a gap."""
    return [
        (step, math.log10(value) if value > 0 and math.isfinite(value) else math.nan)
        for step, value in points
    ]
