"""The margin of an editor: signs of comments and marks beside their lines, and who wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from studio_tui.app.truncate import cells, clip
from studio_tui.app.widgets.editor import Editor

SIGN_CELLS, AUTHOR_CELLS = 2, 9
REFRESH_SECONDS = 0.5
"""How long an author's column may be behind the text: looking for authors takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One cell beside a line, in a colour as Rich has it."""

    glyph: str
    colour: str


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a line: a name, "" for the file itself and "?" for nobody knows, and a colour."""

    name: str
    colour: str = ""


class Margin(Widget):
    """Stands to the left of an editor and moves with it; it has no width while there is nothing.

    Args:
        editor: the editor.
        author: tells who wrote a line (from 0); asked for the lines in sight alone.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"margin--quiet"}
    DEFAULT_CSS = """
    Margin {
        width: 0;
        height: 1fr;
        background: $background;
        & > .margin--quiet { color: $text-muted; }
    }
    """

    def __init__(self, editor: Editor, author: Callable[[int], Author]) -> None:
        super().__init__()
        self._editor = editor
        self._author = author
        self._signs: Mapping[int, Sign] = {}
        self._authors: dict[int, Author] = {}
        self._waiting = False
        self.named = False
        """Whether authors are shown."""

    def on_mount(self) -> None:
        """Move as the editor does."""
        self.watch(self._editor, "scroll_y", self._moved, init=False)

    def on_resize(self) -> None:
        """Find the authors of lines that came into sight."""
        self._moved()

    def show(self, signs: Mapping[int, Sign]) -> None:
        """Show these signs, by line (from 0)."""
        if signs != self._signs:
            self._signs = dict(signs)
            self._fit()

    def name_authors(self, named: bool) -> None:
        """Show who wrote each line, or no longer."""
        self.named = named
        self._look()
        self._fit()

    def _fit(self) -> None:
        self.styles.width = SIGN_CELLS * bool(self._signs) + AUTHOR_CELLS * self.named
        self.refresh()

    def changed(self) -> None:
        """The text is another one: look for the authors soon."""
        if self.named and not self._waiting:
            self._waiting = True
            self.set_timer(REFRESH_SECONDS, self._look)
        self.refresh()

    def _moved(self) -> None:
        """Look at what is in sight now; later, for the view may move in a transaction."""
        if self.named:
            self.call_later(self._look)
        self.refresh()

    def _look(self) -> None:
        self._waiting = False
        lines = {line for line, section in self._rows() if section == 0} if self.named else set()
        self._authors = {line: self._author(line) for line in lines}
        self.refresh()

    def _rows(self) -> list[tuple[int, int]]:
        """Line and section of each row in sight."""
        top, rows = self._editor.scroll_offset.y, self._editor.wrapped_document._offset_to_line_info
        return rows[top : top + self.size.height]

    def render_line(self, y: int) -> Strip:
        """The sign and the author of the line that begins in a row."""
        rows, width = self._rows(), self.size.width
        if y >= len(rows) or rows[y][1] > 0:
            return Strip.blank(width, self.rich_style)
        line = rows[y][0]
        segments = []
        if self.named:
            segments.append(self._named(line, y == 0))
        if self._signs:
            sign = self._signs.get(line)
            style = Style(color=sign.colour, bold=True) if sign else None
            segments.append(Segment(f"{sign.glyph} " if sign else "  ", style))
        return Strip(segments).apply_style(self.rich_style).adjust_cell_length(width)

    def _named(self, line: int, first: bool) -> Segment:
        """The author's cells: the name where another one begins, else a line of their colour."""
        author = self._authors.get(line, Author(""))
        begins = first or self._authors.get(line - 1, Author("")).name != author.name
        name = clip(author.name, AUTHOR_CELLS - 3) if begins else ""
        text = f"{name}{' ' * (AUTHOR_CELLS - 2 - cells(name))}{'▏' if author.name else ' '} "
        quiet = self.get_component_rich_style("margin--quiet", partial=True)
        return Segment(text, Style(color=author.colour) if author.colour else quiet)
