"""What holds a machine up: one word out of its last half minute, and the figures it rests on."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.meters.series import Series

SPAN = 30  # samples that are looked at; at one a second, seconds
LEAST = 5  # samples below which nothing is said
FULL_GPU, FULL_HOST = 0.95, 0.93
BUSY, STARVED, IDLE = 0.8, 0.6, 0.05
CORE_BUSY = 0.9  # a loader that cannot keep up shows as full cores, however few they are
CPU_IDLE = 0.1
DISK_BUSY = 50e6  # bytes a second; reading this much counts as a reason to wait
UNEVEN = 2.0  # the slowest of ten steps against the middle one


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds a machine up, and figures for that.

    `kind` is "memory-near-full", "compute-bound", "data-bound", "idle", "mixed" or "no job runs".
    """

    kind: str
    figures: tuple[str, ...]

    def __str__(self) -> str:
        return " · ".join((self.kind, *self.figures))


def verdict(
    series: Series, step_seconds: Sequence[float] = (), *, job_runs: bool = True
) -> Verdict | None:
    """What holds the machine up; None while too little is known.

    Where no job runs, what was is no news; but a GPU that is busy now has work all the same.

    Args:
        series: the machine's samples, one a second.
        step_seconds: how long each of the last training steps of a running job took, in seconds.
        job_runs: whether a job runs there now.
    """
    if len(series) < LEAST:
        return None
    full = _full(series)
    if full:
        return Verdict("memory-near-full", (full,))
    if not job_runs and not _gpu_busy(series):
        return Verdict("no job runs", ())
    cpu = _mean(series.track("cpu", SPAN))
    uses = _gpu_uses(series)
    figures = [f"gpu {max(uses):.0%}"] if uses else []
    if cpu is not None:
        figures.append(f"cpu {cpu:.0%}")
    if not figures:
        return None
    kind, reasons = _kind(series, uses, cpu, step_seconds)
    return Verdict(kind, (*figures, *reasons))


def _kind(
    series: Series, uses: list[float], cpu: float | None, steps: Sequence[float]
) -> tuple[str, list[str]]:
    use = max(uses) if uses else cpu or 0.0
    pace = [f"{_digits(1 / statistics.median(steps))} steps/s"] if steps and min(steps) > 0 else []
    if use >= BUSY:
        return "compute-bound", pace
    waits = _reasons(series, steps)
    if not steps and use < (IDLE if uses else CPU_IDLE) and (cpu or 0.0) < CPU_IDLE:
        return "idle", []
    if use < STARVED and waits:
        return "data-bound", [*waits, *pace]
    return "mixed", pace


def _reasons(series: Series, steps: Sequence[float]) -> list[str]:
    """What says that the training waits for its data."""
    found = []
    latest = series.latest
    cores = latest.cores if latest is not None else ()
    full = sum(core >= CORE_BUSY for core in cores)
    if full:
        found.append(f"{full} of {len(cores)} cores full")
    disk = _mean(series.track("disk_read", SPAN))
    if disk is not None and disk >= DISK_BUSY:
        found.append(f"disk reads {disk / 1e6:.0f} MB/s")
    if len(steps) >= LEAST and min(steps) > 0:
        slow = sorted(steps)[int(len(steps) * 0.9)] / statistics.median(steps)
        if slow >= UNEVEN:
            found.append(f"steps uneven, 1 to {slow:.1f}")
    return found


def _full(series: Series) -> str:
    """The memory that is about to be too small, "" when there is enough."""
    latest = series.latest
    for gpu in latest.gpus if latest is not None else ():
        if gpu.memory_used is not None and gpu.memory_total:
            share = gpu.memory_used / gpu.memory_total
            if share >= FULL_GPU:
                return f"gpu{gpu.index} memory {share:.0%}"
    host = series.track("memory", 1)[-1]
    return f"machine's memory {host:.0%}" if host is not None and host >= FULL_HOST else ""


def _gpu_busy(series: Series) -> bool:
    """Whether a GPU has something to do now."""
    gpus = series.latest.gpus if series.latest is not None else ()
    return any((gpu.utilisation or 0.0) >= IDLE for gpu in gpus)


def _gpu_uses(series: Series) -> list[float]:
    """The mean use of each GPU that tells it."""
    latest = series.latest
    names = [f"gpu{gpu.index}.utilisation" for gpu in latest.gpus] if latest is not None else []
    means = (_mean(series.track(name, SPAN)) for name in names)
    return [mean for mean in means if mean is not None]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
