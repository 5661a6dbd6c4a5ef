"""Waits between attempts: drawn below a ceiling that grows with the outage."""

from __future__ import annotations

from itertools import accumulate

import pytest

from studio_tui.sync.backoff import FIRST, GROWTH, LONGEST, LONGEST_HINT, Backoff

ALMOST_ONE = 1 - 2**-53


def test_the_ceiling_grows_up_to_the_longest() -> None:
    backoff = Backoff(lambda: ALMOST_ONE)
    waits = [backoff.next() for _ in range(100)]
    assert waits[:3] == pytest.approx([FIRST, FIRST * GROWTH, FIRST * GROWTH**2])
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(LONGEST)


@pytest.mark.parametrize("outage", [5, 10, 20])
def test_the_ceiling_is_a_small_part_of_the_outage(outage: float) -> None:
    backoff = Backoff(lambda: 0.5)
    passed = accumulate(backoff.next() for _ in range(100))
    ceilings = [2 * backoff.next() for backoff in [Backoff(lambda: 0.5)] for _ in range(100)]
    late = [ceiling for at, ceiling in zip(passed, ceilings, strict=True) if at < outage]
    assert outage / 10 < late[-1] < outage / 5


def test_the_jitter_is_full() -> None:
    draws = iter([0.0, 0.5, 0.25])
    backoff = Backoff(lambda: next(draws))
    waits = [backoff.next() for _ in range(3)]
    assert waits == pytest.approx([0.0, 0.5 * FIRST * GROWTH, 0.25 * FIRST * GROWTH**2])


def test_the_relay_may_ask_for_a_wider_spread_once() -> None:
    backoff = Backoff(lambda: 0.5)
    backoff.spread(3)
    assert [backoff.next(), backoff.next()] == pytest.approx([1.5, 0.5 * FIRST * GROWTH])
    backoff.spread(1e9)
    assert backoff.next() == LONGEST_HINT / 2


def test_after_a_success_it_starts_over() -> None:
    backoff = Backoff(lambda: ALMOST_ONE)
    while backoff.next() < LONGEST * 0.9:
        pass
    backoff.reset()
    assert backoff.next() < FIRST
