from __future__ import annotations

import pytest

from studio_tui.client.marks import WORDS_CAP, Mark, marks_of_moves, read_marks
from studio_tui.document.entries import JobEntry


def test_marks_out_of_a_reply() -> None:
    assert read_marks([[3, "attempt 2"], [9, "x" * 999]]) == [
        Mark(3, "attempt 2"),
        Mark(9, "x" * WORDS_CAP),
    ]


@pytest.mark.parametrize("value", [None, 3, "ab", {}, [3], [[True, "x"]], [["3", "x"]], [[1, 2]]])
def test_what_is_none_is_left_out(value: object) -> None:
    assert read_marks(value) == []


def test_a_move_that_was_made_is_marked() -> None:
    moves = [
        {"target": "box", "phase": "failed", "step": 3},
        {"target": "box", "phase": "done", "step": 20},
        {"target": "home", "phase": "done"},
    ]
    assert marks_of_moves(JobEntry("j", moves=moves)) == [Mark(20, "moved to box")]
