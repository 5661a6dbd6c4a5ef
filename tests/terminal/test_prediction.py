from __future__ import annotations

from typing import Any

import pytest

from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.frames import FrameEncoder
from studio_tui.terminal.prediction import Prediction
from studio_tui.terminal.row import Underline
from studio_tui.terminal.screen import Screen


class Far:
    """A driver whose keys and screens take long: a program's real frames, held back by the test."""

    def __init__(self, cols: int = 20, lines: int = 4) -> None:
        self.emulator = Emulator(cols, lines)
        self._frames = FrameEncoder(self.emulator)
        self.screen = Screen()
        self.prediction = Prediction()
        self.prediction.pace(0.2)
        self.seq = 0
        self.arrives(b"$ ")

    def types(self, *characters: str | None) -> None:
        for character in characters:
            self.seq += 1
            self.prediction.typed(character, self.seq, self.screen)

    def arrives(self, data: bytes | str, answered: int = 0, **told: Any) -> None:
        self.emulator.feed(data.encode() if isinstance(data, str) else data)
        frame = self._frames.encode(input_seq=answered, **told)
        if frame is not None:
            self.screen.apply(frame)
            self.prediction.seen(self.screen)

    def proven(self) -> Far:
        """Once a key has been seen to be echoed."""
        self.types("a")
        self.arrives("a", answered=1)
        return self

    @property
    def cursor(self) -> tuple[int, int]:
        placed = self.prediction.placed(self.screen.cursor)
        return placed.x, placed.y

    @property
    def row(self) -> str:
        """The row of the cursor as it is shown."""
        y = self.screen.cursor.y
        return self.prediction.over(self.screen.rows[y], y, self.screen.cols).text

    @property
    def underlined(self) -> str:
        y = self.screen.cursor.y
        row = self.prediction.over(self.screen.rows[y], y, self.screen.cols)
        return "".join(run.text for run in row.runs if run.style.underline == Underline.SINGLE)


def test_the_first_key_is_not_shown_and_those_after_it_are_until_they_are_echoed() -> None:
    far = Far()
    far.types("a", "b")
    assert far.row == "$ "
    far.arrives("a")
    assert (far.row, far.underlined) == ("$ ab", "b")
    far.types("c")
    assert (far.row, far.underlined, far.cursor) == ("$ abc", "bc", (5, 0))
    far.arrives("bc", answered=3)
    assert (far.row, far.underlined, far.cursor) == ("$ abc", "", (5, 0))


def test_a_near_relay_needs_no_guesses() -> None:
    far = Far().proven()
    far.types("b")
    for trip, shown in ((0.025, "b"), (0.019, ""), (0.029, ""), (None, ""), (0.031, "b")):
        far.prediction.pace(trip)
        assert far.underlined == shown


def test_a_password_is_never_shown() -> None:
    far = Far().proven()
    far.types("b")
    far.arrives("\r\npassword: ", password=True)
    assert far.underlined == ""
    far.types(*"hunter2")
    assert not far.prediction.shown()
    # Also where the program reads keys one by one, and the line discipline knows nothing of it.
    quiet = Far()
    quiet.types(*"hunter2")
    quiet.arrives("", answered=7)
    quiet.types("x")
    assert not quiet.prediction.shown()


@pytest.mark.parametrize("echo", ["*", "", "bb", "\r$ "])
def test_a_wrong_guess_goes_once_the_program_has_had_time(echo: str) -> None:
    far = Far().proven()
    far.types("x", "y")
    assert far.underlined == "xy"
    far.arrives(echo)
    far.arrives("", answered=3)
    assert not far.prediction.shown()
    # And nothing is shown before another key has come true.
    far.types("z")
    assert not far.prediction.shown()


def test_what_moves_the_cursor_otherwise_ends_the_guessing_until_it_is_answered() -> None:
    far = Far().proven()
    far.types("b", None, "c")  # an arrow between two letters
    assert far.underlined == "b"
    far.arrives("b\x1b[D", answered=3)
    assert far.underlined == ""
    far.types("d")
    assert far.underlined == ""
    far.arrives("\x1b[@d", answered=5)
    far.types("e")
    assert far.underlined == ""
    far.arrives("\x1b[@e", answered=5)
    far.types("f")
    assert "f" in far.underlined


def test_a_full_screen_program_shows_guesses_only_where_it_echoes() -> None:
    far = Far().proven()
    far.types("b")
    far.arrives("\x1b[?1049h\x1b[H")
    assert not far.prediction.shown()
    far.types("j")
    far.arrives("\x1b[2;1H", answered=far.seq)
    far.types("j")
    assert not far.prediction.shown()
    far.arrives("\x1b[3;1H", answered=far.seq)
    far.types("i")
    far.arrives("", answered=far.seq)
    far.types("x")
    far.arrives("x", answered=far.seq)
    far.types("y")
    assert far.underlined == "y"


def test_a_cell_that_showed_it_before_proves_nothing() -> None:
    far = Far()
    far.types(" ")
    far.arrives("", answered=0)
    far.types("b")
    far.arrives("", answered=2)
    assert not far.prediction.shown()
    far.arrives("\x1b[1;1Hxxxxxx\x1b[1;3H")
    far.types("x")
    far.arrives("", answered=far.seq)
    far.types("y")
    assert not far.prediction.shown()


def test_the_last_column_wide_characters_and_clusters_are_left_to_the_program() -> None:
    far = Far(cols=5).proven()
    far.types("b", "c")
    assert far.underlined == "b"
    for odd in ("漢", "é", "a\u0301", "\t", ""):
        far = Far().proven()
        far.types(odd, "c")
        assert not far.prediction.shown()


def test_over_a_wide_character_its_other_half_is_blank() -> None:
    far = Far().proven()
    far.arrives("漢字e\u0301\x1b[1;4H", answered=1)
    far.types("b")
    assert far.row == "$ ab 字e\u0301"
    assert far.prediction.over(far.screen.rows[0], 0, 20).cells == 9 - 1
    far.types("c", "d")
    assert far.row == "$ abcd e\u0301"


def test_a_screen_that_scrolls_or_changes_its_size_ends_it() -> None:
    far = Far(lines=2).proven()
    far.types("b")
    far.arrives("\r\none\r\ntwo")
    assert not far.prediction.shown()
    far = Far().proven()
    far.types("b")
    far.emulator.resize(30, 4)
    far.arrives("")
    assert not far.prediction.shown()
