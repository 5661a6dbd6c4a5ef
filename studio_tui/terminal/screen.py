"""The viewer's end of a shared terminal: replays frames into rows, cursor and modes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from studio_tui.terminal.frame import Frame, unpack
from studio_tui.terminal.octets import FrameError
from studio_tui.terminal.row import BLANK, Cursor, Modes, Row

if TYPE_CHECKING:
    from collections.abc import Iterable


class All(Enum):
    """The type of `ALL`."""

    ALL = "all"


ALL: Final = All.ALL
"""Every row changed, perhaps the size too."""

Changed = frozenset[int] | All


class OutOfStepError(FrameError):
    """A delta that does not follow the frame before it: read the log again from its keyframe."""


class Screen:
    """A terminal as a viewer sees it. Empty (0 by 0) until the first keyframe.

    Attributes:
        rows: one per line of the screen.
        cols, lines: size in cells.
        top: number of the screen's first line since the terminal began; grows as lines scroll off.
        bells: how often the bell rang so far.
        seq: number of the last frame.
        input_seq: number of the last input whose effect shows.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.cols = self.lines = self.top = 0
        self.cursor = Cursor(visible=False)
        self.modes = Modes()
        self.title = ""
        self.bells = self.seq = self.input_seq = 0

    def text(self) -> list[str]:
        """The rows as text, blanks at the end left out."""
        return [row.text.rstrip() for row in self.rows]

    def apply(self, data: bytes) -> Changed:
        """Take one frame.

        Returns:
            the rows to draw again (those of the cursor among them), or `ALL`.

        Raises:
            OutOfStepError: a delta that does not belong here; the screen stays as it was.
            FrameError: bytes that are no frame; the screen stays as it was.
        """
        frame = unpack(data)
        changed = self._start(frame) if frame.size else self._advance(frame)
        self.cursor, self.modes = frame.cursor, frame.modes
        self.seq, self.bells, self.input_seq = frame.seq, frame.bells, frame.input_seq
        if frame.title is not None:
            self.title = frame.title
        return changed

    def replay(self, frames: Iterable[bytes]) -> None:
        """Take a whole log, oldest frame first."""
        for data in frames:
            self.apply(data)

    def _start(self, frame: Frame) -> Changed:
        assert frame.size is not None
        cols, lines = frame.size.cols, frame.size.lines
        self._check(frame, cols, lines)
        rows = [BLANK] * lines
        for y, row in frame.rows:
            rows[y] = row
        self.rows, self.cols, self.lines, self.top = rows, cols, lines, frame.size.top
        return ALL

    def _advance(self, frame: Frame) -> Changed:
        if not self.lines or frame.seq != self.seq + 1:
            raise OutOfStepError(f"frame {frame.seq} after {self.seq}")
        self._check(frame, self.cols, self.lines)
        if frame.scroll:
            self.top += frame.scroll
            kept = self.rows[frame.scroll :]
            self.rows = kept + [BLANK] * (self.lines - len(kept))
        for y, row in frame.rows:
            self.rows[y] = row
        if frame.scroll:
            return ALL
        changed = {y for y, _ in frame.rows}
        if frame.cursor != self.cursor:
            changed |= {frame.cursor.y, self.cursor.y}
        return frozenset(changed)

    @staticmethod
    def _check(frame: Frame, cols: int, lines: int) -> None:
        """Raise FrameError unless all of the frame lies within this size."""
        if frame.cursor.x >= cols or frame.cursor.y >= lines:
            raise FrameError("the cursor is outside the screen")
        if frame.rows and frame.rows[-1][0] >= lines:
            raise FrameError("a row is outside the screen")
        if any(row.cells > cols for _, row in frame.rows):
            raise FrameError("a row is wider than the screen")
