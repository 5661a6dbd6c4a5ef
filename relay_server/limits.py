"""What one connection, and one address, may cost; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds per connection, generous to people and programs, and fatal to floods.

    Attributes:
        frames_per_second: sustained rate of messages from a client.
        frames_burst: messages it may send at once before the rate counts.
        bytes_per_second: sustained rate of bytes from a client.
        bytes_burst: bytes it may send at once before the rate counts.
        joins_per_second: sustained rate of tokens from a client: each is verified and audited.
        joins_burst: tokens it may send at once before the rate counts.
        outgoing_bytes: what may wait to be read by a client, room states aside.
        backlog_bytes: what may wait for the store before clients are no longer read.
        connections: at once, over all.
        per_address: connections at once from one address.
        connects_per_second: sustained rate of new connections from one address.
        connects_burst: new connections from one address before the rate counts.
    """

    frames_per_second: float = 20_000
    frames_burst: float = 500_000
    bytes_per_second: float = 32 << 20
    bytes_burst: float = 512 << 20
    joins_per_second: float = 20
    joins_burst: float = 2000
    outgoing_bytes: int = 4 << 20
    backlog_bytes: int = 4 << 20
    connections: int = 10_000
    per_address: int = 2500
    connects_per_second: float = 50
    connects_burst: float = 5000


class Addresses:
    """Counts connections and new connections by address.

    Args:
        limits: how many are too many.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._here: Counter[str] = Counter()
        self._buckets: dict[str, TokenBucket] = {}

    def enter(self, address: str, now: float) -> bool:
        """A connection comes; False when it is one too many. Call `leave` in both cases."""
        limits = self._limits
        self._here[address] += 1
        bucket = self._buckets.get(address)
        if bucket is None:
            rate, burst = limits.connects_per_second, limits.connects_burst
            bucket = self._buckets[address] = TokenBucket(rate, burst, now)
        return bucket.take(1, now) and self._here[address] <= limits.per_address

    def leave(self, address: str) -> None:
        """A connection goes."""
        self._here[address] -= 1
        if self._here[address] <= 0:
            del self._here[address]

    def forget(self, now: float) -> None:
        """Drops addresses that are not here and whose bucket is full again; call now and then."""
        for address in [a for a in self._buckets if a not in self._here]:
            if self._buckets[address].full(now):
                del self._buckets[address]


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
        left = self._left + (now - self._at) * self._rate
        if left > self._burst:
            left = self._burst
        self._at = now
        self._left = max(left - tokens, 0)
        return left >= tokens

    def full(self, now: float) -> bool:
        """Whether nothing that was taken counts any more."""
        return self._left + (now - self._at) * self._rate >= self._burst
