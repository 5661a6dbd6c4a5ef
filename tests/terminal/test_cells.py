from __future__ import annotations

import pytest

from studio_tui.terminal.cells import clean, is_clean, read_row
from studio_tui.terminal.row import BLANK, BOLD, RGB, Row, Run, Style

WIDE, TAIL, HEAD = 1 << 42, 2 << 42, 3 << 42
LINK = 1 << 45
RED = Style(fg=1, flags=BOLD)


def cell(char: str = "\0", style: int = 0, rest: int = 0) -> int:
    return ord(char) << 2 | style << 26 | rest


class Lookup:
    def style(self, x: int) -> Style:
        return RED

    def cluster(self, x: int) -> str:
        return "e\u0301" * 40

    def link(self, x: int) -> str:
        return f"http://{x}"


def read(*cells: int) -> Row:
    return read_row(cells, Lookup())


def test_plain_text_with_gaps_is_one_run() -> None:
    assert read(cell("a"), 0, cell("b"), 0, 0) == Row((Run("a b", 1, 3),))


def test_nothing_is_a_blank_row() -> None:
    assert read(0, 0, 0) is BLANK
    assert read() is BLANK


def test_neighbours_of_one_style_and_width_join() -> None:
    row = read(cell("a", 1), cell("b", 1), cell("漢", 1, WIDE), cell(rest=TAIL), cell("c"))
    assert row == Row((Run("ab", 1, 2, RED), Run("漢", 2, 2, RED), Run("c", 1, 1)))


def test_a_cluster_stands_alone_and_is_cut_to_a_bound() -> None:
    row = read(cell("a"), 1 | WIDE, cell(rest=TAIL), cell("b"))
    assert [(run.width, run.cells) for run in row.runs] == [(1, 1), (0, 2), (1, 1)]
    assert len(row.runs[1].text) == 32


def test_the_blank_before_a_wrapped_wide_character_is_a_blank() -> None:
    assert read(cell("a"), cell(rest=HEAD)).text == "a"
    assert read(cell("a", 1), cell("x", 1, HEAD), cell("b", 1)).text == "a b"


def test_a_link_is_part_of_the_style() -> None:
    row = read(cell("a", 0, LINK), cell("b", 1, LINK))
    assert [run.style.link for run in row.runs] == ["http://0", "http://1"]
    assert row.runs[1].style == RED._replace(link="http://1")


def test_cells_erased_to_a_background() -> None:
    palette, colour = 2 | 7 << 2, 3 | (0x11 | 0x22 << 8 | 0x33 << 16) << 2
    row = read(palette, palette, colour)
    assert row == Row((Run("  ", 1, 2, Style(bg=7)), Run(" ", 1, 1, Style(bg=RGB | 0x112233))))


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x7f", "\x9b", "\ud800"])
def test_nothing_that_a_terminal_would_obey_gets_through(char: str) -> None:
    assert not is_clean(f"a{char}b")
    assert clean(f"a{char}b") == "a\ufffdb"
    assert read(cell(char)).text == "\ufffd"
    assert read(cell(char, 1)).text == "\ufffd"
