from __future__ import annotations

import pytest

from relay_server.wire import Sender
from studio_tui.errors import Refused
from studio_tui.host.seat import Seat

ANA, BOB = Sender(1, "ana", "owner"), Sender(2, "bob", "editor")
ANA_AGAIN = Sender(3, "ana", "owner")
VIEWER = Sender(4, "vic", "viewer")
ANAS, BOBS = Seat("ana", 1), Seat("bob", 2)


def test_a_free_seat_is_taken_by_whoever_types() -> None:
    assert Seat().free
    assert Seat().typed_in_by(BOB) == BOBS
    assert not BOBS.free


def test_only_its_driver_types_in_a_taken_one() -> None:
    assert ANAS.typed_in_by(ANA) == ANAS
    assert ANAS.typed_in_by(BOB) is None


def test_another_connection_of_the_same_person_is_another_driver() -> None:
    assert ANAS.typed_in_by(ANA_AGAIN) is None
    assert ANAS.taken_by(ANA_AGAIN) == Seat("ana", 3)


def test_it_can_be_taken_from_its_driver() -> None:
    assert ANAS.taken_by(BOB) == BOBS


@pytest.mark.parametrize("seat", [Seat(), ANAS])
def test_a_viewer_has_no_place_in_it(seat: Seat) -> None:
    assert seat.typed_in_by(VIEWER) is None
    with pytest.raises(Refused, match="a viewer may not type") as raised:
        seat.taken_by(VIEWER)
    assert raised.value.hint


def test_it_is_free_once_its_driver_has_left() -> None:
    assert ANAS.without({1, 2}) == ANAS
    assert ANAS.without({2}) == Seat()
    assert Seat().without(set()) == Seat()
