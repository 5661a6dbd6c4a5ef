"""The id of a history stays with the store, and goes with what it stands for."""

from __future__ import annotations

from relay_server.journal.history import Histories, new_history


def test_each_room_has_its_own_and_keeps_it() -> None:
    store = new_history()
    one, same, other = Histories({"": store}), Histories({"": store}), Histories({"": "x"})
    assert one.of("a") == same.of("a")
    assert len({one.of("a"), one.of("b"), other.of("a"), store}) == 4
    assert len(one.of("a")) == 32


def test_a_room_begins_anew_alone() -> None:
    histories = Histories({"": new_history()})
    a, b = histories.of("a"), histories.of("b")
    histories.begin("a", "fresh")
    assert histories.of("a") == "fresh" != a
    assert histories.of("b") == b


def test_no_two_are_alike() -> None:
    assert len({new_history() for _ in range(100)}) == 100
