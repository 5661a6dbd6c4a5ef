"""A terminal's state, as the bytes that bring another terminal of its size into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.terminal.ghostty import library
from studio_tui.terminal.row import Shape

if TYPE_CHECKING:
    from studio_tui.terminal.emulator import Emulator


def painting(emulator: Emulator) -> bytes:
    """What a new terminal has to be fed to show the screen, and to go on from there.

    Modes, scrolling region, tab stops, cursor and style come along; scrollback and links do not.
    Only of use when `emulator.settled`: else the rest of a sequence follows.
    """
    ffi, lib, core = library()
    selection = core.init_sized("GhosttySelection")
    selection.start = emulator.reference(0, 0)
    selection.end = emulator.reference(emulator.cols - 1, emulator.lines - 1)
    options = core.init_sized("GhosttyFormatterTerminalOptions")
    options.emit, options.selection = lib.GHOSTTY_FORMATTER_FORMAT_VT, selection
    extra, screen = options.extra, options.extra.screen
    extra.size, screen.size = ffi.sizeof(extra), ffi.sizeof(screen)
    extra.modes = extra.scrolling_region = extra.tabstops = extra.keyboard = True
    screen.cursor = screen.style = screen.protection = screen.charsets = True
    box = ffi.new("GhosttyFormatter*")
    made = lib.ghostty_formatter_terminal_new(ffi.NULL, box, emulator.handle, options[0])
    core.check(made, "formatter_terminal_new")
    formatter = ffi.gc(box[0], lib.ghostty_formatter_free)
    text: str = core.read_buf(lambda *to: lib.ghostty_formatter_format_buf(formatter, *to))
    return text.encode() + _shape(emulator)


def _shape(emulator: Emulator) -> bytes:
    """The cursor's shape, which the library leaves out (DECSCUSR)."""
    emulator.changed_rows()  # brings the cursor up to date
    cursor = emulator.cursor
    steady = {Shape.BLOCK: 2, Shape.UNDERLINE: 4, Shape.BAR: 6}.get(Shape(cursor.shape), 2)
    return b"\x1b[%d q" % (steady - cursor.blinking)
