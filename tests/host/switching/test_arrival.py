"""What people are told to look at; test_switch.py has the arrival of a whole studio."""

from __future__ import annotations

from studio_tui.host.switching.arrival import NAMED, to_look_at
from studio_tui.machines.carry.carrier import Outcome
from studio_tui.machines.carry.plan import Conflict, Side


def test_nothing_is_to_be_looked_at_where_all_came() -> None:
    assert to_look_at([Outcome(3), Outcome(0)]) == []


def test_a_few_conflicts_are_named_and_the_others_counted() -> None:
    conflicts = tuple(Conflict(f"{n}.py", f"{n}.py.box", Side.TARGET) for n in range(NAMED + 2))
    told = to_look_at([Outcome(1, conflicts[:2]), Outcome(1, conflicts[2:])])
    assert told[0] == "0.py changed on both, see 0.py.box"
    assert told[NAMED:] == ["2 more changed on both"]


def test_what_is_left_after_the_last_carry_and_what_was_displaced_is_told() -> None:
    first = Outcome(1, left={"a": "is being written"}, trash=".studio-trash/1")
    last = Outcome(0, left={"b": "is a socket"})
    trash = "what was displaced is in .studio-trash/1"
    assert to_look_at([first, last]) == ["b: is a socket", trash]
