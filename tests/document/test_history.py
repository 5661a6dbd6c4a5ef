"""The beginning of a real editing history, from three clients; all of it: `make bench-history`."""

from __future__ import annotations

import pytest

from scripts.bench_history import load, replay

PREFIX = 1500


@pytest.mark.parametrize("turn", [1, 17])
def test_three_clients_end_with_the_text_that_was_typed(turn: int) -> None:
    ops, _ = load()
    typed: list[str] = []
    for at, deleted, inserted in ops[:PREFIX]:
        typed[int(at) : int(at) + int(deleted)] = str(inserted)
    done = replay(ops[:PREFIX], turn)
    assert done.texts == ["".join(typed)] * 3
