"""Two runs side by side: what each came to, how fast, in how much memory, at what cost."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from studio_tui.app import units
from studio_tui.app.screens.dialogs import FRAME
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import cells, clip, left, right, scrub
from studio_tui.app.widgets.rows import Row, Rows, told
from studio_tui.client.compare import RunSummary, lines

EMPTY = "neither run has told anything yet"
_WORDS_MOST, _VALUE_MOST = 30, 18
_NAMES = {
    "seconds": "took", "steps_per_second": "steps per second", "peak_memory_gib": "peak memory",
}  # fmt: skip


def comparison_rows(a: RunSummary, b: RunSummary, width: int) -> list[Row]:
    """What is known of either run, a line each, with the change from the first to the second."""
    found = lines(a, b)
    if not found:
        return told(EMPTY, width)
    table: list[tuple[str, ...]] = [("", scrub(a.name), scrub(b.name), "change")]
    for line in found:
        values = (_value(line.what, value) for value in (line.a, line.b))
        change = "" if line.change is None else f"{line.change:+z.1%}"
        table.append((_NAMES.get(line.what, scrub(line.what)), *values, change))
    widest = [max(map(cells, column)) for column in zip(*table, strict=True)]
    what, widths = min(widest[0], _WORDS_MOST), [min(w, _VALUE_MOST) for w in widest[1:]]
    rows: list[Row] = []
    for words, *figures in table:
        aligned = (right(clip(f, w), w) for f, w in zip(figures, widths, strict=True))
        rows.append([("  ".join([left(words, what), *aligned]), "" if rows else "muted")])
    return rows


def _value(what: str, value: str | float | None) -> str:
    match value:
        case None:
            return units.UNKNOWN
        case str():
            return scrub(value)
        case int() | float() if what == "seconds":
            return units.duration(value)
        case int() | float() if what == "cost":
            return units.money(value)
        case int() | float() if what == "peak_memory_gib":
            return f"{value:.2f} GiB"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
    return units.UNKNOWN


class _Table(Rows, can_focus=True, inherit_bindings=False):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="comparison.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="comparison.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="comparison.page_up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="comparison.page_down"),
    ]

    def __init__(self, a: RunSummary, b: RunSummary) -> None:
        super().__init__()
        self._runs = a, b

    def rows(self, width: int, height: int) -> list[Row]:
        """The comparison."""
        return comparison_rows(*self._runs, width)


class Comparison(Modal[None]):
    """Shows two runs side by side until it is left.

    Args:
        a, b: the runs; changes are those of b against a.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "leave", "leave", show=False, id="comparison.leave")
    ]
    DEFAULT_CSS = f"""
    Comparison {{
        {FRAME}
        & > Vertical {{ width: 84; }}
        & _Table {{ height: auto; min-height: 3; max-height: 70vh; background: $surface; }}
        & #notes {{ color: $text-muted; height: auto; max-height: 3; }}
        & #hint {{ color: $text-muted; margin-top: 1; }}
    }}
    """

    def __init__(self, a: RunSummary, b: RunSummary) -> None:
        super().__init__()
        self._runs = a, b

    def compose(self) -> ComposeResult:
        """The table, and what the runs remarked."""
        with Vertical() as frame:
            frame.border_title = Content("side by side")
            yield _Table(*self._runs)
            notes = dict.fromkeys(f"{run.name}: {n}" for run in self._runs for n in run.notes)
            yield Static(scrub("; ".join(notes)), id="notes", markup=False)
            yield Static("↑ ↓ scroll   esc leaves", id="hint", markup=False)
