"""What a member is called, and who is the same person."""

from __future__ import annotations

from relay_server.member import Member, display_name, distinct
from relay_server.wire import CAPS, Sender


def test_names_are_fit_to_show() -> None:
    assert display_name("  Ann\n\x1b[31m\u202e ") == "Ann[31m"
    assert len(display_name("x" * 500)) == CAPS.name


def test_who_has_no_name_is_a_guest() -> None:
    assert Member(1, 7, "", "viewer").sender == Sender(7, "guest-7", "viewer")


def test_a_name_that_a_token_vouches_for_is_nobody_elses() -> None:
    ann = Member(1, 10, "Ann", "owner", grant_id="a", vouched=True)
    eve = Member(2, 20, "ANN", "editor", grant_id="e")
    assert distinct(eve, [ann]) == "ANN~20"
    assert distinct(ann, [eve]) == "Ann"
    again = Member(3, 30, "Ann", "viewer", grant_id="a")
    assert distinct(again, [ann]) == "Ann"


def test_the_same_person_has_the_same_token_and_name() -> None:
    ann = Member(1, 10, "Ann", "editor", grant_id="g", pinned=True)
    assert ann.same_person(Member(2, 20, "Ann", "editor", grant_id="g", pinned=True))
    assert not ann.same_person(Member(2, 20, "Ann", "editor", grant_id="h", pinned=True))
    assert not ann.same_person(Member(2, 20, "Ben", "editor", grant_id="g", pinned=True))
