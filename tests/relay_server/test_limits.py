"""A bucket lets a rate through, and a burst on top; an address has its share."""

from __future__ import annotations

from relay_server.limits import Addresses, Limits, TokenBucket


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


def test_one_address_cannot_take_every_place() -> None:
    addresses = Addresses(Limits(per_address=2, connects_per_second=100, connects_burst=100))
    assert [addresses.enter("a", 0) for _ in range(3)] == [True, True, False]
    assert addresses.enter("b", 0)
    addresses.leave("a")
    assert not addresses.enter("a", 0)
    for _ in range(3):
        addresses.leave("a")
    assert addresses.enter("a", 0)


def test_an_address_that_comes_too_often_waits() -> None:
    addresses = Addresses(Limits(connects_per_second=1, connects_burst=2))

    def come(now: float) -> bool:
        welcome = addresses.enter("a", now)
        addresses.leave("a")
        return welcome

    assert [come(0), come(0), come(0)] == [True, True, False]
    assert come(5)
    addresses.forget(5.5)
    assert [come(5.5), come(5.5)] == [True, False]  # remembered: one had come just before
    addresses.forget(100)
    assert [come(100), come(100), come(100)] == [True, True, False]


def test_addresses_that_are_gone_are_forgotten() -> None:
    addresses = Addresses(Limits())
    for n in range(1000):
        addresses.enter(f"10.0.0.{n}", 0)
        if n:
            addresses.leave(f"10.0.0.{n}")
    addresses.forget(1000)
    assert list(addresses._buckets) == ["10.0.0.0"]
