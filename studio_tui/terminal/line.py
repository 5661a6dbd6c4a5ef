"""A line of a terminal, over all rows that it was wrapped onto (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.terminal.row import Row


class Spot(NamedTuple):
    """A place in the lines: the row's number, and a column in cells."""

    line: int
    x: int


class Stretch(NamedTuple):
    """Columns `start` to `end` (not included) of one row, in cells."""

    line: int
    start: int
    end: int


class Line(NamedTuple):
    """What was one line before the terminal wrapped it: its rows, the first one's number `first`.

    A row that goes on has its blanks at the end, too, so `text` is what was printed.
    """

    first: int
    rows: Sequence[Row]

    @property
    def last(self) -> int:
        """The number of its last row."""
        return self.first + len(self.rows) - 1

    @property
    def text(self) -> str:
        """Its characters."""
        return "".join([row.text for row in self.rows])

    def place(self, spot: Spot) -> int | None:
        """Where the character at `spot` is in `text`; None where there is none."""
        above = sum([len(row.text) for row in self.rows[: spot.line - self.first]])
        glyphs = self.rows[spot.line - self.first].glyphs()
        return next((above + g.at for g in glyphs if g.x <= spot.x < g.x + g.cells), None)

    def stretches(self, start: int, end: int) -> tuple[Stretch, ...]:
        """Where `text[start:end]` stands, row by row."""
        found, at = [], 0
        for number, row in enumerate(self.rows, self.first):
            begin, stop = max(start - at, 0), min(end - at, len(row.text))
            if begin < stop:
                found.append(Stretch(number, *cells_of(row, begin, stop)))
            at += len(row.text)
        return tuple(found)


def line_at(rows: Sequence[Row], y: int, reach: int | None = None) -> Line:
    """The line that row `y` is a part of.

    Args:
        rows: all there are.
        reach: so many rows above and below `y` are looked at; all when None.
    """
    reach = len(rows) if reach is None else reach
    first = last = y
    while first > max(0, y - reach) and rows[first - 1].wrapped:
        first -= 1
    while last < min(len(rows) - 1, y + reach) and rows[last].wrapped:
        last += 1
    return Line(first, rows[first : last + 1])


def cells_of(row: Row, start: int, end: int) -> tuple[int, int]:
    """The columns, first and one past the last, of `row.text[start:end]`."""
    first = last = None
    for text, at, x, cells, _ in row.glyphs():
        if at < end and at + len(text) > start:
            first, last = x if first is None else first, x + cells
    return first or 0, last or 0
