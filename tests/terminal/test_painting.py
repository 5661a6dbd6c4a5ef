from __future__ import annotations

from typing import Any

from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.painting import painting

CUTS = 12


def text(emulator: Emulator) -> list[str]:
    emulator.changed_rows()
    return [row.text.rstrip() for row in emulator.rows]


def test_another_terminal_goes_on_from_it(recording: Any) -> None:
    """At any place of a session: what is shown, and all that follows, are the same."""
    first = Emulator(recording.cols, recording.lines)
    reads = list(recording.reads())
    others: list[Emulator] = []
    for number, step in enumerate(reads):
        for emulator in (first, *others):
            if isinstance(step, bytes):
                emulator.feed(step)
            else:
                emulator.resize(*step)
        if number % max(1, len(reads) // CUTS) == 0 and first.settled:
            others.append(Emulator(first.cols, first.lines))
            others[-1].feed(painting(first))
            assert text(others[-1]) == text(first)
            assert others[-1].cursor == first.cursor
            assert others[-1].modes == first.modes
    assert others
    # What was above the screen is not painted, so a wider screen has nothing to take back from it.
    if all(isinstance(step, bytes) for step in reads):
        assert [text(other) for other in others] == [text(first)] * len(others)


def test_a_scrolling_region_and_a_style_come_along() -> None:
    first, other = Emulator(20, 5), Emulator(20, 5)
    first.feed(b"top\x1b[2;4r\x1b[4;1H\x1b[1;31m")
    other.feed(painting(first))
    for emulator in (first, other):
        emulator.feed(b"\r\nred\r\n\r\n")
        emulator.changed_rows()
    assert other.rows == first.rows
    assert first.rows[1].text == "red"


def test_in_the_middle_of_a_sequence_it_is_not_settled() -> None:
    emulator = Emulator(20, 5)
    assert emulator.settled
    for half, rest in ((b"\x1b[3", b"1m"), ("漢".encode()[:2], "漢".encode()[2:]), (b"\x1b", b"c")):
        emulator.feed(half)
        assert not emulator.settled
        emulator.feed(rest)
        assert emulator.settled
