from __future__ import annotations

from studio_tui.terminal.line import Line, Spot, Stretch, cells_of, line_at
from studio_tui.terminal.row import BLANK, Row, Run

WIDE = Row(
    (Run("ab", 1, 2), Run("漢字", 2, 4), Run("e\u0301", 0, 1), Run("  x", 1, 3)),
)
ROWS = [WIDE._replace(wrapped=True), Row((Run("cd", 1, 2),)), WIDE]


def test_columns_of_characters() -> None:
    assert cells_of(WIDE, 2, 3) == (2, 4)
    assert cells_of(WIDE, 3, 6) == (4, 7)
    assert cells_of(WIDE, 8, 9) == (9, 10)


def test_a_line_is_all_that_was_wrapped() -> None:
    assert [line_at(ROWS, y)[0] for y in range(3)] == [0, 0, 2]
    line = line_at(ROWS, 1)
    assert (line.first, line.last, line.text) == (0, 1, "ab漢字e\u0301  xcd")
    assert line_at([ROWS[0]], 0).last == 0  # its end is not here
    many = [ROWS[0]] * 9
    assert [(found.first, found.last) for found in (line_at(many, 4, 2), line_at(many, 8, 2))] == [
        (2, 6),
        (6, 8),
    ]


def test_characters_and_cells_of_a_line() -> None:
    line = Line(5, ROWS[:2])
    assert [line.place(Spot(5, x)) for x in (0, 2, 3, 6, 9, 10)] == [0, 2, 2, 4, 8, None]
    assert [line.place(Spot(6, x)) for x in (0, 1, 2)] == [9, 10, None]
    assert line.stretches(3, 10) == (Stretch(5, 4, 10), Stretch(6, 0, 1))
    assert line.stretches(9, 11) == (Stretch(6, 0, 2),)
    assert line.stretches(4, 4) == Line(0, [BLANK]).stretches(0, 1) == ()
