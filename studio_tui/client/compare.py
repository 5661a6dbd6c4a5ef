"""Two runs side by side: what each came to, how fast, in how much memory, at what cost."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from studio_tui.client.records import Curves, is_record, read_record
from studio_tui.document.entries import JobEntry

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

Points = Sequence[tuple[int, float]]

SPEED, MEMORY = "steps_per_second", "peak_memory_gib"
_APART = frozenset({SPEED, MEMORY, "epoch", "step"})


@dataclass(frozen=True)
class Metric:
    """What a curve came to. `best` is the lowest value of a loss or error, else the highest."""

    last: float
    best: float
    step: int
    points: int


@dataclass(frozen=True)
class RunSummary:
    """One run in figures; None or "" is what is not known.

    Attributes:
        precision: as Lightning resolved it, else what was asked for.
        seconds: from start to end, or until now.
        steps_per_second: the median.
        peak_memory_gib: of the GPU of rank 0, or without one, of its process.
        cost: in the machine's currency.
        notes: what the job itself remarked, such as an option that had no effect.
    """

    name: str
    state: str = ""
    machine: str = ""
    precision: str | None = None
    devices: str | None = None
    steps: int | None = None
    seconds: float | None = None
    steps_per_second: float | None = None
    peak_memory_gib: float | None = None
    cost: float | None = None
    metrics: dict[str, Metric] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def summary(
    entry: JobEntry,
    curves: Mapping[str, Points],
    precision: str = "",
    now: float | None = None,
) -> RunSummary:
    """What a job came to.

    Args:
        curves: metric name -> (step, value); what is not finite counts as a gap.
        precision: as Lightning resolved it; "" for what was asked for.
        now: Unix time in seconds, for how long a job that runs took so far.
    """
    found = {name: _finite(points) for name, points in curves.items()}
    found = {name: points for name, points in found.items() if points}
    speed, memory = found.get(SPEED, []), found.get(MEMORY, [])
    ended = now if entry.ended is None else entry.ended
    return RunSummary(
        name=entry.name or entry.id,
        state=entry.state,
        machine=entry.machine,
        precision=precision or entry.precision,
        devices=entry.devices,
        steps=max((points[-1][0] for points in found.values()), default=None),
        seconds=ended - entry.started if ended is not None and entry.started is not None else None,
        steps_per_second=statistics.median(v for _, v in speed) if speed else None,
        peak_memory_gib=max(v for _, v in memory) if memory else None,
        cost=entry.cost,
        metrics={
            name: _metric(name, points)
            for name, points in sorted(found.items())
            if name not in _APART
        },
        notes=list(entry.notes),
    )


def _finite(points: Points) -> list[tuple[int, float]]:
    return [(step, value) for step, value in points if math.isfinite(value)]


def _metric(name: str, points: Points) -> Metric:
    values = [value for _, value in points]
    best = min(values) if "loss" in name or "err" in name else max(values)
    return Metric(values[-1], best, points[-1][0], len(values))


@dataclass(frozen=True)
class Line:
    """One line of a comparison; `change` is that of b against a, as a share: 0.1 is 10 % more."""

    what: str
    a: str | float | None
    b: str | float | None
    change: float | None = None


def lines(a: RunSummary, b: RunSummary) -> list[Line]:
    """Two runs against each other, what neither knows left out."""
    words = [
        Line(key, getattr(a, key) or None, getattr(b, key) or None)
        for key in ("state", "machine", "precision", "devices")
    ]
    keys = ("steps", "seconds", "steps_per_second", "peak_memory_gib", "cost")
    figures = [(key, getattr(a, key), getattr(b, key)) for key in keys]
    for name in sorted({*a.metrics, *b.metrics}, key=lambda name: ("loss" not in name, name)):
        one, other = a.metrics.get(name), b.metrics.get(name)
        figures.append((name, one and one.last, other and other.last))
        figures.append((f"{name}, best", one and one.best, other and other.best))
    told = [*words, *(Line(what, x, y, _change(x, y)) for what, x, y in figures)]
    return [line for line in told if line.a is not None or line.b is not None]


def _change(a: float | None, b: float | None) -> float | None:
    return (b - a) / abs(a) if a is not None and b is not None and a else None


async def summarize(studio: Studio, run: str) -> RunSummary:
    """What a run came to.

    Args:
        run: a job's id or name; or the path of a CSVLogger's metrics.csv or of a TensorBoard event
            file, relative to the studio's folder.

    Raises:
        NotFound: there is no such job or file, or the host is away.
        StudioError: the file is no log of metrics.
    """
    if is_record(run):
        return summary(JobEntry(run, state="", machine=""), await read_run(studio, run))
    job = await studio.job(run)
    curves = await job.load_metrics()
    return summary(job.entry, curves, job.precision, time.time())


async def read_run(studio: Studio, path: str) -> Curves:
    """The curves in a file of the studio's folder; raises as `summarize` does."""
    data = await studio.read(path)
    return await asyncio.to_thread(read_record, path, data)


async def probe(
    studio: Studio,
    script: str,
    args: Sequence[str] = (),
    *,
    precisions: Sequence[str] = (),
    max_steps: int = 5,
    **options: Any,
) -> list[RunSummary]:
    """A dry run in each precision; see `Studio.probe`. Without any, in the script's own."""
    found = []
    for precision in precisions or ("",):
        asked = {"name": f"{script} {precision}".rstrip(), **options, "precision": precision}
        run = studio.run(script, args, max_steps=max_steps, **asked)
        starting = asyncio.ensure_future(run)
        try:
            # A start that is given up half way would leave a job that nobody waits for.
            job = await asyncio.shield(starting)
            await job.wait()
        except asyncio.CancelledError:
            await (await starting).stop()
            raise
        found.append(summary(job.entry, job.metrics, job.precision))
    return found
