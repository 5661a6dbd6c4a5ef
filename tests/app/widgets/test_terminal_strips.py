from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.style import Style as RichStyle

from studio_tui.app.underlines import KEY
from studio_tui.app.widgets.terminal_strips import beside, edge, row_strip, with_cursor
from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.row import RGB, Cursor, Row, Run, Style

BASE = RichStyle(color="white", bgcolor="black")


def painted(printed: str) -> dict[str, RichStyle]:
    """The style of each piece of a printed line."""
    emulator = Emulator(60, 1)
    emulator.feed(printed.encode())
    emulator.changed_rows()
    strip = row_strip(emulator.rows[0], 60, BASE)
    assert strip.cell_length == cell_len(strip.text) == 60
    return {segment.text: segment.style for segment in strip if segment.style}


@pytest.mark.parametrize(
    ("sgr", "attribute"),
    [
        ("1", "bold"), ("2", "dim"), ("3", "italic"), ("4", "underline"), ("5", "blink"),
        ("7", "reverse"), ("8", "conceal"), ("9", "strike"), ("53", "overline"),
        ("21", "underline2"), ("4:2", "underline2"), ("4:3", "underline"), ("4:4", "underline"),
        ("4:5", "underline"),
    ],
)  # fmt: skip
def test_attributes(sgr: str, attribute: str) -> None:
    style = painted(f"\x1b[{sgr}mX\x1b[0m rest")["X"]
    assert getattr(style, attribute)
    assert style.color == BASE.color


@pytest.mark.parametrize(
    ("sgr", "name"),
    [
        ("31", "color(1)"), ("91", "color(9)"), ("38;5;200", "color(200)"),
        ("38;2;1;2;3", "#010203"), ("38:2::1:2:3", "#010203"),
    ],
)  # fmt: skip
def test_colours_of_every_depth(sgr: str, name: str) -> None:
    style = painted(f"\x1b[{sgr}mX\x1b[0m")["X"]
    expected = RichStyle(color=name)
    assert style.color is not None
    assert expected.color is not None
    assert (style.color.number, style.color.triplet) == (
        expected.color.number, expected.color.triplet,
    )  # fmt: skip


def test_the_way_an_underline_is_drawn_travels_with_the_style() -> None:
    styles = painted("\x1b[4:3;58:2::1:2:3mcurly\x1b[0m\x1b[4mplain\x1b[0m")
    assert styles["curly"].meta == {KEY: (3, RGB | 0x010203)}
    assert styles["plain"].meta == {}


def test_a_character_that_others_take_for_wider_or_narrower_keeps_its_columns() -> None:
    row = Row(
        (Run("👩\u200d💻", 0, 2, Style()), Run("x", 1, 1), Run("\u200b", 1, 1), Run("|", 1, 1))
    )
    text = row_strip(row, 10, BASE).text
    assert cell_len(text[: text.index("|")]) == 4


def test_the_cursor_of_who_does_not_type_is_dim() -> None:
    row = Row((Run("ab", 1, 2),))
    strip = with_cursor(row_strip(row, 4, BASE), row, Cursor(1, 0), focused=False)
    (cell,) = [s for s in strip if s.style and s.style.reverse]
    assert cell.text == "b"
    assert cell.style is not None
    assert cell.style.dim


def test_the_frame_of_a_smaller_terminal() -> None:
    row = row_strip(Row((Run("ab", 1, 2),)), 4, BASE)
    assert beside(row, BASE, 8).text == "ab  │···"
    assert beside(row, BASE, 4).text == "ab  "
    assert edge(BASE, 4, 8).text == "────╯···"
    assert edge(BASE, 12, 8).text == "────────"
