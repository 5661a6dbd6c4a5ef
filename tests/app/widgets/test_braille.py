from __future__ import annotations

from studio_tui.app.widgets.braille import Canvas


def test_each_dot_has_its_bit() -> None:
    canvas = Canvas(1, 1)
    for x in range(2):
        for y in range(4):
            canvas.dot(x, y)
    assert canvas.text() == ["⣿"]


def test_dots_outside_are_ignored() -> None:
    canvas = Canvas(2, 1)
    for x, y in ((-1, 0), (4, 0), (0, -1), (0, 4), (10**9, 10**9)):
        canvas.dot(x, y)
    assert canvas.text() == ["⠀⠀"]


def test_a_line_has_both_ends() -> None:
    canvas = Canvas(2, 1)
    canvas.line(0, 3, 3, 0)
    assert canvas.text() == ["⡠⠊"]
    back = Canvas(2, 1)
    back.line(3, 0, 0, 3)
    assert back.text() == canvas.text()


def test_a_dashed_line_has_even_gaps() -> None:
    canvas = Canvas(4, 1)
    canvas.line(0, 0, 7, 0, dash=2)
    assert canvas.text() == ["⠉⠀⠉⠀"]


def test_the_last_ink_of_a_cell_wins() -> None:
    canvas = Canvas(3, 1)
    canvas.line(0, 0, 5, 0, ink=1)
    canvas.dot(2, 3, ink=2)
    assert canvas.row(0) == [("⠉", 1), ("⡉", 2), ("⠉", 1)]


def test_a_canvas_without_cells_takes_dots() -> None:
    for columns, rows in ((0, 0), (0, 2), (-1, -1)):
        canvas = Canvas(columns, rows)
        canvas.line(0, 0, 3, 3)
        assert "".join(canvas.text()) == ""
