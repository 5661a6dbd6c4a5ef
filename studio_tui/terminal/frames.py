"""The host's end of a shared terminal: what changed, and the log that late joiners replay.

The log is a keyframe and the deltas after it. Once it has grown past its limit the next change
replaces all of it by one keyframe, so it stays small however long the terminal lives.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from studio_tui.terminal.frame import MAX_NUMBER, Frame, Size, is_keyframe, pack
from studio_tui.terminal.octets import FrameError
from studio_tui.terminal.row import BLANK, PLAIN, Cursor, Modes, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG_LIMIT: Final = 16 << 10
"""Bytes of frames after which a log starts anew."""

_KEYFRAMES_PER_LOG = 3


class Source(Protocol):
    """What a frame is made from; an `Emulator` is one."""

    cols: int
    lines: int
    rows: list[Row]
    bells: int

    @property
    def cursor(self) -> Cursor: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def modes(self) -> Modes: ...  # noqa: D102
    @property
    def scrollback(self) -> int: ...  # noqa: D102
    def changed_rows(self) -> Sequence[object]: ...  # noqa: D102
    def row_ids(self) -> list[tuple[int, int]]: ...  # noqa: D102


@dataclass(slots=True)
class _Published:
    """The screen as the viewers have it."""

    cols: int
    lines: int
    rows: list[Row]
    ids: list[tuple[int, int]]
    scrollback: int
    cursor: Cursor
    modes: Modes
    title: str
    bells: int
    input_seq: int


class FrameEncoder:
    """Turns the state of an emulator into frames, each against the one before it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._before: _Published | None = None
        self._seq = 0
        self._top = 0

    def encode(self, *, password: bool = False, input_seq: int = 0) -> bytes | None:
        """What changed since the last frame, or None; first and after a resize a keyframe.

        Args:
            password: whether a line is read that nobody is shown.
            input_seq: number of the last input this screen shows the effect of.
        """
        now, before = self._look(password, input_seq), self._before
        if before is None or (before.cols, before.lines) != (now.cols, now.lines):
            return self._keyframe(now)
        scroll, lost = _scrolled(before, now)
        shifted = before.rows[scroll:] + [BLANK] * scroll
        rows = tuple(
            (y, row)
            for y, (row, old) in enumerate(zip(now.rows, shifted, strict=True))
            if row != old
        )
        title = now.title if now.title != before.title else None
        if not (rows or scroll or title is not None) and _state(now) == _state(before):
            self._before = now
            self._top += lost
            return None
        if lost:
            return self._keyframe(now, lost)
        self._top += scroll
        return self._emit(now, scroll, None, title, rows)

    def keyframe(self, *, password: bool = False, input_seq: int = 0) -> bytes:
        """The whole screen."""
        return self._keyframe(self._look(password, input_seq))

    def _look(self, password: bool, input_seq: int) -> _Published:
        source = self._source
        source.changed_rows()
        return _Published(
            source.cols,
            source.lines,
            list(source.rows),
            list(source.row_ids()),
            source.scrollback,
            source.cursor,
            source.modes._replace(password=password),
            source.title,
            source.bells,
            min(input_seq, MAX_NUMBER),
        )

    def _keyframe(self, now: _Published, lost: int = 0) -> bytes:
        self._top += lost
        rows = tuple((y, row) for y, row in enumerate(now.rows) if row != BLANK)
        return self._emit(now, 0, Size(now.cols, now.lines, self._top), now.title, rows)

    def _emit(
        self,
        now: _Published,
        scroll: int,
        size: Size | None,
        title: str | None,
        rows: tuple[tuple[int, Row], ...],
    ) -> bytes:
        self._before = now
        self._seq += 1
        cursor, modes = now.cursor, now.modes
        frame = Frame(self._seq, scroll, now.input_seq, now.bells, cursor, modes, size, title, rows)
        # A program can paint a screen too rich for one message: then first the colours go.
        with suppress(FrameError):
            return pack(frame)
        with suppress(FrameError):
            return pack(replace(frame, rows=tuple((y, _plain(row)) for y, row in rows)))
        return pack(replace(frame, rows=()))


def _plain(row: Row) -> Row:
    """The row without its styles, and of every cluster only the first code point."""
    return row._replace(
        runs=tuple(
            run._replace(text=run.text if run.width else run.text[0], style=PLAIN)
            for run in row.runs
        )
    )


def _state(screen: _Published) -> tuple[Cursor, Modes, int, int]:
    return screen.cursor, screen.modes, screen.bells, screen.input_seq


def _scrolled(before: _Published, now: _Published) -> tuple[int, int]:
    """(lines the screen moved up, lines lost when nothing of the old screen is left on it).

    The ids only suggest the movement: rows are compared afterwards, so a wrong guess costs bytes
        and is never seen.
    """
    if before.modes.alternate != now.modes.alternate or not now.ids:
        return 0, 0
    if now.ids[0] in before.ids:
        return before.ids.index(now.ids[0]), 0
    if set(now.ids).isdisjoint(before.ids):
        grown = now.scrollback - before.scrollback
        if grown >= 0 and not now.modes.alternate:
            return 0, max(grown, now.lines)
    return 0, 0


@dataclass(frozen=True, slots=True)
class Append:
    """Add this frame to the end of the log."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Drop the whole log and start it with this keyframe."""

    frame: bytes


class FrameLog:
    """Decides for each frame whether the log goes on or starts anew."""

    def __init__(self, encoder: FrameEncoder, limit: int = LOG_LIMIT) -> None:
        self._encoder = encoder
        self._base = limit
        self._limit = limit
        self.size = 0

    def publish(self, *, password: bool = False, input_seq: int = 0) -> Append | Replace | None:
        """The next step of the log; None when there is nothing new to tell."""
        frame = self._encoder.encode(password=password, input_seq=input_seq)
        if frame is None:
            return None
        if not is_keyframe(frame):
            if self.size + len(frame) <= self._limit:
                self.size += len(frame)
                return Append(frame)
            frame = self._encoder.keyframe(password=password, input_seq=input_seq)
        self.size = len(frame)
        # A screen whose keyframe alone fills the log must not start a new one at every keystroke.
        self._limit = max(self._base, _KEYFRAMES_PER_LOG * len(frame))
        return Replace(frame)
