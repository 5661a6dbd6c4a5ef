"""What a file or table of a source looks like: rows, text, or a picture in half blocks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.color import Color
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from studio_tui.app import units
from studio_tui.app.truncate import left, right, scrub
from studio_tui.client.data import DataEntry, DataPreview, numeric

CELL = 24


class DataPreviewPane(VerticalScroll):
    """One preview at a time."""

    DEFAULT_CSS = """
    DataPreviewPane {
        padding: 0 1;
        scrollbar-size-vertical: 1;
        & > #about { color: $text-muted; }
        & > #content { width: auto; }
    }
    """

    def compose(self) -> ComposeResult:
        """What it is, and its content."""
        yield Static("", id="about", markup=False)
        yield Static("", id="content", markup=False)

    def show_entry(self, entry: DataEntry) -> None:
        """Say what the cursor is on, before anything of it is read."""
        self._show([entry.url, described(entry)], Text())

    def show_preview(self, found: DataPreview) -> None:
        """Show what was read."""
        lines = [found.entry.url, described(found.entry)]
        if found.total is not None:
            lines[1] += f"  {found.total} rows"
        if found.width:
            lines[1] += f"  {found.width}×{found.height} pixels"
        self._show([*lines, *([found.note] if found.note else [])], drawn(found))

    def _show(self, about: Sequence[str], content: Text) -> None:
        self.query_one("#about", Static).update(Content("\n".join(map(scrub, about))))
        self.query_one("#content", Static).update(content)
        self.scroll_home(animate=False)


def described(entry: DataEntry) -> str:
    """A thing in a few words."""
    size = "" if entry.size is None else f"  {units.size(entry.size)}"
    return f"{entry.kind}{size}" + (f"  {entry.note}" if entry.note else "")


def drawn(found: DataPreview) -> Text:
    """The content of a preview."""
    if found.kind == "image":
        return half_blocks(found.pixels)
    if found.kind == "table":
        return table(found.columns, found.rows)
    return Text("\n".join(scrub(line.expandtabs(4)) for line in found.text.split("\n")))


def table(columns: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> Text:
    """Columns under each other: their names, their types, their values."""
    heads = [[scrub(str(part)) for part in column] for column in columns]
    lines = [[head[0] for head in heads], [head[-1] if len(head) > 1 else "" for head in heads]]
    cells = [*lines, *([scrub(cell) for cell in row] for row in rows)]
    widths = [
        min(CELL, max((len(row[at]) for row in cells if at < len(row)), default=0))
        for at in range(len(heads))
    ]
    numbers = numeric(rows)
    places = [right if at in numbers else left for at in range(len(heads))]
    text = Text(no_wrap=True)
    for number, row in enumerate(cells):
        style = ("bold", "dim")[number] if number < 2 else ""
        shown = (place(c, w) for place, c, w in zip(places, row, widths, strict=False))
        text.append("  ".join(shown), style)
        text.append("\n")
    return text


def half_blocks(pixels: Sequence[str]) -> Text:
    """A picture: each character shows two pixels, one above the other."""
    text = Text(no_wrap=True)
    for top, bottom in zip(pixels[::2], pixels[1::2], strict=False):
        for at in range(0, min(len(top), len(bottom)) - 5, 6):
            upper, lower = colour(top[at : at + 6]), colour(bottom[at : at + 6])
            text.append("▀", Style(color=upper, bgcolor=lower))
        text.append("\n")
    return text


def colour(pixel: str) -> Color:
    """The colour of "rrggbb"; black where that is none."""
    try:
        return Color.parse(f"#{int(pixel, 16):06x}")
    except ValueError:
        return Color.parse("#000000")
