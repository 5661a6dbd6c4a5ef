"""One match instead of a walk: it must never accept what the validator would not, or differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from relay_server.errors import InvalidUpdate
from relay_server.keystroke import keystroke
from relay_server.validate import Survey, survey


def agree(update: bytes) -> bool:
    """Whether it is a keystroke; if so the validator says the same."""
    found = keystroke(update)
    if found is not None:
        assert Survey(dict([found])) == survey(update)
    return found is not None


def test_what_a_typist_sends_is_recognised(typed: Callable[[str], list[bytes]]) -> None:
    updates = typed("Aloe vera, caf\u00e9 \u20ac \u4e2d" * 20)
    assert [agree(update) for update in updates[1:]] == [True] * (len(updates) - 1)


def test_typing_between_others_is_recognised() -> None:
    doc: Doc = Doc()
    text = doc.get("text", type=Text)
    text += "ab"
    before = doc.get_state()
    text.insert(1, "x")
    assert agree(doc.get_update(before))


@pytest.mark.parametrize("text", ["ab", "\U0001f600"])
def test_more_than_one_unit_is_left_to_the_walk(
    typed: Callable[[str], list[bytes]], text: str
) -> None:
    doc: Doc = Doc()
    root = doc.get("text", type=Text)
    root += "a"
    before = doc.get_state()
    root += text
    assert not agree(doc.get_update(before))


SAMPLE = b"\x01\x01\xf1\x96\x8b%\xc1\x03\xc4\xf1\x96\x8b%\x91\x03\xf1\x96\x8b%\x92\x03\x01g\x00"


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=4))
def test_damage_is_never_accepted_where_the_walk_refuses(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(SAMPLE)
    for at, byte in changes:
        damaged[at] = byte
    agree(bytes(damaged))


@pytest.mark.parametrize("last", [0x0F, 0x10])
def test_a_client_out_of_range_is_left_to_the_walk(last: int) -> None:
    client = b"\xff" * 7 + bytes((last,))
    update = SAMPLE.replace(b"\xf1\x96\x8b%", client, 1)
    assert agree(update) is (last == 0x0F)


@given(st.binary(max_size=12), st.binary(max_size=12), st.binary(min_size=1, max_size=4))
def test_made_up_identifiers_and_characters(client: bytes, ids: bytes, text: bytes) -> None:
    update = b"\x01\x01" + client + b"\x84" + ids + bytes((len(text),)) + text + b"\x00"
    try:
        agree(update)
    except InvalidUpdate:
        pytest.fail(f"accepted {update!r}")
