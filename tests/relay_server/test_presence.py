"""Presence is true: one entry per member, the relay's name and role on it, gone with its member."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay_server import wire
from relay_server.effects import Broadcast, Send
from relay_server.errors import WireError
from relay_server.member import Member
from relay_server.presence import PresenceTable
from relay_server.wire import CAPS, Entry


def member(number: int, name: str = "", role: str = "editor", **more: Any) -> Member:
    return Member(number, number, name, role, **more)


def state(entry: Entry | None) -> Any:
    assert entry is not None
    return json.loads(entry.state)


def entry(client: int, clock: int, **fields: Any) -> Entry:
    return Entry(client, clock, json.dumps(fields))


def test_an_entry_is_stamped() -> None:
    table = PresenceTable()
    ann = member(1, "Ann", "viewer", pinned=True)
    said = entry(5, 1, cursor=3, person={"name": "root", "role": "owner"}, user={"name": "Eve"})
    told = table.update(ann, (said,))
    assert state(told) == {
        "cursor": 3,
        "person": {"name": "Ann", "role": "viewer", "connection": 1},
        "user": {"name": "Ann"},
    }
    assert table.everybody() == (told,)


def test_who_has_no_name_may_say_one() -> None:
    table = PresenceTable()
    guest = member(7)
    assert state(table.update(guest, (entry(5, 1),)))["person"]["name"] == "guest-7"
    told = table.update(guest, (entry(5, 2, user={"name": "Bob\x1b]52;"}),))
    assert state(told)["person"]["name"] == "Bob]52;"
    assert guest.sender.name == "Bob]52;"


def test_a_client_id_belongs_to_its_first_user() -> None:
    table = PresenceTable()
    ann, eve = member(1, "Ann"), member(2, "Eve")
    table.update(ann, (entry(5, 1),))
    assert table.update(eve, (entry(5, 99, x=1),)) is None
    assert table.update(eve, (Entry(5, 99, "null"),)) is None
    assert len(table.everybody()) == 1
    assert state(table.everybody()[0])["person"]["name"] == "Ann"


def test_a_member_has_one_client_id() -> None:
    table = PresenceTable()
    ann = member(1, "Ann")
    table.update(ann, (entry(5, 1),))
    assert table.update(ann, (entry(6, 1),)) is None
    assert len(table.everybody()) == 1


def test_what_others_said_is_skipped_in_a_message() -> None:
    table = PresenceTable()
    ann, bob = member(1, "Ann"), member(2, "Bob")
    table.update(ann, (entry(5, 1),))
    told = table.update(bob, (entry(5, 2, stale=True), entry(6, 1)))
    assert told is not None
    assert told.client_id == 6


def test_who_leaves_is_gone_with_a_later_clock() -> None:
    table = PresenceTable()
    told = table.update(member(1), (entry(5, 8),))
    gone = table.remove(1)
    assert told is not None
    assert gone == Entry(5, told.clock + 1, "null")
    assert table.everybody() == ()
    assert table.remove(1) is None


def test_who_says_goodbye_is_not_announced_twice() -> None:
    table = PresenceTable()
    ann = member(1)
    table.update(ann, (entry(5, 1),))
    assert table.update(ann, (Entry(5, 2, "null"),)) == Entry(5, 2, "null")
    assert table.remove(1) is None


def test_who_comes_back_with_its_old_clock_is_news() -> None:
    table = PresenceTable()
    table.update(member(1), (entry(5, 8),))
    gone = table.remove(1)
    again = table.update(member(2), (entry(5, 8),))
    assert gone is not None
    assert again is not None
    assert again.clock > gone.clock
    echo, told = table.flush()  # it is told its own clock, and nobody else is
    assert echo == Send(2, wire.Awareness((Entry(5, 8, again.state),)))
    assert told == Broadcast(wire.Awareness((again,)), frozenset({2}))
    assert table.flush() == []


def test_the_same_person_takes_over_from_a_dead_connection() -> None:
    table = PresenceTable()
    table.update(member(1, "Ann", grant_id="g"), (entry(5, 1),))
    assert table.update(member(2, "Ann", grant_id="g"), (entry(5, 1),)) is not None
    assert table.remove(1) is None
    assert len(table.everybody()) == 1


def test_the_first_entry_may_not_be_an_absence() -> None:
    table = PresenceTable()
    assert table.update(member(1), (Entry(5, 1, "null"),)) is None
    assert table.update(member(1), (entry(6, 1),)) is not None


@pytest.mark.parametrize(
    "text",
    ["[1]", "3", '"x"', "{", '{"a": NaN}', '{"a": 1e999}', "[" * 2000, '{"a":' * 600 + "1", ""],
)
def test_what_is_no_state_is_not_passed_on(text: str) -> None:
    table = PresenceTable()
    assert table.update(member(1), (Entry(5, 1, text),)) is None
    assert table.everybody() == ()


def test_a_clock_cannot_run_away() -> None:
    assert PresenceTable().update(member(1), (entry(5, 1 << 52),)) is None


def test_a_state_over_the_cap_is_an_offence() -> None:
    with pytest.raises(WireError):
        PresenceTable().update(member(1), (entry(5, 1, x="y" * CAPS.awareness_state),))
