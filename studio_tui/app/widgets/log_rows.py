"""Which line of a log, and which part of it, each row of its view shows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from rich.cells import chop_cells

from studio_tui.app.truncate import cells
from studio_tui.app.widgets.log_buffer import LogBuffer

Place = tuple[int, int]
"""A line's number, as its buffer counts, and which part of it when it is folded."""


def parts(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where to fold `text` so that each part fits `width` cells: (start, end) by character."""
    if text.isascii():
        yield from ((at, at + width) for at in range(0, max(len(text), 1), width))
        return
    start = 0
    for part in chop_cells(text, width) or [text]:  # nothing is chopped where all has no width
        yield start, start + len(part)
        start += len(part)


class LogRows:
    """The rows of a LogBuffer's lines, kept up to date at the cost of its new lines only.

    Args:
        width: fold lines at so many cells; None shows each line in one row.
    """

    def __init__(self, width: int | None = None) -> None:
        self.width = max(width, 2) if width is not None else None
        self.widest = 0
        self._first = 0
        # For each line from `_first` on, the row after its last one, counted since the start.
        self._ends: list[int] = []
        self._base = 0
        self._settled = 0

    def __len__(self) -> int:
        return self._ends[-1] - self._base if self._ends else 0

    def update(self, buffer: LogBuffer) -> None:
        """Take the buffer's new lines, its changed last line, and what it dropped.

        What precedes the known lines is as dear as all lines together.
        """
        if buffer.first < self._first:
            self._first, self._ends, self._base, self._settled = buffer.first, [], 0, buffer.first
        self._drop(buffer.first)
        # The unfinished line may have changed since it was last seen.
        del self._ends[max(self._settled - self._first, 0) :]
        for number in range(self._first + len(self._ends), buffer.total):
            height = self._measure(buffer[number - buffer.first].text)
            self._ends.append((self._ends[-1] if self._ends else self._base) + height)
        self._settled = buffer.finished

    def _drop(self, first: int) -> None:
        gone = first - self._first
        if gone <= 0:
            return
        if gone <= len(self._ends):
            self._base = self._ends[gone - 1]
        elif self._ends:
            self._base = self._ends[-1]
        del self._ends[:gone]
        self._first = first

    def _measure(self, text: str) -> int:
        if self.width is None:
            self.widest = max(self.widest, cells(text))
            return 1
        if text.isascii():
            return max(-(-len(text) // self.width), 1)
        return max(sum(1 for _ in parts(text, self.width)), 1)

    def locate(self, row: int) -> Place:
        """The line and part that `row` shows; a row past the end shows the end of the log."""
        row = self._base + max(row, 0)
        index = bisect_right(self._ends, row)
        if index >= len(self._ends):
            return self._first + len(self._ends), 0
        start = self._ends[index - 1] if index else self._base
        return self._first + index, row - start

    def row_of(self, place: Place) -> int:
        """The row that shows `place`, or the first row when the line was dropped."""
        number, part = place
        index = number - self._first
        if index < 0:
            return 0
        if index >= len(self._ends):
            return len(self)
        start = (self._ends[index - 1] if index else self._base) - self._base
        return start + min(part, self._ends[index] - self._base - start - 1)
