"""Lines that scrolled away, with their colours, for viewers that have no emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.terminal.frames import FrameEncoder
from studio_tui.terminal.screen import Screen

if TYPE_CHECKING:
    from studio_tui.terminal.emulator import Painting
    from studio_tui.terminal.row import Row


def pack_lines(painting: Painting) -> bytes:
    """The lines as one keyframe; it takes a while, and may be done in a thread."""
    from studio_tui.terminal.emulator import Emulator

    canvas = Emulator(painting.cols, max(1, painting.lines), scrollback=0)
    try:
        canvas.feed(painting.data)
        canvas.changed_rows()
        for y in painting.wrapped:
            canvas.rows[y] = canvas.rows[y]._replace(wrapped=True)
        return FrameEncoder(canvas).keyframe()
    finally:
        canvas.close()


def unpack_lines(data: bytes) -> list[Row]:
    """The lines in these bytes; FrameError when there are none in them."""
    screen = Screen()
    screen.apply(data)
    return screen.rows
