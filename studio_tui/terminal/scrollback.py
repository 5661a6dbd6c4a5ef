"""A terminal's lines as they were at one moment, older ones added when they are wanted (pure).

Lines have numbers that stay: 0 is what was the first line of the screen, older ones are negative.
Whatever the terminal prints meanwhile, and whoever comes, a line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from studio_tui.terminal.line import Line, Spot, Stretch, line_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.terminal.row import Row

PAGE: Final = 300
"""Lines that are asked for at once."""

SEAM: Final = 24
"""Lines that are asked for again, to find where what comes belongs."""


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
        whole = self._line(line)
        return whole.first, whole.last

    def word(self, spot: Spot) -> tuple[Spot, Spot]:
        """First and last place of the characters without a blank around `spot`."""
        line = self._line(spot.line)
        place = line.place(spot)
        for match in re.finditer(r"\S+", line.text):
            if place is not None and match.start() <= place < match.end():
                parts = line.stretches(*match.span())
                return Spot(parts[0].line, parts[0].start), Spot(parts[-1].line, parts[-1].end - 1)
        return spot, spot

    def _line(self, line: int, reach: int | None = None) -> Line:
        found = line_at(self._rows, line - self.first, reach)
        return found._replace(first=found.first + self.first)

    # -- search -------------------------------------------------------------------------------

    def matches(self, line: int, pattern: re.Pattern[str]) -> list[tuple[Stretch, ...]]:
        """Where a needle is in a line: the stretches of each that is at least in part in it."""
        # No further rows than such a text could cover, were all of it wide.
        reach = 1 + 2 * len(pattern.pattern) // max(1, self.row(line).cells)
        whole = self._line(line, reach)
        found = [whole.stretches(*m.span()) for m in pattern.finditer(whole.text) if m.group()]
        return [each for each in found if any(part.line == line for part in each)]

    def find(self, pattern: re.Pattern[str], spot: Spot, *, back: bool) -> Stretch | None:
        """The next match before `spot`, or after it; None when there is none among these lines."""
        for line in self._from(spot.line, back):
            found = [each[0] for each in self.matches(line, pattern) if each[0].line == line]
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
