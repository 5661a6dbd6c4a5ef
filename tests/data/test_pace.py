from __future__ import annotations

import threading

import pytest

from studio_tui.data.pace import WORKERS, Beside, in_order


def test_results_come_in_order_whatever_is_ready_first() -> None:
    first = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first.wait(10)
        elif number == WORKERS - 1:
            first.set()
        return number

    assert list(in_order(work, range(50))) == list(range(50))


def test_no_more_is_asked_for_than_can_wait() -> None:
    asked: list[int] = []
    results = in_order(lambda n: n, (asked.append(n) or n for n in range(1000)))  # type: ignore[func-returns-value]
    next(results)
    assert len(asked) <= WORKERS + 1
    results.close()  # type: ignore[attr-defined]


def test_an_error_comes_where_its_result_would_have() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    results = in_order(work, range(100))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_what_is_done_beside_is_done_in_order_and_its_error_is_heard() -> None:
    done: list[int] = []
    with Beside() as beside:
        for number in range(100):
            beside.do(done.append, number)
        beside.wait()
        assert done == list(range(100))
        beside.do([].index, 1)
        with pytest.raises(ValueError, match="not in list"):
            beside.wait()
