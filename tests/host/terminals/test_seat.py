from __future__ import annotations

import pytest

from relay_server.wire import Sender
from studio_tui.errors import Refused, StudioError
from studio_tui.host.terminals.seat import ASKING_CAP, CUT, LOCKED, Seat

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
    for attempt in (seat.taken_by, seat.asked_for_by):
        with pytest.raises(Refused, match="a viewer may not type") as raised:
            attempt(VIEWER)
        assert raised.value.hint


def test_it_is_free_once_its_driver_has_left() -> None:
    assert ANAS.among({1: "ana", 2: "bob"}) == ANAS
    assert ANAS.among({2: "bob"}) == Seat()
    assert Seat().among({}) == Seat()


def test_who_asks_is_known_until_the_seat_is_theirs() -> None:
    asked = ANAS.asked_for_by(BOB)
    assert (asked.name, asked.asking) == ("ana", ("bob",))
    assert asked.asked_for_by(BOB) == asked
    assert ANAS.asked_for_by(ANA) == ANAS
    assert asked.given_to("bob", 2) == BOBS
    assert asked.among({1: "ana"}) == ANAS
    crowd = Seat(asking=tuple(f"p{n}" for n in range(ASKING_CAP)))
    with pytest.raises(StudioError, match="people ask"):
        crowd.asked_for_by(BOB)


def test_a_locked_one_is_given_by_the_owner_alone() -> None:
    locked = Seat("bob", 2, LOCKED)
    assert locked.typed_in_by(BOB) == locked
    assert locked.taken_by(BOB) == locked
    assert locked.taken_by(ANA) == Seat("ana", 1, LOCKED)
    free = locked.left()
    assert free == Seat(access=LOCKED)
    assert free.typed_in_by(BOB) is None
    assert free.typed_in_by(ANA) == Seat("ana", 1, LOCKED)
    with pytest.raises(Refused, match="has locked this terminal"):
        free.taken_by(BOB)
    assert free.asked_for_by(BOB).asking == ("bob",)
    assert locked.among({}).access == LOCKED


def test_nobody_types_in_one_that_is_cut() -> None:
    cut = Seat(access=CUT)
    assert cut.typed_in_by(ANA) is None
    assert cut.typed_in_by(BOB) is None
    for taking in (cut.taken_by, lambda sender: cut.given_to(sender.name, sender.connection)):
        with pytest.raises(StudioError, match="has cut the input"):
            taking(ANA)
    # Even a driver whom nobody thought of.
    assert Seat("bob", 2, CUT).typed_in_by(BOB) is None
