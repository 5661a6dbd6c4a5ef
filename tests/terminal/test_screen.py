from __future__ import annotations

from dataclasses import replace

import pytest

from studio_tui.terminal.frame import Frame, Size, pack
from studio_tui.terminal.octets import FrameError
from studio_tui.terminal.row import BLANK, Cursor, Modes, Row, Run
from studio_tui.terminal.screen import ALL, OutOfStepError, Screen


def row(text: str) -> Row:
    return Row((Run(text, 1, len(text)),))


KEYFRAME = Frame(
    5, 0, 0, 0, Cursor(1, 0), Modes(), Size(10, 4, 100), "sh", ((0, row("one")), (2, row("three")))
)
DELTA = Frame(6, 0, 3, 1, Cursor(2, 1), Modes(True), None, None, ((3, row("four")),))


@pytest.fixture
def screen() -> Screen:
    screen = Screen()
    assert screen.apply(pack(KEYFRAME)) is ALL
    return screen


def test_before_the_first_keyframe_there_is_nothing() -> None:
    screen = Screen()
    assert (screen.cols, screen.lines, screen.text()) == (0, 0, [])
    assert not screen.cursor.visible
    with pytest.raises(OutOfStepError):
        screen.apply(pack(DELTA))


def test_a_keyframe_says_everything(screen: Screen) -> None:
    assert screen.text() == ["one", "", "three", ""]
    assert (screen.cols, screen.lines, screen.top, screen.title) == (10, 4, 100, "sh")
    assert screen.cursor == Cursor(1, 0)


def test_a_delta_names_the_rows_to_draw(screen: Screen) -> None:
    assert screen.apply(pack(DELTA)) == {0, 1, 3}  # the cursor left row 0 for row 1
    assert screen.text() == ["one", "", "three", "four"]
    assert (screen.title, screen.bells, screen.input_seq) == ("sh", 1, 3)
    assert screen.modes.alternate


def test_a_cursor_that_stays_redraws_nothing(screen: Screen) -> None:
    assert screen.apply(pack(replace(DELTA, cursor=Cursor(1, 0), rows=()))) == set()


def test_scrolling_moves_what_is_there(screen: Screen) -> None:
    assert screen.apply(pack(replace(DELTA, scroll=2, rows=((1, row("new")),)))) is ALL
    assert screen.text() == ["three", "new", "", ""]
    assert screen.top == 102


def test_scrolling_by_more_than_the_screen_blanks_it(screen: Screen) -> None:
    screen.apply(pack(replace(DELTA, scroll=1000, rows=())))
    assert screen.rows == [BLANK] * 4


def test_a_missing_frame_is_noticed(screen: Screen) -> None:
    with pytest.raises(OutOfStepError, match="frame 7 after 5"):
        screen.apply(pack(replace(DELTA, seq=7)))
    assert screen.apply(pack(replace(KEYFRAME, seq=40, size=Size(20, 2, 0), rows=()))) is ALL
    assert (screen.cols, screen.text()) == (20, ["", ""])


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (replace(DELTA, cursor=Cursor(10, 0)), "cursor is outside"),
        (replace(DELTA, cursor=Cursor(0, 4)), "cursor is outside"),
        (replace(DELTA, rows=((4, BLANK),)), "row is outside"),
        (replace(DELTA, rows=((0, row("x" * 11)),)), "wider than the screen"),
        (replace(KEYFRAME, size=Size(2, 4, 0)), "wider than the screen"),
    ],
)
def test_what_does_not_fit_changes_nothing(screen: Screen, bad: Frame, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        screen.apply(pack(bad))
    assert screen.text() == ["one", "", "three", ""]
    assert screen.seq == 5
    screen.apply(pack(DELTA))


def test_garbage_changes_nothing(screen: Screen) -> None:
    with pytest.raises(FrameError):
        screen.apply(b"\x01\x00garbage")
    assert screen.seq == 5


def test_a_log_is_replayed_in_order() -> None:
    screen = Screen()
    screen.replay([pack(KEYFRAME), pack(DELTA)])
    assert screen.text() == ["one", "", "three", "four"]


def test_text_leaves_out_blanks_at_the_end(screen: Screen) -> None:
    screen.apply(pack(replace(DELTA, rows=((0, row("x   ")),))))
    assert screen.text()[0] == "x"
