"""What each person can do about a terminal's keyboard; the host has the last word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio_tui.app.keyboard import Keyboard
from studio_tui.document.entries import TerminalEntry
from studio_tui.errors import Away

ENTRY = TerminalEntry("t1", title="bash")
CAN = ("can_take", "can_ask", "can_give", "can_free", "can_lock", "can_size")


def keyboard(role: str = "editor", connection: int = 1, **entry: Any) -> Keyboard:
    return Keyboard(replace(ENTRY, **entry), connection, "ana", role, "^]")


FREE: dict[str, Any] = {}
MINE = {"driver": "ana", "driver_connection": 1}
BOBS = {"driver": "bob", "driver_connection": 2}
LOCKED = {"access": "locked"}
CUT = {"access": "cut"}
OVER = {"state": "exited"}


@pytest.mark.parametrize(
    ("role", "entry", "can"),
    [
        ("editor", FREE, "take size"),
        ("editor", MINE, "give free size"),
        ("editor", BOBS, "take ask"),
        ("editor", {**BOBS, "asking": ["ana"]}, "take"),
        ("editor", {**MINE, **LOCKED}, "free size"),
        ("editor", {**BOBS, **LOCKED}, "ask"),
        ("editor", LOCKED, "ask size"),
        ("editor", CUT, "size"),
        ("editor", OVER, ""),
        ("owner", FREE, "take give lock size"),
        ("owner", BOBS, "take ask give free lock size"),
        ("owner", {**BOBS, **LOCKED}, "take ask give free size"),
        ("owner", CUT, "size"),
        ("viewer", FREE, ""),
        ("viewer", BOBS, ""),
    ],
)
def test_who_can_do_what(role: str, entry: dict[str, Any], can: str) -> None:
    seen = keyboard(role, **entry)
    found = [name.removeprefix("can_") for name in CAN if getattr(seen, name)]
    assert " ".join(found) == can


@pytest.mark.parametrize(
    ("role", "entry", "who", "hint"),
    [
        ("editor", FREE, "nobody types", "just type"),
        ("viewer", FREE, "nobody types", ""),
        ("editor", MINE, "you type", "^] leads out"),
        ("editor", BOBS, "⌨ bob types", "^] k takes the keyboard"),
        ("viewer", BOBS, "⌨ bob types", ""),
        ("editor", {**BOBS, **LOCKED}, "locked · ⌨ bob types", "^] a asks for it"),
        ("editor", {**LOCKED, "asking": ["ana"]}, "locked · nobody types", "you asked for it"),
        ("editor", {**MINE, "asking": ["bob"]}, "bob asks for the keyboard", "^] h hands it over"),
        ("editor", {**BOBS, "asking": ["eve"]}, "⌨ bob types", "^] k takes the keyboard"),
        ("owner", {**LOCKED, "asking": ["bob"]}, "locked · bob asks for the keyboard",
         "^] h hands it over"),
        ("owner", CUT, "■ the owner has cut all input", "^] ! gives it back"),
        ("editor", CUT, "■ the owner has cut all input", ""),
        ("editor", {**OVER, "exit_code": 3}, "ended with 3", "^] w closes it"),
    ],
)  # fmt: skip
def test_what_the_edge_says(role: str, entry: dict[str, Any], who: str, hint: str) -> None:
    assert (keyboard(role, **entry).who, keyboard(role, **entry).hint) == (who, hint)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (BOBS, "you asked bob for the keyboard · ^] k takes it at once"),
        ({**BOBS, **LOCKED}, "you asked the owner for the keyboard · wait until it is yours"),
        (LOCKED, "you asked the owner for the keyboard · wait until it is yours"),
    ],
)
def test_who_asks_is_told_whom_and_what_is_next(entry: dict[str, Any], said: str) -> None:
    assert keyboard("editor", **entry).request == said


@pytest.mark.parametrize(
    ("role", "entry", "live", "message"),
    [
        ("editor", OVER, True, "the program has ended"),
        ("editor", FREE, False, "offline: nothing can be typed here"),
        ("viewer", BOBS, True, "you look on: a viewer may not type"),
        ("editor", CUT, True, "the owner has cut all input"),
        ("editor", LOCKED, True, "the owner has locked this terminal"),
        ("editor", BOBS, True, "bob types here"),
    ],
)
def test_why_nothing_is_typed(role: str, entry: dict[str, Any], live: bool, message: str) -> None:
    away = None if live else Away("offline", "it reconnects by itself")
    assert keyboard(role, **entry).refusal(away).message == message


def test_a_hostile_name_is_only_a_name() -> None:
    seen = keyboard(driver="\x1b]52;c;x\x07" + "b" * 99, driver_connection=2)
    assert "\x1b" not in seen.who
    assert len(seen.who) < 70


def test_who_has_just_asked_is_told_once_and_only_to_whom_it_concerns() -> None:
    asked = keyboard(**MINE, asking=["bob"])
    assert asked.asked(ENTRY).startswith("bob asks for the keyboard")
    assert asked.asked(asked.entry) == ""
    assert keyboard(**BOBS, asking=["eve"]).asked(ENTRY) == ""
    assert keyboard(**BOBS, asking=["ana"]).asked(ENTRY) == ""


@pytest.mark.parametrize(
    ("role", "entry", "lead"),
    [
        ("editor", FREE, "every key goes to the terminal except"),
        ("editor", MINE, "every key goes to the terminal except"),
        ("editor", BOBS, "⌨ bob types · ^] k takes the keyboard"),
        ("editor", LOCKED, "locked · nobody types · ^] a asks for it"),
        ("editor", OVER, "ended with 0 · ^] w closes it"),
        ("viewer", FREE, "you look on: a viewer may not type"),
        ("viewer", BOBS, "you look on: a viewer may not type"),
    ],
)
def test_where_keys_go_is_told_to_each_as_it_is(role: str, entry: Any, lead: str) -> None:
    assert keyboard(role, **entry).lead == lead
