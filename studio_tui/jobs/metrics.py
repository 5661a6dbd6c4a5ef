"""From the rows a run writes to its curves, its progress, and what is worth a remark."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.jobs.spec import JobSpec

Point = tuple[int, float]

NAMES = 512  # curves of one run; what comes under more names is dropped
POINTS = 20_000  # of one curve; it is thinned to half of that when it grows beyond
LINE_LIMIT = 1 << 20  # bytes of a row


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is made of, as it says itself. None and "" are what it does not say."""

    precision: str = ""
    devices: int | None = None
    nodes: int | None = None
    world: int | None = None
    strategy: str = ""
    accelerator: str = ""
    max_steps: int | None = None
    max_epochs: int | None = None


class Metrics:
    """What is known from a run's rows so far. Rows that make no sense are passed over. No I/O."""

    def __init__(self) -> None:
        self._torn = b""
        self._curves: dict[str, list[Point]] = {}
        self._strange: dict[str, tuple[int, float]] = {}  # first value that is no finite number
        self.run: Run | None = None
        self.step = 0
        self.epoch = 0
        self.total: int | None = None  # steps to be done
        self.error = ""
        self.attempts: list[int] = []  # exit codes of the attempts that another one followed
        self.latest: dict[str, float] = {}
        self.marks: list[tuple[int, str]] = []  # where the run went on after a break, and why
        self._break = ""

    def mark(self, words: str) -> None:
        """The run went on elsewhere or anew: its next step bears these words."""
        self._break = words

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the metrics file, cut anywhere."""
        *lines, self._torn = (self._torn + data).split(b"\n")
        if len(self._torn) > LINE_LIMIT:
            self._torn = b""
        for line in lines:
            self._row(_parsed(line))

    def curves(self, points: int | None = None) -> dict[str, list[Point]]:
        """Every curve, by name, in order of steps.

        Args:
            points: at most so many of each; its peaks and valleys stay.
        """
        ordered = {name: sorted(dict(curve).items()) for name, curve in self._curves.items()}
        if points is None:
            return ordered
        return {name: downsample(curve, points) for name, curve in ordered.items()}

    @property
    def progress(self) -> float | None:
        """0..1 of the steps or epochs that were asked for; None when there is no end to them."""
        if self.run is None:
            return None
        shares = [
            done / goal
            for done, goal in (
                (self.step, self.total or self.run.max_steps or 0),
                (self.epoch, self.run.max_epochs or 0),
            )
            if goal > 0
        ]
        return min(1.0, max(shares)) if shares else None

    def notes(self, spec: JobSpec) -> tuple[str, ...]:
        """What a person should know: where the run differs from what was asked, what went wrong."""
        found = [*_differences(self.run, spec)] if self.run else []
        found += [
            f"{name} is {value} at step {step}" for name, (step, value) in self._strange.items()
        ]
        found += [
            f"attempt {number} after exit code {code}"
            for number, code in enumerate(self.attempts, 2)
        ]
        if self.error:
            found.append(self.error)
        return tuple(found)

    def _row(self, row: dict[str, Any]) -> None:
        match row.get("event"):
            case "start" if self.run is None:
                self.run = _run(row)
            case "total":
                self.total = _whole(row.get("steps"))
            case "step" | "validation":
                self._place(row)
                self._go_on()
                self._values(self.step, row.get("values"))
            case "exception":  # may come from a process that did not train itself
                self.step = max(self.step, _whole(row.get("step")) or 0)
                self.error = str(row.get("error", ""))[:500]
            case "attempt" if len(self.attempts) < NAMES:
                code = _whole(row.get("exit_code"))
                self.attempts.append(-1 if code is None else code)
                self.mark(f"attempt {len(self.attempts) + 1}")
            case "moved":  # what comes now is made of other things
                self.run = None
            case "end":
                self._place(row)

    def _place(self, row: dict[str, Any]) -> None:
        step, epoch = _whole(row.get("step")), _whole(row.get("epoch"))
        self.step = self.step if step is None else step
        self.epoch = self.epoch if epoch is None else epoch

    def _go_on(self) -> None:
        if self._break and len(self.marks) < NAMES:
            self.marks.append((self.step, self._break))
        self._break = ""

    def _values(self, step: int, values: object) -> None:
        if not isinstance(values, dict):
            return
        for name, told in values.items():
            if (value := _value(told)) is None:
                continue
            if not math.isfinite(value):
                if len(self._strange) < NAMES:
                    self._strange.setdefault(str(name), (step, value))
            elif name in self._curves or len(self._curves) < NAMES:
                self._add(str(name), (step, value))

    def _add(self, name: str, point: Point) -> None:
        curve = self._curves.setdefault(name, [])
        curve.append(point)
        self.latest[name] = point[1]
        if len(curve) > POINTS:
            self._curves[name] = downsample(curve, POINTS // 2)


def downsample(points: Sequence[Point], limit: int) -> list[Point]:
    """At most `limit` (4 or more) of the points, the first, the last, every peak and valley kept.

    The points between the ends fall into equal runs, of each of which its lowest and highest stay.
    """
    limit = max(4, limit)
    if len(points) <= limit:
        return list(points)
    inner = points[1:-1]
    runs = (limit - 2) // 2
    kept = [points[0]]
    for index in range(runs):
        part = inner[index * len(inner) // runs : (index + 1) * len(inner) // runs]
        values = [value for _, value in part]
        ends = {values.index(min(values)), values.index(max(values))}
        kept += [part[i] for i in sorted(ends)]
    return [*kept, points[-1]]


def _differences(run: Run, spec: JobSpec) -> list[str]:
    who = spec.script or "the program"
    found = []
    if spec.precision and run.precision and run.precision != spec.precision:
        found.append(
            f"{who} sets precision itself: it runs with {run.precision}, "
            f"{spec.precision} was asked for"
        )
    wanted = spec.device_count
    if wanted is not None and run.devices is not None and run.devices != wanted:
        found.append(
            f"{who} sets devices itself: it runs on {run.devices}, {wanted} were asked for"
        )
    if spec.nodes > 1 and run.nodes is not None and run.nodes != spec.nodes:
        found.append(
            f"{who} sets num_nodes itself: it runs on {run.nodes}, {spec.nodes} were asked for"
        )
    if spec.max_steps and run.max_steps not in (None, spec.max_steps):
        found.append(
            f"{who} sets max_steps itself: {run.max_steps}, {spec.max_steps} was asked for"
        )
    return found


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line) if 0 < len(line) <= LINE_LIMIT else None
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _run(row: dict[str, Any]) -> Run:
    return Run(
        precision=str(row.get("precision") or "")[:80],
        devices=_whole(row.get("devices")),
        nodes=_whole(row.get("nodes")),
        world=_whole(row.get("world")),
        strategy=str(row.get("strategy") or "")[:80],
        accelerator=str(row.get("accelerator") or "")[:80],
        max_steps=_whole(row.get("max_steps")),
        max_epochs=_whole(row.get("max_epochs")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _value(told: object) -> float | None:
    if isinstance(told, str) and told in ("nan", "inf", "-inf"):
        return float(told)
    if isinstance(told, bool) or not isinstance(told, (int, float)):
        return None
    try:
        return float(told)
    except OverflowError:
        return None
