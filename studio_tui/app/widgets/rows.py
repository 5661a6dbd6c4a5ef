"""A board drawn row by row: spans of text with a meaning, put on the screen as strips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from studio_tui.app.truncate import cells, clip

Span = tuple[str, str | Style]
"""Text and what it means: one of `MEANINGS` (several may be joined by a space), "" or a style."""
Row = Sequence[Span]

MEANINGS = ("good", "warn", "bad", "accent", "second", "muted", "strong")


def width_of(row: Row) -> int:
    """How many cells `row` takes."""
    return sum(cells(text) for text, _ in row)


def fit(row: Row, width: int) -> list[Span]:
    """`row` in at most `width` cells; what does not fit is cut with an ellipsis."""
    if width_of(row) <= width:
        return list(row)
    fitted: list[Span] = []
    room = width
    for text, meaning in row:
        cut = clip(text, room)
        # A span that fits exactly, with more to come, gives its last cell to the ellipsis.
        if cut == text and cells(text) == room:
            cut = clip(text + "…", room)
        if cut:
            fitted.append((cut, meaning))
        room -= cells(cut)
        if room <= 0 or cut != text:
            break
    return fitted


def spread(start: Row, end: Row, width: int) -> list[Span]:
    """`start` at the left and `end` at the right of `width` cells; `start` gives way."""
    end = fit(end, width)
    room = width - width_of(end)
    start = fit(start, max(room - 1, 0)) if end else fit(start, room)
    return [*start, (" " * (room - width_of(start)), ""), *end]


def told(text: str, width: int) -> list[Row]:
    """A sentence for an empty place, over as many rows as it takes."""
    return [[(clip(f" {line}", width), "muted")] for line in wrap(text, max(width - 2, 1))]


class Rows(ScrollView, inherit_bindings=False):
    """A widget whose content is `rows(width)`, drawn with the Line API; scrolls when too long.

    One such widget costs a tenth of a board of widgets: subclasses give rows, and call `redraw`
    when what they show has changed.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rows--{meaning}" for meaning in MEANINGS}

    DEFAULT_CSS = """
    Rows {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .rows--good { color: $text-success; }
        & > .rows--warn { color: $text-warning; }
        & > .rows--bad { color: $text-error; }
        & > .rows--accent { color: $text-primary; }
        & > .rows--second { color: #d7a5ff; }
        &:light > .rows--second { color: #7a2fb5; }
        &:ansi > .rows--second { color: ansi_magenta; }
        & > .rows--muted { color: $foreground 60%; }
        & > .rows--strong { text-style: bold; }
    }
    """

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._drawn: list[Row] | None = None
        self._drawn_for = (-1, -1)
        self._styles: dict[str, Style] = {}

    def rows(self, width: int, height: int) -> list[Row]:
        """What to show in `width` cells; `height` is what can be seen at once."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again with the next frame: what is shown has changed."""
        self._drawn = None
        if self.is_mounted:
            self._content()
            self.refresh()

    def _content(self) -> list[Row]:
        size = self.scrollable_content_region.size
        if self._drawn is None or self._drawn_for != size:
            rows = self.rows(size.width, size.height) if size.width > 0 else []
            self._drawn = [fit(row, size.width) for row in rows]
            self._drawn_for = size
            self.virtual_size = Size(size.width, len(self._drawn))
        return self._drawn

    def on_resize(self) -> None:
        """Lay the rows out for the new size."""
        self.redraw()

    def meaning_style(self, meaning: str | Style) -> Style:
        """The style of a span's meaning in the current theme, without a background."""
        if isinstance(meaning, Style):
            return meaning
        style = self._styles.get(meaning)
        if style is None:
            style = Style.null()
            for word in meaning.split():
                style += _foreground(self.get_component_rich_style(f"rows--{word}"), word)
            self._styles[meaning] = style
        return style

    def notify_style_update(self) -> None:
        """Look the styles up again: the theme is another one."""
        super().notify_style_update()
        self._styles.clear()

    def row_style(self, y: int) -> Style:
        """What is laid under row `y`: the widget's own style, or a cursor's."""
        return self.rich_style

    def render_line(self, y: int) -> Strip:
        """Row `y` of what is visible."""
        width = self.scrollable_content_region.width
        content, index = self._content(), y + self.scroll_offset.y
        style = self.row_style(index)
        if index >= len(content):
            return Strip.blank(width, self.rich_style)
        segments = [
            Segment(text, style + self.meaning_style(meaning))
            for text, meaning in content[index]
            if text
        ]
        return Strip(segments).adjust_cell_length(width, style)


@lru_cache(64)
def _foreground(style: Style, meaning: str) -> Style:
    if meaning == "strong":
        return Style(bold=True)
    return Style(color=style.color, dim=True if meaning == "muted" and not _rgb(style) else None)


def _rgb(style: Style) -> bool:
    return style.color is not None and style.color.triplet is not None
