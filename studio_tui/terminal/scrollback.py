"""A terminal's lines as they were at one moment, older ones added when they are wanted (pure).

Lines have numbers that stay: 0 is what was the first line of the screen, older ones are negative.
Whatever the terminal prints meanwhile, and whoever comes, a line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.terminal.row import Row

PAGE: Final = 300
"""Lines that are asked for at once."""

SEAM: Final = 24
"""Lines that are asked for again, to find where what comes belongs."""


class Spot(NamedTuple):
    """A place in the lines: the line's number, and a column in cells."""

    line: int
    x: int


class Stretch(NamedTuple):
    """Columns `start` to `end` (not included) of one line, in cells."""

    line: int
    start: int
    end: int


class Scrollback:
    """What can be looked back at.

    Args:
        rows: the screen's rows at that moment.

    Attributes:
        first: number of the oldest line that is here; `end` is one past the last.
        complete: whether no older line can be had.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)
        self._index: int | None = None
        self.first = 0
        self.end = len(rows)
        self.complete = not rows

    def row(self, line: int) -> Row:
        """The line with this number, `first` to `end`."""
        return self._rows[line - self.first]

    def wanted(self, printed: int) -> tuple[int, int]:
        """(start, count) of the lines to ask the host for next; negative counts from the end.

        Args:
            printed: lines that the terminal printed since then, as far as known.
        """
        have, seam = len(self._rows), self._seam
        if self._index is None:
            return -(have + printed + PAGE), PAGE + seam
        start = max(0, self._index - PAGE)
        return start, self._index - start + seam

    @property
    def _seam(self) -> int:
        return min(SEAM, len(self._rows))

    def extend(self, start: int, rows: Sequence[Row]) -> int:
        """Take what the host answered: `rows`, the first of them its line `start`.

        Returns how many lines are new. None are once there are no older ones, or when the host
        dropped them before they could be fetched; then this is `complete`.
        """
        at = self._found(rows)
        if not at:
            self.complete = True
            return 0
        self._rows[:0] = rows[:at]
        self._index = start
        self.first -= at
        self.complete = start == 0
        return at

    def _found(self, rows: Sequence[Row]) -> int:
        """Where our oldest lines begin in `rows`: as near to the end as they can; 0 if nowhere."""
        known = [row.text.rstrip() for row in self._rows[: self._seam]]
        texts = [row.text.rstrip() for row in rows]
        for at in range(len(texts) - len(known), 0, -1):
            if texts[at : at + len(known)] == known:
                return at
        return 0

    # -- text ---------------------------------------------------------------------------------

    def text(self, start: Spot, end: Spot) -> str:
        """The text from `start` to `end`, both included, line by line without trailing blanks.

        What was one line before the terminal wrapped it is one again.
        """
        first, last = sorted((start, end))
        whole, text = [], ""
        lines = range(max(first.line, self.first), min(last.line + 1, self.end))
        for line in lines:
            row = self.row(line)
            begin = first.x if line == first.line else 0
            stop = last.x + 1 if line == last.line else row.cells
            text += cut(row, begin, stop)
            if not row.wrapped or line == lines[-1]:
                whole.append(text.rstrip())
                text = ""
        return "\n".join(whole)

    def whole(self, line: int) -> tuple[int, int]:
        """First and last of the lines that were one before the terminal wrapped it."""
        first = last = line
        while first > self.first and self.row(first - 1).wrapped:
            first -= 1
        while last + 1 < self.end and self.row(last).wrapped:
            last += 1
        return first, last

    def word(self, spot: Spot) -> Stretch:
        """The run of characters without a blank around `spot`."""
        row = self.row(spot.line)
        for match in re.finditer(r"\S+", row.text):
            start, end = cells_of(row, match.start(), match.end())
            if start <= spot.x < end:
                return Stretch(spot.line, start, end)
        return Stretch(spot.line, spot.x, spot.x + 1)

    # -- search -------------------------------------------------------------------------------

    def matches(self, line: int, pattern: re.Pattern[str]) -> list[Stretch]:
        """Where `pattern` is in a line."""
        row = self.row(line)
        return [
            Stretch(line, *cells_of(row, match.start(), match.end()))
            for match in pattern.finditer(row.text)
            if match.end() > match.start()
        ]

    def find(self, pattern: re.Pattern[str], spot: Spot, *, back: bool) -> Stretch | None:
        """The next match before `spot`, or after it; None when there is none among these lines."""
        for line in self._from(spot.line, back):
            found = self.matches(line, pattern)
            if line == spot.line:
                found = [m for m in found if (m.start < spot.x) == back and m.start != spot.x]
            if found:
                return found[-1] if back else found[0]
        return None

    def _from(self, line: int, back: bool) -> Iterable[int]:
        return range(line, self.first - 1, -1) if back else range(line, self.end)


def needle(text: str) -> re.Pattern[str]:
    """`text` as it stands; capitals count only when it has some."""
    return re.compile(re.escape(text), 0 if text != text.lower() else re.IGNORECASE)


def cut(row: Row, start: int, end: int) -> str:
    """The characters of a row that cover any of the columns `start` to `end` (not included)."""
    return "".join(g.text for g in row.glyphs() if g.x < end and g.x + g.cells > start)


def cells_of(row: Row, start: int, end: int) -> tuple[int, int]:
    """The columns, first and one past the last, of `row.text[start:end]`."""
    first = last = None
    for text, at, x, cells, _ in row.glyphs():
        if at < end and at + len(text) > start:
            first, last = x if first is None else first, x + cells
    return first or 0, last or 0
