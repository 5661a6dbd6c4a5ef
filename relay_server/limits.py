"""What one connection may cost; pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds per connection, generous to people and programs, and fatal to floods.

    Attributes:
        frames_per_second: sustained rate of messages from a client.
        frames_burst: messages it may send at once before the rate counts.
        bytes_per_second: sustained rate of bytes from a client.
        bytes_burst: bytes it may send at once before the rate counts.
        outgoing_bytes: what may wait to be read by a client, room states aside.
        backlog_bytes: what may wait for the store before clients are no longer read.
        connections: at once, over all.
    """

    frames_per_second: float = 20_000
    frames_burst: float = 500_000
    bytes_per_second: float = 32 << 20
    bytes_burst: float = 512 << 20
    outgoing_bytes: int = 8 << 20
    backlog_bytes: int = 16 << 20
    connections: int = 10_000


class TokenBucket:
    """Lets `rate` tokens a second through, and up to `burst` at once.

    Args:
        rate: tokens per second.
        burst: size of the bucket, full at the start.
        now: the time in seconds.
    """

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def take(self, tokens: float, now: float) -> bool:
        """Takes tokens; False when the bucket does not hold them, and it is left empty."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left -= tokens
        if self._left >= 0:
            return True
        self._left = 0
        return False
