"""A canvas of braille dots: two by four to a cell, each cell with one ink."""

from __future__ import annotations

from itertools import groupby

DOTS_WIDE, DOTS_HIGH = 2, 4
_BLANK = 0x2800
# The bit of each dot, by row within the cell, then column.
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """Dots on `columns` x `rows` cells; (0, 0) is the top left dot. Dots outside are ignored.

    An ink is any small number that the drawer gives a meaning. A cell can have one ink only: the
    last one drawn into it, so what matters most is drawn last.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = max(columns, 0)
        self.rows = max(rows, 0)
        self.width = self.columns * DOTS_WIDE
        self.height = self.rows * DOTS_HIGH
        self._bits = [0] * (self.columns * self.rows)
        self._inks = [0] * (self.columns * self.rows)

    def dot(self, x: int, y: int, ink: int = 0) -> None:
        """Set the dot at `x`, `y`."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return
        cell = y // DOTS_HIGH * self.columns + x // DOTS_WIDE
        self._bits[cell] |= _BITS[y % DOTS_HIGH][x % DOTS_WIDE]
        self._inks[cell] = ink

    def line(self, x0: int, y0: int, x1: int, y1: int, ink: int = 0, dash: int = 0) -> None:
        """A straight line, ends included; with `dash`, every other run of so many columns only.

        The dashes are fixed to the canvas, so that a curve of many short lines is dashed evenly.
        """
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            x = x0 + round((x1 - x0) * step / steps)
            if dash and x // dash % 2:
                continue
            self.dot(x, y0 + round((y1 - y0) * step / steps), ink)

    def row(self, y: int) -> list[tuple[str, int]]:
        """Row `y` of cells from the left, as runs of text with their ink; ink 0 where empty."""
        start = y * self.columns
        span = range(start, start + self.columns)
        coloured = ((chr(_BLANK | self._bits[i]), self._inks[i]) for i in span)
        return [
            ("".join(char for char, _ in run), ink)
            for ink, run in groupby(coloured, key=lambda cell: cell[1])
        ]

    def text(self) -> list[str]:
        """All rows as text, without ink."""
        return ["".join(run for run, _ in self.row(y)) for y in range(self.rows)]
