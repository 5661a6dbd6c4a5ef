"""The nouns of a terminal screen: style, run, row, cursor, modes; no emulator and no bytes.

Widths are decided once, by the emulator, and travel with the text: nothing here or above it ever
    asks how wide a character is.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

MAX_SIDE = 1000
"""Most columns, and most rows, of a terminal."""

MAX_CELLS = 250_000
"""Most cells of a terminal."""

RGB = 0x1000000
"""Added to 0xRRGGBB so that a true colour is never mistaken for one of the 256 palette entries."""

BOLD, ITALIC, FAINT, BLINK, INVERSE, INVISIBLE, STRIKE, OVERLINE = (1 << bit for bit in range(8))


class Underline(IntEnum):
    """The kinds of underline a cell may have."""

    NONE = 0
    SINGLE = 1
    DOUBLE = 2
    CURLY = 3
    DOTTED = 4
    DASHED = 5


class Style(NamedTuple):
    """How a cell looks. Colours are None (the default), 0..255 (palette) or `RGB | 0xRRGGBB`."""

    fg: int | None = None
    bg: int | None = None
    underline_colour: int | None = None
    flags: int = 0
    underline: int = Underline.NONE
    link: str = ""


PLAIN = Style()


class Run(NamedTuple):
    """Neighbouring cells of one style and one width.

    Attributes:
        text: the characters; never a control character.
        width: cells of each character, 1 or 2; 0 when the whole text is one cluster of code points.
        cells: columns the run covers: `len(text) * width`, or the width of the cluster.
        style: how all of it looks.
    """

    text: str
    width: int
    cells: int
    style: Style = PLAIN


class Glyph(NamedTuple):
    """A character or cluster of a row, with its cells.

    Attributes:
        text: its code points.
        at: its place in the row's text.
        x: its first column.
        cells: columns that it covers.
        style: how it looks.
    """

    text: str
    at: int
    x: int
    cells: int
    style: Style


class Row(NamedTuple):
    """One line of the screen, from the left edge; right of the last run it is blank and plain.

    `wrapped`: what was printed was too long for it and goes on in the next row.
    """

    runs: tuple[Run, ...] = ()
    wrapped: bool = False

    @property
    def text(self) -> str:
        """The characters of the row, blanks right of the last run left out."""
        return "".join([run.text for run in self.runs])

    @property
    def cells(self) -> int:
        """Columns that the runs cover."""
        return sum([run.cells for run in self.runs])

    def glyphs(self) -> Iterator[Glyph]:
        """The characters and clusters, from the left."""
        at = x = 0
        for run in self.runs:
            parts = run.text if run.width else [run.text]
            for part in parts:
                cells = run.width or run.cells
                yield Glyph(part, at, x, cells, run.style)
                at, x = at + len(part), x + cells


BLANK = Row()


class Shape(IntEnum):
    """The cursor's shape, as DECSCUSR names them."""

    BAR = 0
    BLOCK = 1
    UNDERLINE = 2
    HOLLOW = 3


class Cursor(NamedTuple):
    """Where the cursor is (cells from the left, rows from the top, from 0) and how it shows."""

    x: int = 0
    y: int = 0
    visible: bool = True
    shape: int = Shape.BLOCK
    blinking: bool = False


class Mouse(IntEnum):
    """Which mouse events the program asked for."""

    NONE = 0
    PRESS = 1
    CLICK = 2
    DRAG = 3
    MOTION = 4


class Modes(NamedTuple):
    """What a viewer must know of the modes.

    `password`: the program reads a line and shows nothing of it, as when it asks for a password.
    """

    alternate: bool = False
    application_cursor: bool = False
    bracketed_paste: bool = False
    mouse: int = Mouse.NONE
    password: bool = False
