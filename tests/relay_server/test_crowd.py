"""Who is connected, and when there is no place for more."""

from __future__ import annotations

from typing import Any

from relay_server.crowd import Crowd
from relay_server.health import Counters
from relay_server.limits import Limits
from relay_server.wire import Close


class Somebody:
    """A connection, as far as the crowd looks at it."""

    address, heard, number = "192.0.2.1", 0.0, 1

    def __init__(self) -> None:
        self.ended = False

    def abort(self) -> None:
        self.ended = True


async def test_a_place_is_free_again_when_somebody_goes() -> None:
    crowd = Crowd(Limits(connections=1), counters := Counters())
    one: Any = Somebody()
    two: Any = Somebody()
    assert crowd.enter(one)
    assert not crowd.full
    crowd.enter(two)
    assert crowd.full
    crowd.leave(two)
    assert not crowd.full
    assert list(crowd) == [one]
    assert counters.connections == 2


async def test_one_address_has_so_many() -> None:
    crowd = Crowd(Limits(per_address=1), Counters())
    one: Any = Somebody()
    two: Any = Somebody()
    assert crowd.enter(one)
    assert not crowd.enter(two)


async def test_who_does_not_leave_in_time_is_ended() -> None:
    crowd = Crowd(Limits(), Counters())
    await crowd.emptied(0)
    one: Any = Somebody()
    crowd.enter(one)
    await crowd.emptied(0)
    assert one.ended


async def test_who_is_sent_away_is_counted_by_why() -> None:
    crowd = Crowd(Limits(), counters := Counters())
    one: Any = Somebody()
    crowd.dropped(one, Close.FLOOD, "too much")
    assert counters.closed == {Close.FLOOD: 1}
