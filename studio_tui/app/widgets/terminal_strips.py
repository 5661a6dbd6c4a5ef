"""Rows of a terminal as lines of the screen: styles, widths, cursor, and what lies around them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip

from studio_tui.app.underlines import meta
from studio_tui.app.widgets.restyle import restyled
from studio_tui.terminal import row as rows
from studio_tui.terminal.line import Stretch
from studio_tui.terminal.row import Cursor, Row, Run, Shape, Style, Underline

FILLER = "·"


def filler(base: RichStyle, width: int) -> Segment:
    """Dots where the terminal has no cells."""
    return Segment(FILLER * width, base + RichStyle(dim=True))


def edge(base: RichStyle, cols: int, width: int) -> Strip:
    """The line under a terminal of `cols` columns that is smaller than the view."""
    drawn = "─" * min(cols, width) + ("╯" if cols < width else "")
    line = Segment(drawn, base + RichStyle(dim=True))
    return Strip([line, filler(base, width - len(drawn))], width)


def beside(strip: Strip, base: RichStyle, width: int) -> Strip:
    """A line of the terminal, and right of it its edge and dots up to `width`."""
    rest = width - strip.cell_length
    if rest <= 0:
        return strip
    wall = Segment("│", base + RichStyle(dim=True))
    return Strip([*strip, wall, filler(base, rest - 1)], width)


def marked(strip: Strip, stretches: Iterable[Stretch], style: RichStyle) -> Strip:
    """The line with `style` over some of its columns."""
    for _, start, end in stretches:
        strip = restyled(strip, start, end, style)
    return strip


def row_strip(row: Row, cols: int, base: RichStyle) -> Strip:
    """A whole row of the terminal, `cols` cells wide."""
    segments = [Segment(_fitted(run), base + _style(run.style)) for run in row.runs]
    used = row.cells
    if used < cols:
        segments.append(Segment(" " * (cols - used), base))
    return Strip(segments, cols)


def _fitted(run: Run) -> str:
    """The run's text, made to be as wide for Textual as it is in the terminal.

    Emulators, Textual and the person's own terminal may disagree about emoji, flags and joined
    clusters; a blank beside such a character is a small price for everything else standing right.
    """
    text = run.text
    if text.isascii() or (cell_len(text) == run.cells and "\u200d" not in text):
        return text
    if run.width == 0:
        return _fit(text.rstrip("\u200d"), run.cells)
    return "".join([_fit(char, run.width) for char in text])


def _fit(glyph: str, cells: int) -> str:
    size = cell_len(glyph)
    if not 0 < size <= cells:
        glyph, size = "\ufffd", 1
    return glyph + " " * (cells - size)


def with_cursor(strip: Strip, row: Row, cursor: Cursor, focused: bool) -> Strip:
    """The painted row with the cursor over whatever character stands there."""
    start, cells = glyph_at(row, cursor.x)
    under = strip.crop(start, start + cells)
    text, look = under.text, RichStyle(reverse=True)
    if not focused or cursor.shape == Shape.HOLLOW:
        look = RichStyle(reverse=True, dim=True)
    elif cursor.shape == Shape.UNDERLINE:
        look = RichStyle(underline=True, bold=True)
    elif cursor.shape == Shape.BAR and not text.strip():
        text, look = "▏" + text[1:], RichStyle(bold=True)
    style = next((segment.style for segment in under), None) or RichStyle()
    painted = Strip([Segment(text, _inverted(style, look))], under.cell_length)
    return Strip.join([strip.crop(0, start), painted, strip.crop(start + cells)])


def glyph_at(row: Row, x: int) -> tuple[int, int]:
    """Where the character that covers column `x` begins, and how many columns it covers."""
    start = 0
    for run in row.runs:
        if x < start + run.cells:
            if not run.width:
                return start, run.cells
            return start + (x - start) // run.width * run.width, run.width
        start += run.cells
    return x, 1


def _inverted(style: RichStyle, look: RichStyle) -> RichStyle:
    """`look` upon `style`; reversing what is reversed already shows it plain."""
    if look.reverse and style.reverse:
        return style + RichStyle(reverse=False, dim=look.dim)
    return style + look


@lru_cache(4096)
def _style(style: Style) -> RichStyle:
    flags = style.flags
    # A link is shown as one; the person's own terminal never learns where it leads.
    underlined = bool(style.underline or style.link)
    return RichStyle(
        color=_colour(style.fg),
        bgcolor=_colour(style.bg),
        bold=bool(flags & rows.BOLD) or None,
        italic=bool(flags & rows.ITALIC) or None,
        dim=bool(flags & rows.FAINT) or None,
        blink=bool(flags & rows.BLINK) or None,
        reverse=bool(flags & rows.INVERSE) or None,
        conceal=bool(flags & rows.INVISIBLE) or None,
        strike=bool(flags & rows.STRIKE) or None,
        overline=bool(flags & rows.OVERLINE) or None,
        underline=underlined and style.underline != Underline.DOUBLE or None,
        underline2=style.underline == Underline.DOUBLE or None,
        meta=meta(style.underline, style.underline_colour),
    )


def _colour(colour: int | None) -> Color | None:
    if colour is None:
        return None
    if colour < rows.RGB:
        return Color.from_ansi(colour)
    return Color.from_rgb(colour >> 16 & 0xFF, colour >> 8 & 0xFF, colour & 0xFF)
