"""How long to wait before the next attempt to reconnect."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 0.1
LONGEST = 5.0


class Backoff:
    """Full jitter: a uniform draw below a ceiling that doubles from 100 ms to 5 s.

    A thousand clients of a restarted relay come back spread out rather than in waves.

    Args:
        draw: returns a number in [0, 1); `random.random` outside of tests.
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._ceiling = FIRST

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        wait = self._draw() * self._ceiling
        self._ceiling = min(self._ceiling * 2, LONGEST)
        return wait

    def reset(self) -> None:
        """Start over; called once a room has synchronised, not when the socket merely opened."""
        self._ceiling = FIRST
