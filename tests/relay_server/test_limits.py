"""A bucket lets a rate through, and a burst on top."""

from __future__ import annotations

from relay_server.limits import TokenBucket


def test_a_burst_passes_and_then_the_rate() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0)
    assert all(bucket.take(1, 0) for _ in range(5))
    assert not bucket.take(1, 0)
    assert not bucket.take(1, 0.05)
    assert bucket.take(1, 0.2)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0)
    assert not bucket.take(6, 1000)
    assert bucket.take(5, 2000)


def test_a_steady_rate_passes_for_ever() -> None:
    bucket = TokenBucket(rate=10, burst=2, now=0)
    assert all(bucket.take(1, n / 10) for n in range(1, 1000))
