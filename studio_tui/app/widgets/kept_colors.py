"""The colours of lines, moved along with an edit until a large text has been parsed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

Point = tuple[int, int]
"""Row, and byte in the row."""
Highlight = tuple[int, "int | None", str]
"""First byte of the row, byte after the last (None: to the row's end), and the colour's name."""


class Move(NamedTuple):
    """What was between two points is between others now."""

    start: Point
    old_end: Point
    new_end: Point


def moved(
    colors: Mapping[int, list[Highlight]], rows: range, move: Move
) -> tuple[defaultdict[int, list[Highlight]], range]:
    """The colours after an edit, and the rows that they are those of.

    In the edited row a word that was typed into, or on at its end, keeps its colour; what is new
    has none.
    """
    (top, column), (bottom, old_column), (new_bottom, new_column) = move
    by = new_bottom - bottom
    kept: defaultdict[int, list[Highlight]] = defaultdict(list)
    for row, highlights in colors.items():
        if row < top:
            kept[row] = highlights
        elif row > bottom:
            kept[row + by] = highlights
        elif top == bottom == new_bottom:
            kept[row] = list(_in_row(highlights, column, old_column, new_column))
        elif row == top:
            kept[row] = [each for each in highlights if each[1] is not None and each[1] <= column]
    start, stop = (_row_after(row, top, bottom, by) for row in (rows.start, rows.stop))
    return kept, range(start, stop)


def _row_after(row: int, top: int, bottom: int, by: int) -> int:
    return row if row <= top else max(top, row + by) if row > bottom else top


def _in_row(
    highlights: list[Highlight], start: int, old_end: int, new_end: int
) -> Iterator[Highlight]:
    def after(at: int) -> int:
        return at + new_end - old_end if at >= old_end else start

    for first, last, name in highlights:
        begins = first if first < start else after(first)
        ends = last if last is None or last < start else after(last)
        if ends is None or begins < ends:
            yield begins, ends, name
