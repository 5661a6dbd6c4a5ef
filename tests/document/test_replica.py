"""A replica: merging what others send, and what becomes of what nobody should send."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Text

from relay_server.errors import InvalidUpdate
from studio_tui.document import replica as module
from studio_tui.document.replica import DocumentPoisoned, Replica
from studio_tui.document.text import REMOTE, SharedText

PANICS = bytes.fromhex("0101019ab88abafec7030028010101017a01760101617b3fcbc70feabc939800")
"""An update that the validator refuses, because the native code panics on it."""

IN_A_STRING = b"\1\1\x09\0" + b"\x04\0\5\0\2ab" + b"\0"
"""Text whose parent is item 0 of client 5: sound where that is a shared type, refused elsewhere."""


def text_of(replica: Replica) -> SharedText:
    return SharedText(replica.doc)


def typed(text: str) -> tuple[Replica, bytes]:
    """A copy with a text in it, and the update that carries that."""
    replica = Replica()
    text_of(replica).insert(0, text)
    return replica, replica.missing_from(b"\0")


def string_of_client_5() -> bytes:
    doc = Doc(client_id=5)
    doc.get("list", type=Array).append("s")
    text = doc.get("text", type=Text)
    text += "hello"
    return doc.get_update()


def test_two_copies_bring_each_other_up_to_date() -> None:
    one, other = typed("hé 😀")[0], Replica()
    other.apply(one.missing_from(other.state_vector()))
    text_of(other).delete(0, 2)
    one.apply(other.missing_from(one.state_vector()))
    assert str(text_of(one)) == str(text_of(other)) == " 😀"
    assert one.state_vector() == other.state_vector()


def test_deletions_travel_though_the_state_vector_says_nothing_of_them() -> None:
    one, update = typed("hello")
    other = Replica()
    other.apply(update)
    text_of(one).delete(1, 5)
    assert one.state_vector() == other.state_vector()
    other.apply(one.missing_from(other.state_vector()))
    assert str(text_of(other)) == "h"


def test_the_same_twice_is_the_same() -> None:
    _, update = typed("hello")
    replica = Replica()
    replica.apply(update)
    replica.apply(update)
    assert str(text_of(replica)) == "hello"


def test_each_copy_is_a_client_of_its_own() -> None:
    assert Replica().client_id != Replica().client_id


def test_only_edits_made_here_are_local() -> None:
    _, update = typed("theirs")
    replica = Replica()
    heard: list[bytes] = []
    stop = replica.observe_local(heard.append)
    replica.apply(update)
    assert heard == []
    text_of(replica).insert(0, "mine")
    assert len(heard) == 1
    stop()
    stop()
    text_of(replica).insert(0, "later")
    assert len(heard) == 1


def test_what_was_heard_is_enough_for_another_copy() -> None:
    replica, other = Replica(), Replica()
    replica.observe_local(other.apply)
    text = text_of(replica)
    text.insert(0, "a😀b")
    text.delete(1, 2)
    assert str(text_of(other)) == "ab"


def test_remote_edits_are_marked_as_such() -> None:
    _, update = typed("hello")
    replica = Replica()
    origins: list[object] = []
    text = text_of(replica)
    text.observe(lambda _, origin: origins.append(origin))
    replica.apply(update)
    assert origins == [REMOTE]


@pytest.mark.parametrize("update", [b"", b"\1", b"\0\0\0", b"\xff" * 20, PANICS])
def test_a_malformed_update_changes_nothing(update: bytes) -> None:
    replica, before = typed("hello")
    with pytest.raises(InvalidUpdate):
        replica.apply(update)
    assert replica.missing_from(b"\0") == before


def test_values_nested_without_end_are_refused() -> None:
    depth = 26_000
    bomb = b"\1\1\x09\0" + b"\x08\1\1a\1" + b"\x75\1" * depth + b"\x75\0" + b"\0"
    with pytest.raises(InvalidUpdate, match="nest deeper"):
        Replica().apply(bomb)


@settings(deadline=None)
@given(update=st.binary(max_size=200))
def test_any_bytes_are_merged_or_refused(update: bytes) -> None:
    replica, _ = typed("hello")
    with contextlib.suppress(InvalidUpdate):
        replica.apply(update)
    text_of(replica).insert(0, "still ")
    assert str(text_of(replica)) == "still hello"


def test_an_update_that_contradicts_the_document_leaves_it_sound() -> None:
    replica = Replica()
    replica.apply(string_of_client_5())
    with pytest.raises(InvalidUpdate, match="contradicts"):
        replica.apply(IN_A_STRING)
    text_of(replica).insert(5, " world")
    assert str(text_of(replica)) == "hello world"


def test_a_sound_update_is_not_blamed_for_a_bad_one_that_waited_for_it() -> None:
    replica = Replica()
    replica.apply(IN_A_STRING)
    replica.apply(string_of_client_5())
    assert str(text_of(replica)) == "hello"


def test_a_panic_of_the_native_code_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "check_update", lambda update: None)
    with pytest.raises(DocumentPoisoned) as caught:
        typed("hello")[0].apply(PANICS)
    assert caught.value.hint


def test_after_a_refused_update_edits_are_still_local() -> None:
    replica, _ = typed("hello")
    heard: list[bytes] = []
    replica.observe_local(heard.append)
    with pytest.raises(InvalidUpdate):
        replica.apply(b"\xff")
    text_of(replica).insert(0, "x")
    assert len(heard) == 1


@pytest.mark.parametrize("state_vector", [b"", b"\1", b"\xff" * 11, b"\0\0"])
def test_a_malformed_state_vector_is_refused(state_vector: bytes) -> None:
    with pytest.raises(InvalidUpdate):
        Replica().missing_from(state_vector)


def test_who_claims_to_know_more_than_there_is_gets_no_text() -> None:
    replica, _ = typed("hello")
    ahead = Doc(client_id=replica.client_id)
    ahead.get("text", type=Text).insert(0, "x" * 1000)
    assert replica.missing_from(ahead.get_state()) == b"\0\0"


def test_an_observer_that_fails_is_told_after_the_merge() -> None:
    _, update = typed("hello")
    replica = Replica()
    text = text_of(replica)

    def fails(*_: object) -> None:
        raise KeyError("boom")

    text.observe(fails)
    with pytest.raises(ExceptionGroup):
        replica.apply(update)
    assert str(text) == "hello"
