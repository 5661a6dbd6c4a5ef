"""Presence: people and what they look at, out of states that anybody may have made up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay_server.wire import CAPS
from studio_tui.document.presence import (
    Gaze,
    Person,
    printable,
    read_person,
    read_state,
    write_gaze,
)

STAMP = {"connection": 3, "name": "ana", "role": "editor"}
HERE = {"item": {"client": 7, "clock": 4}, "assoc": 0}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
PARTS = st.sampled_from(
    ["person", "gaze", "connection", "name", "role", "path", "line", "anchor", "item", "end"]
)
STATES = st.dictionaries(PARTS, JSON | st.dictionaries(PARTS, JSON))


@pytest.mark.parametrize(
    "gaze",
    [
        Gaze(),
        Gaze("src/é 😀.py", 12, HERE, {"end": True}, {"end": True}),
        Gaze(terminal="a1b2c3"),
    ],
)
def test_what_a_person_looks_at_comes_back(gaze: Gaze) -> None:
    state = read_state(json.dumps({**write_gaze(gaze), "person": STAMP}))
    assert state is not None
    assert read_person(state) == Person(3, "ana", "editor", gaze)


def test_nothing_is_said_about_nothing() -> None:
    assert write_gaze(Gaze()) == {"gaze": {}}


def test_where_a_person_is_and_whom_they_follow_comes_back() -> None:
    state = read_state(json.dumps({**write_gaze(Gaze(), "log", 7), "person": STAMP}))
    assert state is not None
    assert read_person(state) == Person(3, "ana", "editor", Gaze(), "log", 7)


@pytest.mark.parametrize("following", [-1, True, 1.5, "7", 1 << 60, None, [7]])
def test_whom_a_stranger_says_to_follow_is_a_connection_or_nobody(following: Any) -> None:
    person = read_person({"person": STAMP, "following": following, "place": 5})
    assert person is not None
    assert (person.following, person.place) == (0, "")


@pytest.mark.parametrize(
    "text", ["null", "5", "[]", '"x"', "", "{", "[" * 10_000, "9" * 10_000, "{'a': 1}"]
)
def test_what_is_no_object_is_no_state(text: str) -> None:
    assert read_state(text) is None


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"person": None},
        {"person": [1]},
        {"person": {"name": "eve"}},
        {"person": {"connection": "3"}},
        {"person": {"connection": True}},
        {"person": {"connection": 3.5}},
    ],
)
def test_without_the_relays_stamp_there_is_nobody(state: dict[str, Any]) -> None:
    assert read_person(state) is None


@pytest.mark.parametrize(
    ("gaze", "read"),
    [
        (None, Gaze()),
        ([], Gaze()),
        ({"path": 5}, Gaze()),
        ({"path": "a\x1b]52;c;x\x07\nb"}, Gaze("a]52;c;xb")),
        ({"line": -1}, Gaze()),
        ({"line": True}, Gaze()),
        ({"line": 1e9}, Gaze()),
        ({"line": 1 << 40}, Gaze()),
        ({"anchor": {"item": {"client": -1, "clock": 0}}}, Gaze()),
        ({"anchor": {"item": "x"}, "head": {"end": "yes"}}, Gaze()),
        ({"anchor": {**HERE, "more": {"and": ["more"]}}}, Gaze(anchor=HERE)),
        ({"head": {"end": True, "more": 1}}, Gaze(head={"end": True})),
        ({"terminal": ["x"]}, Gaze()),
    ],
)
def test_what_makes_no_sense_is_left_out(gaze: Any, read: Gaze) -> None:
    person = read_person({"person": STAMP, "gaze": gaze})
    assert person is not None
    assert person.gaze == read


@pytest.mark.parametrize("name", ["", "\x00\x1b", "\u202e", None, 5])
def test_who_has_no_name_is_somebody(name: Any) -> None:
    person = read_person({"person": {**STAMP, "name": name}})
    assert person is not None
    assert person.name == "somebody"


def test_names_are_one_short_line() -> None:
    assert printable("an\na\u202e" + "x" * 1000) == "ana" + "x" * 29
    assert printable("日本", 1) == "日"


@settings(deadline=None)
@given(state=STATES)
def test_any_state_gives_nobody_or_somebody_who_can_be_shown(state: dict[str, Any]) -> None:
    person = read_person(state)
    if person is not None:
        gaze = person.gaze
        assert (person.name + person.role + gaze.path + gaze.terminal).isprintable()
        assert read_person({**write_gaze(gaze), "person": STAMP}) == Person(
            3, "ana", "editor", gaze
        )


@settings(deadline=None)
@given(path=st.text(), terminal=st.text(), line=st.integers(0, (1 << 31) - 1))
def test_what_is_published_is_small_enough_for_a_relay(path: str, terminal: str, line: int) -> None:
    for text in (path, "\x01" * 512, "😀" * 512, '"' * 512, path * 200):
        state = write_gaze(Gaze(text, line, HERE, HERE, terminal))
        shown = json.dumps(state, ensure_ascii=False).encode(errors="replace")
        assert len(shown) <= CAPS.awareness_state


def test_a_path_too_long_to_publish_is_left_out() -> None:
    assert write_gaze(Gaze("x" * 513, 2)) == {"gaze": {"line": 2}}
