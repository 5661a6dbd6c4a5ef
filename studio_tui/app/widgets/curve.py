"""A metric's curves over the steps of one training run or several, drawn in braille dots."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from studio_tui.app import units
from studio_tui.app.truncate import cells, left, right, scrub
from studio_tui.app.widgets.braille import Canvas
from studio_tui.app.widgets.rows import Row, Rows, Span, fit, spread, told, width_of

Point = tuple[int, float]
Points = Sequence[Point]
Curves = Mapping[str, Points]
Groups = dict[str, dict[str, Points]]

EMPTY = "no curve yet: self.log(...) in training_step draws one"
SMOOTHING = 0.8
_SPLIT = re.compile(r"(train|val|valid|validation|test)[_/ ](.+)")
_SUFFIX = re.compile(r"(.+)_(step|epoch)")
_ORDER = ("train", "val", "test")
_AXIS = 9
# Each curve is told apart by its dashes as well as by its colour.
_LOOKS = (("accent", "─", 0), ("second", "┄", 4), ("strong", "┈", 2), ("muted", "╌", 6))
_HEIGHT_FOR_LEGEND, _HEIGHT_FOR_TITLE, _HEIGHT_FOR_STEPS, _HEIGHT_FOR_MIDDLE = 3, 4, 8, 7
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


@dataclass(frozen=True)
class Frame:
    """The part of the plane that a plot shows; values as drawn, so logarithms on a log scale."""

    first: int
    last: int
    low: float
    high: float

    @classmethod
    def around(cls, series: Iterable[Points]) -> Frame | None:
        """The frame that holds every finite point; None when there is none."""
        steps: list[int] = []
        values: list[float] = []
        for points in series:
            finite = [(step, value) for step, value in points if math.isfinite(value)]
            steps.extend(step for step, _ in finite)
            values.extend(value for _, value in finite)
        if not values:
            return None
        low, high = min(values), max(values)
        if low == high:
            margin = abs(low) * 0.1 or 1.0
            low, high = low - margin, high + margin
        return cls(min(steps), max(steps), low, high)

    def x(self, step: int, width: int) -> int:
        """The dot column of `step` among `width`."""
        span = self.last - self.first
        return (step - self.first) * (width - 1) // span if span else (width - 1) // 2

    def y(self, value: float, height: int) -> int:
        """The dot row of `value` among `height`, 0 at the top."""
        # Halved, because the span of two huge numbers is not finite.
        span = self.high / 2 - self.low / 2
        return round((self.high / 2 - value / 2) / span * (height - 1)) if span else 0


def draw(canvas: Canvas, frame: Frame, points: Points, ink: int, dash: int = 0) -> None:
    """Draw a curve above the lowest row of dots, which is the axis's.

    Of the points that share a column the first, last, lowest and highest are drawn, so that a
    spike among millions of points is still seen.
    """
    for run in _runs(points):
        before: tuple[int, int] | None = None
        columns = list(_columns(frame, run, canvas.width, canvas.height - 1))
        for x, first, top, bottom, last in columns:
            if before is not None:
                canvas.line(*before, x, first, ink, dash)
            canvas.line(x, top, x, bottom, ink, dash)
            before = x, last
        if len(columns) == 1:
            _blob(canvas, columns[0][0], columns[0][1], ink)


def _runs(points: Points) -> Iterator[list[Point]]:
    """The stretches without a gap, in the order of steps."""
    run: list[Point] = []
    for point in sorted(points, key=lambda point: point[0]):
        if math.isfinite(point[1]):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _columns(
    frame: Frame, run: list[Point], width: int, height: int
) -> Iterator[tuple[int, int, int, int, int]]:
    """For each column of dots: x, and the first, top, bottom and last y of its points."""
    at, first, top, bottom, last = -1, 0, 0, 0, 0
    for step, value in run:
        x, y = frame.x(step, width), frame.y(value, height)
        if x == at:
            top, bottom, last = min(top, y), max(bottom, y), y
            continue
        if at >= 0:
            yield at, first, top, bottom, last
        at, first, top, bottom, last = x, y, y, y, y
    yield at, first, top, bottom, last


def _blob(canvas: Canvas, x: int, y: int, ink: int) -> None:
    """A point alone is four dots: one is easily missed."""
    for dx in (0, 1):
        for dy in (0, -1 if y else 1):
            canvas.dot(x + dx, y + dy, ink)


def plot(
    series: Mapping[str, Points],
    width: int,
    height: int,
    *,
    log: bool = False,
    cursor: int | None = None,
) -> list[Row] | None:
    """The plot in `width` x `height` cells; None without a point.

    Values stand at its left, and where there is room, steps below it.

    Args:
        cursor: a step that a line marks.
    """
    frame = Frame.around(series.values())
    if frame is None:
        return None
    steps = height >= _HEIGHT_FOR_STEPS
    height -= steps
    marks = _value_marks(frame, height, log)
    gutter = max(map(cells, marks.values())) if height > 1 else 0
    canvas = Canvas(width - gutter - 1, height)
    canvas.line(0, canvas.height - 1, canvas.width - 1, canvas.height - 1, _AXIS)
    if cursor is not None:
        x = frame.x(cursor, canvas.width)
        canvas.line(x, 0, x, canvas.height - 1, _AXIS)
    drawn = list(enumerate(series.values()))
    for index, points in reversed(drawn):
        draw(canvas, frame, points, index + 1, _LOOKS[index % len(_LOOKS)][2])
    rows: list[Row] = []
    for y in range(height):
        label = marks.get(y, "")
        axis = "⣇" if y == height - 1 else "⡇"
        row: list[Span] = [(right(label, gutter) + axis, "muted")]
        row.extend((text, _meaning(ink)) for text, ink in canvas.row(y))
        rows.append(fit(row, width))
    if steps:
        rows.append([(" " * (gutter + 1), ""), *_step_marks(frame, canvas.columns)])
    return rows


def _value_marks(frame: Frame, height: int, log: bool) -> dict[int, str]:
    """What stands beside which row: the highest and lowest value, and one between."""
    values = {height - 1: frame.low, 0: frame.high}
    if height >= _HEIGHT_FOR_MIDDLE:
        middle = (height - 1) // 2
        # The row's own middle, not that of the values: a label must be true.
        share = (middle * 4 + 1.5) / (height * 4 - 2)
        values[middle] = frame.high - share * (frame.high / 2 - frame.low / 2) * 2
    return {row: units.reading(_shown(value, log)) for row, value in values.items()}


def _step_marks(frame: Frame, width: int) -> list[Span]:
    """The first, the middle and the last step, under their columns."""
    first, last = (units.count(min(step, 10**15)) for step in (frame.first, frame.last))
    middle = units.count(min((frame.first + frame.last) // 2, 10**15))
    if width < cells(first + middle + last) + 6 or frame.last - frame.first < 2:
        return spread([(first, "muted")], [(last, "muted")], width)
    start = [(left(first, width // 2 - cells(middle) // 2) + middle, "muted")]
    return spread(start, [(last, "muted")], width)


def _shown(value: float, log: bool) -> float:
    if not log:
        return value
    return 10.0**value if value < 308 else math.inf


def _meaning(ink: int) -> str:
    if ink in (0, _AXIS):
        return "muted"
    return _LOOKS[(ink - 1) % len(_LOOKS)][0]


def legend(series: Mapping[str, Points], width: int, cursor: int | None = None) -> Row:
    """Each series: its line, its name, its last value; how many values cannot be drawn.

    Args:
        cursor: the step whose values are told instead of the last ones.
    """
    row: list[Span] = []
    for index, (name, points) in enumerate(series.items()):
        meaning, line, _ = _LOOKS[index % len(_LOOKS)]
        last = last_finite(points)
        if cursor is not None:
            shown = value_at(points, cursor)
        else:
            shown = last[1] if last is not None else None
        value = units.reading(shown) if shown is not None else units.UNKNOWN
        text = f"{line} {scrub(name)} {value}" if name else f"{line} {value}"
        row.append((f"  {text}" if row else text, meaning))
        if bad := sum(not math.isfinite(value) for _, value in points):
            row.append((f" ! {units.count(bad)} nan or inf", "warn"))
    return fit(row, width)


class Curve(Rows, can_focus=True, inherit_bindings=False):
    """The curves of one job, one metric at a time, over those of others if they are given."""

    HELP = """\
### Curves

What the job logs, over its steps: the last value stands beside each name.

- **[** and **]** choose the metric
- **l** logarithmic scale, **m** smooth line (a moving average)
- **left**, **right** or a press put a cursor on a step and tell its values; **Esc** ends it
- in the list of jobs, **c** lays another run's curves over these

The cursor is yours alone; the others do not see it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "metric(-1)", "Metric", id="curve.previous"),
        Binding("right_square_bracket", "metric(1)", "Metric", show=False, id="curve.next"),
        Binding("l", "log", "Log scale", id="curve.log"),
        Binding("m", "smooth", "Smooth", id="curve.smooth"),
        Binding("left,h", "move(-1)", "Cursor left", show=False, id="curve.left"),
        Binding("right", "move(1)", "Cursor right", show=False, id="curve.right"),
        Binding("escape", "leave", "No cursor", show=False, id="curve.leave"),
    ]
    DEFAULT_CSS = """
    Curve { overflow-y: hidden; }
    """

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._groups: Groups = {}
        self._others: dict[str, Groups] = {}
        self._title = ""
        self.cursor: int | None = None
        self._metric: str | None = None
        self.log_scale = False
        self.smooth = False

    def show(
        self, curves: Curves, title: str = "", others: Mapping[str, Curves] | None = None
    ) -> None:
        """Show `curves` of what is called `title`; the chosen metric stays chosen.

        Args:
            curves: metric name -> (step, value) pairs; values may be infinite or not a number.
            title: whose curves they are.
            others: the name of another run -> its curves, drawn in the same plot.
        """
        self._others = {name: metrics(found) for name, found in (others or {}).items()}
        self._groups = metrics({name: points for name, points in curves.items() if points})
        self._title = scrub(title)
        self.redraw()

    @property
    def metric(self) -> str | None:
        """The name of the metric that is shown."""
        if self._metric in self._groups:
            return self._metric
        return next(iter(self._groups), None)

    def rows(self, width: int, height: int) -> list[Row]:
        """Title, plot and legend, as far as the height allows; the plot is the last to go."""
        if self.metric is None:
            return told(EMPTY, width)
        series = self._series(self.metric)
        drawn = {name: self._transformed(points) for name, points in series.items()}
        rows: list[Row] = [self._heading(series, width)] if height >= _HEIGHT_FOR_TITLE else []
        low = height < _HEIGHT_FOR_LEGEND
        tail: list[Row] = [] if low else [legend(series, width, self.cursor)]
        plotted = plot(
            drawn,
            width,
            height - len(rows) - len(tail),
            log=self.log_scale,
            cursor=self.cursor,
        )
        return [*rows, *(plotted or self._undrawable(width)), *tail]

    def _series(self, metric: str) -> dict[str, Points]:
        """The series of a metric; with other runs, each is called after its run too."""
        own = self._groups[metric]
        if not self._others:
            return own
        runs = {self._title: own}
        runs.update((name, groups.get(metric, {})) for name, groups in self._others.items())
        return {
            f"{run} {name}".strip(): points
            for run, series in runs.items()
            for name, points in series.items()
        }

    def _undrawable(self, width: int) -> list[Row]:
        why = "no value above 0: l for a linear scale" if self.log_scale else "no finite value yet"
        return told(why, width)

    def _transformed(self, points: Points) -> Points:
        if self.smooth:
            points = smoothed(points)
        return logarithmic(points) if self.log_scale else points

    def _heading(self, series: Mapping[str, Points], width: int) -> Row:
        last = max((points[-1][0] for points in series.values()), default=0)
        name = scrub(self.metric or "")
        start: list[Span] = [(f"{self._title} · ", "muted")] if self._title else []
        start.append((name, "strong"))
        if len(self._groups) > 1:
            place = list(self._groups).index(self.metric or "") + 1
            start.append((f" {place}/{len(self._groups)}", "muted"))
        start.append((" log" * self.log_scale + " smooth" * self.smooth, "second"))
        steps = f"{units.count(min(last, 10**15))} steps"
        if self.cursor is not None:
            steps = f"step {min(self.cursor, 10**15)}"
        # The metric's name is what the row is for: whose it is goes first when there is no room.
        if self._title and width_of(start) + len(steps) + 1 > width:
            start = start[1:]
        return spread(start, [(steps, "muted")], width)

    def action_metric(self, step: int) -> None:
        """Show the next (1) or previous (-1) metric."""
        names = list(self._groups)
        if names and self.metric is not None:
            self._metric = names[(names.index(self.metric) + step) % len(names)]
            self.redraw()

    def _steps(self) -> list[int]:
        """The steps that the plot shows, in order."""
        series = self._series(self.metric).values() if self.metric is not None else ()
        return sorted({step for points in series for step, value in points if math.isfinite(value)})

    def action_move(self, way: int) -> None:
        """Move the cursor by about a column, from the last step on."""
        steps = self._steps()
        if not steps:
            return
        if self.cursor is None:
            self._point(steps[-1 if way < 0 else 0])
            return
        column = max((steps[-1] - steps[0]) // max(self.size.width, 1), 1)
        wanted = self.cursor + way * column
        later = [step for step in steps if (step >= wanted if way > 0 else step <= wanted)]
        self._point((later or [steps[-1]])[0] if way > 0 else (later or [steps[0]])[-1])

    def on_click(self, event: events.Click) -> None:
        """A press puts the cursor on the step there."""
        steps, width = self._steps(), self.scrollable_content_region.width
        if steps and width > 0:
            wanted = steps[0] + (steps[-1] - steps[0]) * event.x // width
            self._point(min(steps, key=lambda step: abs(step - wanted)))

    def _point(self, step: int | None) -> None:
        self.cursor = step
        self.redraw()

    def action_leave(self) -> None:
        """Take the cursor away."""
        self._point(None)

    def action_log(self) -> None:
        """Switch between linear and logarithmic scale."""
        self.log_scale = not self.log_scale
        self.redraw()

    def action_smooth(self) -> None:
        """Switch the moving average."""
        self.smooth = not self.smooth
        self.redraw()
