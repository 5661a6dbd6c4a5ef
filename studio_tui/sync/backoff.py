"""How long to wait before the next attempt to reconnect."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 0.1
LONGEST = 5.0
GROWTH = 1.08
"""So slow that the ceiling is about a sixth of the time that has passed: whoever was away for five
seconds is back within one."""
LONGEST_HINT = 60.0


class Backoff:
    """Full jitter: a uniform draw below a ceiling that grows from 100 ms to 5 s.

    A thousand clients of a restarted relay come back spread out rather than in waves.

    Args:
        draw: returns a number in [0, 1); `random.random` outside of tests.
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._ceiling = FIRST
        self._hint = 0.0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        wait = self._draw() * max(self._ceiling, self._hint)
        self._ceiling = min(self._ceiling * GROWTH, LONGEST)
        self._hint = 0.0
        return wait

    def spread(self, seconds: float) -> None:
        """The relay asks its clients to come back in the course of so many seconds."""
        self._hint = min(seconds, LONGEST_HINT)

    def reset(self) -> None:
        """Start over; called once a room has synchronised, not when the socket merely opened."""
        self._ceiling = FIRST
