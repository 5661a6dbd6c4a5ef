from __future__ import annotations

from studio_tui.terminal.row import BLANK, Row, Run, Style


def test_a_row_knows_its_text_and_its_columns() -> None:
    row = Row((Run("ab ", 1, 3), Run("漢字", 2, 4, Style(fg=1)), Run("e\u0301", 0, 1)))
    assert row.text == "ab 漢字e\u0301"
    assert row.cells == 8


def test_a_blank_row_covers_nothing() -> None:
    assert (BLANK.text, BLANK.cells) == ("", 0)
    assert Row() == BLANK


def test_rows_compare_by_what_they_show() -> None:
    assert Row((Run("a", 1, 1, Style(fg=1)),)) == Row((Run("a", 1, 1, Style(fg=1)),))
    assert Row((Run("a", 1, 1, Style(fg=1)),)) != Row((Run("a", 1, 1, Style(fg=2)),))
