"""Curves in braille dots: the plane with its axes, the lines, the marks, and the legend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from studio_tui.app import units
from studio_tui.app.truncate import cells, left, right, scrub
from studio_tui.app.widgets.braille import DOTS_WIDE, Canvas
from studio_tui.app.widgets.rows import Row, Span, fit, spread, width_of
from studio_tui.app.widgets.run_curves import Point, Points, last_finite, value_at
from studio_tui.client.marks import Mark

_AXIS = 9
_MARK = "▾"
# Each curve is told apart by its dashes as well as by its colour.
_LOOKS = (("accent", "─", 0), ("second", "┄", 4), ("strong", "┈", 2), ("muted", "╌", 6))
_HEIGHT_FOR_STEPS, _HEIGHT_FOR_MIDDLE = 5, 7


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

    def has(self, step: int) -> bool:
        """Whether `step` is within."""
        return self.first <= step <= self.last

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
    marks: Sequence[Mark] = (),
) -> list[Row] | None:
    """The plot in `width` x `height` cells; None without a point.

    Values stand at its left, and where there is room, steps below it.

    Args:
        cursor: a step that a line shows.
        marks: steps that a dotted line shows, with a sign at its top.
    """
    frame = Frame.around(series.values())
    if frame is None:
        return None
    steps = height >= _HEIGHT_FOR_STEPS
    height -= steps
    labels = _value_marks(frame, height, log)
    gutter = max(map(cells, labels.values())) if height > 1 else 0
    canvas = Canvas(width - gutter - 1, height)
    canvas.line(0, canvas.height - 1, canvas.width - 1, canvas.height - 1, _AXIS)
    if cursor is not None:
        x = frame.x(cursor, canvas.width)
        canvas.line(x, 0, x, canvas.height - 1, _AXIS)
    struck = [frame.x(mark.step, canvas.width) for mark in marks if frame.has(mark.step)]
    for x in struck:
        for y in range(0, canvas.height, 2):
            canvas.dot(x, y, _AXIS)
    drawn = list(enumerate(series.values()))
    for index, points in reversed(drawn):
        draw(canvas, frame, points, index + 1, _LOOKS[index % len(_LOOKS)][2])
    rows: list[Row] = []
    for y in range(height):
        label = labels.get(y, "")
        axis = "⣇" if y == height - 1 else "⡇"
        row: list[Span] = [(right(label, gutter) + axis, "muted")]
        row.extend((text, _meaning(ink)) for text, ink in canvas.row(y))
        if y == 0 and struck:
            row = _signed(row, {x // DOTS_WIDE + gutter + 1 for x in struck})
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


def _signed(row: list[Span], columns: set[int]) -> list[Span]:
    """`row` with the sign of a mark in some of its columns; every character is one cell wide."""
    letters = [(char, meaning) for text, meaning in row for char in text]
    return [
        (_MARK, "warn") if column in columns else letter for column, letter in enumerate(letters)
    ]


def marks_row(marks: Sequence[Mark], width: int) -> Row:
    """What happened at the marks, the last ones where there is no room for all."""
    row: list[Span] = []
    for mark in sorted(marks, key=lambda mark: -mark.step):
        words = f" {min(mark.step, 10**15)} {scrub(mark.words)}"
        longer: list[Span] = [(_MARK, "warn"), (words, "muted"), ("  ", ""), *row]
        if row and width_of(longer) > width:
            break
        row = longer
    return fit(row[:-1], width)


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
        if row and width_of(row) + cells(text) + 2 > width:
            row.append((" …", "muted"))  # half a value would be a wrong one
            break
        row.append((f"  {text}" if row else text, meaning))
        if bad := sum(not math.isfinite(value) for _, value in points):
            row.append((f" ! {units.count(bad)} nan or inf", "warn"))
    return fit(row, width)
