from __future__ import annotations

import pytest

from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.octets import FrameError
from studio_tui.terminal.past import pack_lines, unpack_lines
from studio_tui.terminal.row import Row


def test_lines_keep_their_colours_and_widths_on_the_way() -> None:
    emulator = Emulator(40, 4)
    for n in range(50):
        emulator.feed(f"\x1b[1;3{n % 8}mn{n}\x1b[0m \x1b[4:3;58;5;9mcurly\x1b[0m 漢字\r\n".encode())
    emulator.feed(b"\x1b]4;1;rgb:00/00/00\x07" + b"x" * 85 + b"\r\n")
    emulator.changed_rows()
    painting = emulator.painted_history(-7, 7)
    lines = unpack_lines(pack_lines(painting))
    assert [row.text.rstrip() for row in lines] == emulator.history(-7, 7).rows
    assert lines[-4:] == [*emulator.rows[:3], Row()]
    assert (painting.lines, painting.total) == (7, 54)
    styles = [run.style for run in unpack_lines(pack_lines(emulator.painted_history(0, 2)))[1].runs]
    assert styles[0].fg == 1
    assert (styles[2].underline, styles[2].underline_colour) == (3, 9)
    assert unpack_lines(pack_lines(emulator.painted_history(99, 5))) == [Row()]


def test_lines_that_were_wrapped_are_told_on_the_way() -> None:
    emulator = Emulator(10, 4)
    emulator.feed(b"\r\n" * 9 + b"x" * 25 + b"\r\n" + b"y" * 10 + b"\r\n" * 9)
    lines = unpack_lines(pack_lines(emulator.painted_history(8, 6)))
    assert [row.wrapped for row in lines] == [False, True, True, False, False, False]


def test_bytes_that_are_no_lines() -> None:
    for data in (b"", b"nonsense", b"\x01\x01"):
        with pytest.raises(FrameError):
            unpack_lines(data)
