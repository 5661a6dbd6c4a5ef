"""The board of a metric's curves over the steps of one training run or several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from studio_tui.app import units
from studio_tui.app.truncate import scrub
from studio_tui.app.widgets.curve_plot import legend, marks_row, plot
from studio_tui.app.widgets.rows import Row, Rows, Span, spread, told, width_of
from studio_tui.app.widgets.run_curves import Curves, Groups, Points, logarithmic, metrics, smoothed
from studio_tui.app.words import plural
from studio_tui.client.marks import Mark

EMPTY = "no curve yet: self.log(...) in training_step draws one"
_HEIGHT_FOR_LEGEND, _HEIGHT_FOR_TITLE, _HEIGHT_FOR_MARKS = 3, 4, 6


class Curve(Rows, can_focus=True, inherit_bindings=False):
    """The curves of one job, one metric at a time, over those of others if they are given."""

    HELP = """\
### Curves

What the job logs, over its steps: the last value stands beside each name.

- **[** and **]** choose the metric
- **l** logarithmic scale, **m** smooth line (a moving average)
- **left**, **right** or a press put a cursor on a step and tell its values; **Esc** ends it
- in the list of jobs, **c** lays another run's curves over these
- `▾` stands where the job went on after a break: another attempt, another machine

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
        self._marks: Sequence[Mark] = ()
        self._title = ""
        self.cursor: int | None = None
        self._metric: str | None = None
        self.log_scale = False
        self.smooth = False

    def show(
        self,
        curves: Curves,
        title: str = "",
        others: Mapping[str, Curves] | None = None,
        marks: Sequence[Mark] = (),
    ) -> None:
        """Show `curves` of what is called `title`; the chosen metric stays chosen.

        Args:
            curves: metric name -> (step, value) pairs; values may be infinite or not a number.
            title: whose curves they are.
            others: the name of another run -> its curves, drawn in the same plot.
            marks: where the run went on after a break.
        """
        self._others = {name: metrics(found) for name, found in (others or {}).items()}
        self._groups = metrics({name: points for name, points in curves.items() if points})
        self._title, self._marks = scrub(title), marks
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
        if self._marks and height >= _HEIGHT_FOR_MARKS:
            tail.append(marks_row(self._marks, width))
        plotted = plot(
            drawn,
            width,
            height - len(rows) - len(tail),
            log=self.log_scale,
            cursor=self.cursor,
            marks=self._marks,
        )
        return [*rows, *(plotted or self._undrawable(width)), *tail]

    def _series(self, metric: str) -> dict[str, Points]:
        """The series of a metric; among several runs the first of each is called as the run is."""
        own = self._groups[metric]
        if not self._others:
            return own
        runs = {self._title: own}
        runs.update((name, groups.get(metric, {})) for name, groups in self._others.items())
        ranked = [
            (place, f"{run} {name}".strip() if place or not run else run, points)
            for run, series in runs.items()
            for place, (name, points) in enumerate(series.items())
        ]
        # The first of each run before the second of any: the legend may not have room for all.
        return {name: points for _, name, points in sorted(ranked, key=lambda each: each[0])}

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
        if self._others:
            start.append((f" + {plural(len(self._others), 'run')} over it", "second"))
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
