"""Where somebody is in a terminal's lines, and what they have selected there (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.terminal.line import Spot, Stretch
from studio_tui.terminal.scrollback import Scrollback

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator


class Reading:
    """A view of `width` by `height` cells upon lines, with a cursor.

    Args:
        back: the lines.
        cols: their width in cells.
        top, left: the line and column in the view's upper left corner.
        cursor: where one is.

    Attributes:
        mark: the other end of what is selected; None while nothing is.
        by_lines: whether whole lines are selected.
        owed: lines to scroll back once older ones are here.
    """

    def __init__(self, back: Scrollback, cols: int, top: int, left: int, cursor: Spot) -> None:
        self.back, self.cols = back, cols
        self.top, self.left, self.cursor = top, left, cursor
        self.width = self.height = 1
        self.mark: Spot | None = None
        self.by_lines = False
        self.owed = 0

    @property
    def below(self) -> int:
        """Lines under those that are seen."""
        return max(0, self.back.end - self.top - self.height)

    @property
    def lowest(self) -> int:
        """The top when the last line is seen."""
        return max(self.back.first, self.back.end - self.height)

    def scroll(self, lines: int) -> None:
        """Move what is seen; the cursor stays in it."""
        wanted = min(self.top + lines, self.lowest)
        self.top = max(self.back.first, wanted)
        self.owed = 0 if self.back.complete else wanted - self.top
        line = min(max(self.cursor.line, self.top), self.top + self.height - 1)
        self.cursor = self.cursor._replace(line=min(line, self.back.end - 1))

    def go(self, spot: Spot) -> None:
        """Put the cursor somewhere, and bring it into view; far away into its middle."""
        line = min(max(spot.line, self.back.first), self.back.end - 1)
        self.cursor = Spot(line, min(max(0, spot.x), max(0, self.cols - 1)))
        height, width = self.height, self.width
        if not self.top - height < line < self.top + 2 * height:
            self.top = line - height // 2
        self.top = max(line - height + 1, min(self.top, line))
        self.top = max(self.back.first, min(self.top, self.lowest))
        self.left = max(self.cursor.x - width + 1, min(self.left, self.cursor.x))

    def spot(self, x: int, y: int) -> Spot:
        """The place at a cell of the view; the nearest one for a cell beside it."""
        line = min(max(self.back.first, self.top + y), self.back.end - 1)
        return Spot(line, min(max(0, x + self.left), max(0, self.cols - 1)))

    def select(self, *, lines: bool = False) -> None:
        """Begin to select at the cursor; nothing any more where something was, but by lines."""
        self.mark = self.cursor if self.mark is None or lines else None
        self.by_lines = lines

    @property
    def selected(self) -> tuple[Spot, Spot] | None:
        """First and last place of what is selected."""
        if self.mark is None:
            return None
        first, last = sorted((self.mark, self.cursor))
        if self.by_lines:
            first, last = first._replace(x=0), last._replace(x=self.cols)
        return first, last

    @property
    def line(self) -> tuple[Spot, Spot]:
        """First and last place of the cursor's line, all of what the terminal wrapped."""
        first, last = self.back.whole(self.cursor.line)
        return Spot(first, 0), Spot(last, self.cols)

    def take(self) -> str:
        """The text of what is selected, else of the cursor's line; then nothing is selected."""
        text = self.back.text(*(self.selected or self.line))
        self.mark = None
        return text

    def marks(
        self, line: int, pattern: re.Pattern[str] | None
    ) -> Iterator[tuple[str, list[Stretch]]]:
        """What is to be marked in a line: "match", "found" (the one at the cursor), "selected"."""
        if pattern is not None:
            found = self.back.matches(line, pattern)
            here = [each for each in found if each[0][:2] == self.cursor]
            for name, matches in (("match", found), ("found", here)):
                yield name, [part for each in matches for part in each if part.line == line]
        if self.selected is not None:
            first, last = self.selected
            if first.line <= line <= last.line:
                start = first.x if line == first.line else 0
                end = last.x + 1 if line == last.line else self.cols
                yield "selected", [Stretch(line, start, min(end, self.cols))]
