"""A table of precisions, of which one is chosen and several can be run against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from studio_tui.app.widgets.precision_rows import advice_rows, run_rows
from studio_tui.app.widgets.rows import Row, Rows
from studio_tui.client.advisor import Estimate
from studio_tui.client.compare import RunSummary


class PrecisionTable(Rows, can_focus=True, inherit_bindings=False):
    """What each precision takes, and below it what runs of a few steps took."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="precision.up"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="precision.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="precision.page_up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="precision.page_down"),
        Binding("space", "mark", "Mark", show=False, id="precision.mark"),
        Binding("enter", "choose", "Choose", show=False, id="precision.choose"),
        Binding("m", "measure", "Measure", show=False, id="precision.measure"),
    ]
    DEFAULT_CSS = """
    PrecisionTable { height: auto; background: $surface; }
    """

    class Chosen(Message):
        """This precision is to be run with."""

        def __init__(self, precision: str) -> None:
            super().__init__()
            self.precision = precision

    class MeasureWanted(Message):
        """A few steps are to be run in each of these precisions."""

        def __init__(self, precisions: Sequence[str]) -> None:
            super().__init__()
            self.precisions = precisions

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._estimates: Sequence[Estimate] = ()
        self._runs: Sequence[RunSummary] = ()
        self._marked: list[str] = []
        self.precision = ""

    def show(self, estimates: Sequence[Estimate], runs: Sequence[RunSummary] = ()) -> None:
        """Show what is estimated and what was measured; the cursor stays on its precision."""
        self._estimates, self._runs = estimates, runs
        names = self._names
        if self.precision not in names:
            self.precision = names[0] if names else ""
        self.redraw()

    @property
    def marked(self) -> Sequence[str]:
        """Those to run against each other; the one under the cursor where none is marked."""
        return [name for name in self._names if name in self._marked] or [self.precision]

    @property
    def _names(self) -> list[str]:
        return [estimate.precision for estimate in self._estimates]

    def rows(self, width: int, height: int) -> list[Row]:
        """The estimates, and below them what was measured."""
        advised = advice_rows(self._estimates, self.precision, self._marked, width)
        measured = run_rows(self._runs)
        return [*advised, [("", "")], *measured] if measured else advised

    def choose(self, precision: str) -> None:
        """Put the cursor on a precision, if it is there."""
        if precision in self._names:
            self.precision = precision
            self.redraw()

    def action_cursor(self, step: int) -> None:
        """Move the cursor by `step` rows."""
        names = self._names
        if names:
            at = names.index(self.precision) + step
            self.choose(names[min(max(at, 0), len(names) - 1)])

    def action_mark(self) -> None:
        """Mark the precision under the cursor for a run against others, or no longer."""
        if self.precision in self._marked:
            self._marked.remove(self.precision)
        elif self.precision:
            self._marked.append(self.precision)
        self.redraw()

    def action_choose(self) -> None:
        """Take the precision under the cursor."""
        if self.precision:
            self.post_message(self.Chosen(self.precision))

    def action_measure(self) -> None:
        """Ask for short runs of those that are marked."""
        if self.precision:
            self.post_message(self.MeasureWanted(self.marked))

    def on_click(self, event: events.Click) -> None:
        """A press puts the cursor there; on its row it takes the precision."""
        row = event.y + self.scroll_offset.y - 1
        if 0 <= row < len(self._estimates):
            name = self._names[row]
            if name == self.precision:
                self.action_choose()
            self.choose(name)
