"""When to publish a terminal's changes: at once after a pause, then once per interval."""

from __future__ import annotations

from typing import Final

INTERVAL: Final = 0.033
"""Seconds between two frames while output goes on."""

LONGEST_HOLD: Final = 0.150
"""Seconds for which a program may hold back drawing (synchronized output)."""


class Pace:
    """Times are seconds of any steady clock; the caller passes them in.

    Args:
        interval: least time between two frames.
        longest_hold: most time that a program may hold a frame back.
    """

    def __init__(self, interval: float = INTERVAL, longest_hold: float = LONGEST_HOLD) -> None:
        self._interval = interval
        self._longest_hold = longest_hold
        self._published = float("-inf")
        self._waiting = False
        self._held_since: float | None = None

    def changed(self, now: float, *, held: bool = False) -> float:
        """Something changed at `now`; `held`: the program holds drawing back. Returns `due`."""
        self._waiting = True
        if not held:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = now
        return max(self._earliest(), now)

    @property
    def due(self) -> float | None:
        """When to publish; in the past means now; None while there is nothing to publish."""
        return self._earliest() if self._waiting else None

    def published(self, now: float) -> None:
        """A frame went out at `now`; a program that still holds may do so for a whole hold more."""
        self._published = now
        self._waiting = False
        self._held_since = None

    def _earliest(self) -> float:
        earliest = self._published + self._interval
        if self._held_since is None:
            return earliest
        return max(earliest, self._held_since + self._longest_hold)
