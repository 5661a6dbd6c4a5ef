"""Which input a screen already shows the effect of, so that who typed it can tell."""

from __future__ import annotations

from collections import deque
from typing import Final

ECHO_SECONDS: Final = 0.05
"""Programs have answered a key by then, or do not answer it."""


class EchoAck:
    """The numbers of one driver's input, by age. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._young: deque[tuple[float, int]] = deque()
        self._acked = 0

    def typed(self, seq: int, now: float) -> None:
        """Input number `seq` has been handed to the program."""
        self._young.append((now + ECHO_SECONDS, seq))

    def at(self, now: float) -> int:
        """The last input that the program has had time to answer; 0 before the first."""
        while self._young and self._young[0][0] <= now:
            self._acked = self._young.popleft()[1]
        return self._acked

    @property
    def due(self) -> float | None:
        """When there is more to say; None while there is nothing."""
        return self._young[-1][0] if self._young else None
