"""The board names the rank that holds the others up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio_tui.jobs.ranks import RANKS, RankBoard


def beat(rank: int, **values: Any) -> bytes:
    row = {
        "event": "beat", "rank": rank, "world": 4, "t": 1000.0, "step": 7, "phase": "forward",
        "since": 0.1, "step_time": 0.2, "own_time": 0.1,
    }  # fmt: skip
    return json.dumps(row | values).encode() + b"\n"


def states(board: RankBoard, now: float = 1001.0) -> list[str]:
    return [rank["state"] for rank in board.told(now)]


def test_what_is_told_of_a_rank() -> None:
    board = RankBoard()
    board.feed(b'{"event": "step"}\n' + beat(1) + beat(0, step=3) + beat(0, step=8), "box1")
    first, second = board.told(1002.25)
    assert first == {
        "rank": 0, "machine": "box1", "step": 8, "step_time": 0.2, "own_time": 0.1,
        "phase": "forward", "heard": 2.2, "state": "ok",
    }  # fmt: skip
    assert second["rank"] == 1


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "ok"),
        ({"own_time": 0.19}, "slow"),
        ({"own_time": None, "step_time": None}, "ok"),
        ({"since": 61.0}, "hung"),
        ({"since": 61.0, "phase": "data"}, "hung"),
        ({"since": 61.0, "phase": "backward"}, "waiting"),
        ({"since": 600.0, "phase": "other"}, "ok"),
        ({"since": 61.0, "step_time": 9.0}, "ok"),
        ({"t": 970.0}, "silent"),
    ],
)
def test_the_one_that_differs(values: dict[str, Any], state: str) -> None:
    board = RankBoard()
    board.feed(beat(0) + beat(1) + beat(2, **values) + beat(3), "box")
    assert states(board) == ["ok", "ok", state, "ok"]


def test_of_two_one_is_slow() -> None:
    board = RankBoard()
    board.feed(beat(0) + beat(1, own_time=0.3), "box")
    assert states(board) == ["ok", "slow"]


@pytest.mark.parametrize(
    "row",
    [
        b'{"event": "beat"}\n',
        b'{"beat" 3\n',
        b'["beat"]\n',
        b'"beat"\n',
        beat(-1),
        beat(1 << 40),
        beat(0, t="soon"),
        beat(0, step=[1]),
    ],
)
def test_rows_that_make_no_sense(row: bytes) -> None:
    board = RankBoard()
    board.feed(row, "box")
    assert board.told(1000.0) == []


def test_there_is_an_end_to_ranks() -> None:
    board = RankBoard()
    board.feed(b"".join(beat(rank) for rank in range(RANKS + 10)), "box")
    assert len(board.told(1000.0)) == RANKS
