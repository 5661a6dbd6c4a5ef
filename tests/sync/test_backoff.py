"""Waits between attempts: drawn below a ceiling that doubles."""

from __future__ import annotations

from studio_tui.sync.backoff import FIRST, LONGEST, Backoff

ALMOST_ONE = 1 - 2**-53


def test_the_ceiling_doubles_up_to_the_longest() -> None:
    backoff = Backoff(lambda: ALMOST_ONE)
    waits = [round(backoff.next(), 6) for _ in range(9)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_the_jitter_is_full() -> None:
    draws = iter([0.0, 0.5, 0.25])
    backoff = Backoff(lambda: next(draws))
    assert [backoff.next() for _ in range(3)] == [0.0, FIRST, FIRST]


def test_after_a_success_it_starts_over() -> None:
    backoff = Backoff(lambda: ALMOST_ONE)
    while backoff.next() < LONGEST * 0.9:
        pass
    backoff.reset()
    assert backoff.next() < FIRST
