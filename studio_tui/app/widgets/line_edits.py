"""What is done to whole lines: indented, taken back, made comments and code again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LineEdit = tuple[int, int, int, str]
"""(line, first column, column after the last, what stands there then)."""


def indented(lines: Sequence[str], rows: range, unit: str) -> Iterator[LineEdit]:
    """Move lines that are not empty to the right by `unit`."""
    for row in rows:
        if lines[row].strip():
            yield row, 0, 0, unit


def outdented(lines: Sequence[str], rows: range, width: int) -> Iterator[LineEdit]:
    """Move lines to the left by a tab, or by up to `width` spaces."""
    for row in rows:
        line = lines[row]
        cells = 1 if line.startswith("\t") else min(width, len(line) - len(line.lstrip(" ")))
        if cells:
            yield row, 0, cells, ""


def toggled(lines: Sequence[str], rows: range, mark: tuple[str, str]) -> Iterator[LineEdit]:
    """Make lines comments; when all of them are comments already, make them code again.

    Args:
        mark: what stands before and after a comment.
    """
    full = [row for row in rows if lines[row].strip()]
    before, after = mark[0].strip(), mark[1].strip()
    if full and all(_is_comment(lines[row], before, after) for row in full):
        for row in full:
            yield from _uncommented(row, lines[row], mark)
    else:
        column = min((_indent(lines[row]) for row in full), default=0)
        for row in full or rows[:1]:
            if mark[1]:
                end = len(lines[row].rstrip())
                yield row, end, end, mark[1]
            yield row, column, column, mark[0]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_comment(line: str, before: str, after: str) -> bool:
    line = line.strip()
    return line.startswith(before) and line.endswith(after)


def _uncommented(row: int, line: str, mark: tuple[str, str]) -> Iterator[LineEdit]:
    """Take out the marks, and the one blank that belongs to each."""
    if mark[1]:
        end = len(line.rstrip())
        after = mark[1] if line[:end].endswith(mark[1]) else mark[1].strip()
        yield row, end - len(after), end, ""
    start = _indent(line)
    before = mark[0] if line.startswith(mark[0], start) else mark[0].strip()
    yield row, start, start + len(before), ""


def next_indent(before: str, unit: str) -> str:
    """The blanks that a line begins with after one whose text up to its end is `before`."""
    blanks = before[: _indent(before)]
    return blanks + unit if before.rstrip().endswith((":", "(", "[", "{")) else blanks
