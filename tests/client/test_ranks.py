from __future__ import annotations

import pytest

from studio_tui.client.ranks import Rank, read_ranks


def test_ranks_out_of_a_reply() -> None:
    told = {"rank": 3.0, "machine": "box", "step": 7, "step_time": 0.5, "state": "ok", "new": 1}
    assert read_ranks([told]) == [Rank(3, "box", 7, 0.5, state="ok")]
    assert read_ranks([{"rank": "x", "heard": float("nan"), "step": True}]) == [Rank()]


@pytest.mark.parametrize("value", [None, 3, {}, "ab", [3, None, []]])
def test_what_is_none_is_left_out(value: object) -> None:
    assert read_ranks(value) == []
