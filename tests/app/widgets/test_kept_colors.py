from __future__ import annotations

import random

import pytest

from studio_tui.app.widgets.kept_colors import Highlight, Move, moved

COLORS: dict[int, list[Highlight]] = {
    3: [(0, 3, "keyword"), (4, 9, "name")],
    4: [(0, None, "string")],
    5: [(0, 2, "string"), (3, 6, "number")],
    6: [(0, 1, "operator")],
}
ROWS = range(3, 7)


@pytest.mark.parametrize(
    ("move", "colors", "rows"),
    [
        # a letter before, in, and at the end of a word
        (Move((3, 0), (3, 0), (3, 1)), {3: [(1, 4, "keyword"), (5, 10, "name")]}, range(3, 7)),
        (Move((3, 5), (3, 5), (3, 6)), {3: [(0, 3, "keyword"), (4, 10, "name")]}, range(3, 7)),
        (Move((3, 9), (3, 9), (3, 10)), {3: [(0, 3, "keyword"), (4, 10, "name")]}, range(3, 7)),
        # a word taken out, and half of one
        (Move((3, 4), (3, 9), (3, 4)), {3: [(0, 3, "keyword")]}, range(3, 7)),
        (Move((3, 6), (3, 9), (3, 6)), {3: [(0, 3, "keyword"), (4, 6, "name")]}, range(3, 7)),
    ],
)
def test_an_edit_in_a_row_moves_what_is_in_it(
    move: Move, colors: dict[int, list[Highlight]], rows: range
) -> None:
    assert moved(COLORS, ROWS, move) == (COLORS | colors, rows)


def test_a_line_more_moves_those_below() -> None:
    kept, rows = moved(COLORS, ROWS, Move((3, 4), (3, 4), (4, 0)))
    assert kept == {3: [(0, 3, "keyword")], 5: COLORS[4], 6: COLORS[5], 7: COLORS[6]}
    assert rows == range(3, 8)


def test_lines_less_move_those_below_up() -> None:
    kept, rows = moved(COLORS, ROWS, Move((3, 4), (5, 3), (3, 4)))
    assert kept == {3: [(0, 3, "keyword")], 4: COLORS[6]}
    assert rows == range(3, 5)


def test_an_edit_above_or_below_all_of_them() -> None:
    assert moved(COLORS, ROWS, Move((9, 0), (9, 0), (11, 0))) == (COLORS, ROWS)
    kept, rows = moved(COLORS, ROWS, Move((0, 0), (0, 0), (2, 0)))
    assert (kept, rows) == ({row + 2: each for row, each in COLORS.items()}, range(5, 9))


def test_whatever_is_edited_the_colors_stay_in_the_text() -> None:
    chance = random.Random(7)
    for _ in range(300):
        lines = ["x" * chance.randrange(6) for _ in range(6)]
        colors: dict[int, list[Highlight]] = {
            row: [(0, len(line), "name")] for row, line in enumerate(lines) if line
        }
        top, bottom = sorted(chance.choices(range(6), k=2))
        start = (top, chance.randrange(len(lines[top]) + 1))
        end = max(start, (bottom, chance.randrange(len(lines[bottom]) + 1)))
        new = chance.choice(["", "y", "yy\n", "\n\n"]).split("\n")
        rest = lines[end[0]][end[1] :]
        lines[start[0] : end[0] + 1] = [lines[start[0]][: start[1]] + new[0], *new[1:]]
        at = start[0] + len(new) - 1
        move = Move(start, end, (at, len(lines[at])))
        lines[at] += rest
        kept, rows = moved(colors, range(6), move)
        assert rows.start <= rows.stop <= len(lines)
        for row, highlights in kept.items():
            for first, last, _ in highlights:
                assert last is not None
                assert 0 <= first < last <= len(lines[row])
