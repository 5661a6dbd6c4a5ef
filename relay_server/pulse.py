"""A pulse: whether a client that says nothing is still there; pure."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

PATIENCE: Final = 20.0  # seconds of silence granted to a client that has never answered a ping


class Verdict(Enum):
    """What to make of a silence."""

    FINE = auto()
    ASK = auto()  # by a ping
    GONE = auto()


class Pulse:
    """The silences of one client.

    Args:
        interval: seconds of silence until it is asked.
        timeout: seconds of silence until it counts as gone.

    Attributes:
        answers: it has answered a ping before, so it will be missed soon.
    """

    __slots__ = ("_asked_at", "_interval", "_timeout", "answers")

    def __init__(self, interval: float, timeout: float) -> None:
        self.answers = False
        self._interval = interval
        self._timeout = timeout
        self._asked_at: float | None = None  # None: it has been heard since

    def quiet(self, now: float, heard: float) -> bool:
        """Whether it has said nothing for long enough to be asked."""
        return now - heard >= self._interval

    def look(self, now: float, heard: float) -> Verdict:
        """Judges a client that was heard last at `heard`; call every second or so."""
        if self._asked_at is not None and heard > self._asked_at:
            self._asked_at = None
        if not self.quiet(now, heard):
            return Verdict.FINE
        if self._asked_at is None:
            self._asked_at = now
            return Verdict.ASK
        patience = self._timeout if self.answers else max(self._timeout, PATIENCE)
        over = now - self._asked_at >= patience - self._interval
        return Verdict.GONE if over else Verdict.FINE
