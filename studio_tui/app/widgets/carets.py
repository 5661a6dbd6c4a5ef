"""The carets and selections of other people, painted over the rows of the editor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.segment import Segment
from rich.style import Style
from textual._cells import cell_len
from textual.color import Color, ColorParseError
from textual.expand_tabs import expand_tabs_inline
from textual.strip import Strip

from studio_tui.app.widgets.lf_document import LFDocument, LFWrappedDocument
from studio_tui.app.widgets.restyle import restyled

NAME_CELLS = 16
"""The widest name that is shown beside a caret."""


@dataclass(frozen=True, slots=True)
class Caret:
    """Where another person is in a text.

    Attributes:
        name: what they call themselves; shown as it is, without control characters.
        color: a CSS colour.
        anchor: byte where their selection began.
        head: byte of their caret, the other end of the selection.
    """

    name: str
    color: str
    anchor: int
    head: int


@dataclass(frozen=True, slots=True)
class Wash:
    """A range that somebody said something about, from one byte to another."""

    color: str
    start: int
    end: int


def united(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same ranges with those that touch as one: painted one by one they look alike."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


@dataclass(slots=True)
class _Row:
    """What is painted over one row: (first cell, cell after the last, style), and the names."""

    marks: list[tuple[int, int, Style]] = field(default_factory=list)
    flags: list[tuple[str, Style]] = field(default_factory=list)


class CaretLayer:
    """The carets of others as they fall on the rows `top` to `bottom` of a wrapped text.

    Args:
        background: what the colour of a selection is mixed with.
        own: the location whose cell is left to this person's own caret; None when they have none.
    """

    def __init__(
        self,
        carets: Iterable[Caret | Wash],
        wrapped: LFWrappedDocument,
        tab_width: int,
        rows: range,
        background: Color,
        own: tuple[int, int] | None = None,
    ) -> None:
        document = wrapped.document
        assert isinstance(document, LFDocument)
        self._document = document
        self._wrapped = wrapped
        self._tab_width = tab_width
        self._visible = rows
        self._background = background
        self._own = own
        self._rows: dict[int, _Row] = defaultdict(_Row)
        carets = list(carets)
        for caret in carets:
            if isinstance(caret, Wash):
                self._add_range(caret.start, caret.end, caret.color, 0.2)
        for caret in carets:
            if isinstance(caret, Caret):
                start, end = sorted((caret.anchor, caret.head))
                self._add_range(start, end, caret.color, 0.35)
        for caret in carets:
            if isinstance(caret, Caret):
                self._add_head(caret)

    def paint(self, row: int, strip: Strip, left: int, gutter: int, width: int) -> Strip:
        """Paint over a row.

        Args:
            row: its number in the wrapped text.
            strip: the row as the editor painted it.
            left: cell of the strip where the row's first cell is; negative when scrolled.
            gutter: cells at the start that stay as they are.
            width: cells of the strip that can be seen.
        """
        painted = self._rows.get(row)
        if painted is None:
            return strip
        for start, end, style in painted.marks:
            strip = restyled(strip, max(gutter, start + left), min(width, end + left), style)
        room = width - max(left + self._row_cells(row) + 1, gutter)
        for name, style in painted.flags:
            cells = cell_len(name)
            if cells > room:
                break  # a name never covers text
            strip = _overwritten(strip, width - cells, Segment(name, style))
            room, width = room - cells, width - cells
        return strip

    def _add_range(self, start: int, end: int, named: str, strength: float) -> None:
        """Underline a range, on a background with so much of its colour."""
        if start == end:
            return
        first = self._wrapped.location_to_offset(self._document.location_at(start))
        last = self._wrapped.location_to_offset(self._document.location_at(end))
        background = self._background.blend(_color(named), strength)
        style = Style(underline=True, bgcolor=background.rich_color)
        for row in range(max(first.y, self._visible.start), min(last.y + 1, self._visible.stop)):
            x = first.x if row == first.y else 0
            until = last.x if row == last.y else max(self._row_cells(row), x + 1)
            self._rows[row].marks += [(*part, style) for part in self._around_own(row, x, until)]

    def _around_own(self, row: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The cells `start` to `end` of a row, without those of this person's own caret."""
        if self._own is not None:
            own = self._wrapped.location_to_offset(self._own)
            if own.y == row and start <= own.x < end:
                yield start, own.x
                start = min(own.x + self._cells_at(self._own), end)
        yield start, end

    def _cells_at(self, location: tuple[int, int]) -> int:
        """Cells of the character at a location."""
        line, column = self._document[location[0]], location[1]
        under = line[column] if column < len(line) else " "
        return 1 if under == "\t" else max(1, cell_len(under))

    def _add_head(self, caret: Caret) -> None:
        location = self._document.location_at(caret.head)
        offset = self._wrapped.location_to_offset(location)
        if offset.y not in self._visible:
            return
        color = _color(caret.color)
        row = self._rows[offset.y]
        name = _shown(caret.name)
        if name:
            row.flags.append((f" {name}▏", Style(color=color.rich_color, bold=True)))
        if location == self._own:
            return
        cells = self._cells_at(location)
        contrast = color.get_contrast_text(1.0)
        style = Style(color=contrast.rich_color, bgcolor=color.rich_color, underline=False)
        row.marks.append((offset.x, offset.x + cells, style))

    def _row_cells(self, row: int) -> int:
        """Cells that the text takes on a row."""
        line, section = self._wrapped._offset_to_line_info[row]
        text = self._wrapped.get_sections(line)[section]
        return cell_len(expand_tabs_inline(text, self._tab_width))


def _shown(name: str) -> str:
    """A name fit for the screen: printable, on one line, cut to `NAME_CELLS`."""
    name = "".join(char for char in name if char.isprintable()).strip()
    if cell_len(name) <= NAME_CELLS:
        return name
    while cell_len(name) > NAME_CELLS - 1:
        name = name[:-1]
    return name + "…"


def _color(value: str) -> Color:
    try:
        return Color.parse(value)
    except ColorParseError:
        return Color.parse("magenta")


def _overwritten(strip: Strip, start: int, segment: Segment) -> Strip:
    """The strip with a segment put over it, on the background that was there."""
    end = start + segment.cell_length
    below = next((part.style for part in strip.crop(start, end) if part.style), Style())
    over = Strip([Segment(segment.text, below + (segment.style or Style()))])
    return Strip.join([strip.crop(0, start), over, strip.crop(end)])
