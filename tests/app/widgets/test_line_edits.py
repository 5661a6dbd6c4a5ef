from __future__ import annotations

from collections.abc import Iterable

import pytest

from studio_tui.app.widgets.line_edits import (
    LineEdit,
    indented,
    next_indent,
    outdented,
    toggled,
)

LINES = ["def f():", "    x = 1", "", "\ty = 2", "  z"]
ALL = range(len(LINES))


def done(lines: list[str], edits: Iterable[LineEdit]) -> list[str]:
    lines = list(lines)
    for row, start, end, text in sorted(edits, reverse=True):
        lines[row] = lines[row][:start] + text + lines[row][end:]
    return lines


def test_lines_move_right_but_not_empty_ones() -> None:
    moved = done(LINES, indented(LINES, ALL, "    "))
    assert moved == ["    def f():", "        x = 1", "", "    \ty = 2", "      z"]
    assert done(moved, outdented(moved, ALL, 4)) == ["def f():", "    x = 1", "", "\ty = 2", "  z"]


def test_lines_move_left_as_far_as_they_can() -> None:
    assert done(LINES, outdented(LINES, ALL, 4)) == ["def f():", "x = 1", "", "y = 2", "z"]


@pytest.mark.parametrize(
    ("mark", "commented"),
    [
        (("# ", ""), ["# def f():", "#     x = 1", ""]),
        (("<!-- ", " -->"), ["<!-- def f(): -->", "<!--     x = 1 -->", ""]),
    ],
)
def test_comments_come_and_go(mark: tuple[str, str], commented: list[str]) -> None:
    made = done(LINES[:3], toggled(LINES, range(3), mark))
    assert made == commented
    assert done(made, toggled(made, range(3), mark)) == LINES[:3]


def test_comments_stand_at_the_least_indentation() -> None:
    lines = ["    a", "        b"]
    assert done(lines, toggled(lines, range(2), ("# ", ""))) == ["    # a", "    #     b"]


def test_half_commented_lines_all_become_comments() -> None:
    lines = ["# a", "b"]
    assert done(lines, toggled(lines, range(2), ("# ", ""))) == ["# # a", "# b"]


def test_a_comment_without_its_blank_is_code_again() -> None:
    assert done(["#a"], toggled(["#a"], range(1), ("# ", ""))) == ["a"]


def test_an_empty_line_becomes_a_comment() -> None:
    assert done([""], toggled([""], range(1), ("# ", ""))) == ["# "]


@pytest.mark.parametrize(
    ("before", "blanks"),
    [("x = 1", ""), ("    x", "    "), ("    if x:", "        "), ("f(", "    "), ("", "")],
)
def test_a_new_line_begins_where_people_expect(before: str, blanks: str) -> None:
    assert next_indent(before, "    ") == blanks
