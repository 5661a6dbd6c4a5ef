"""The document settles late, in bounded batches, and knows what it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text

import relay_server.replica as module
from relay_server.replica import (
    BATCH,
    EMPTY,
    NOTHING,
    SMALL,
    Broken,
    Replica,
    merge,
    panics_as_broken,
)
from relay_server.validate import survey
from relay_server.wire import write_uint

Typed = Callable[[str], list[bytes]]
NO_PARENT = bytes([1, 1, 8, 0, 4, 0, 7, 0, 1, 97, 0])  # a character inside a character


def text_of(update: bytes) -> str:
    doc: Doc = Doc()
    doc.apply_update(update)
    return str(doc.get("text", type=Text))


@pytest.mark.parametrize(
    ("size", "count", "groups"),
    [(10, BATCH, 1), (10, BATCH + 1, 2), (SMALL, 3, 3), (SMALL // 4 + 1, 8, 3)],
)
def test_merges_are_small(
    monkeypatch: pytest.MonkeyPatch, size: int, count: int, groups: int
) -> None:
    def spy(*updates: bytes) -> bytes:
        assert len(updates) <= BATCH
        assert sum(map(len, updates)) <= SMALL
        return b"".join(updates)

    monkeypatch.setattr(module, "merge_updates", spy)
    updates = [bytes((n,)) * size for n in range(count)]
    merged = merge(updates)
    assert len(merged) == groups
    assert b"".join(merged) == b"".join(updates)


def test_large_updates_do_not_wait_to_be_settled() -> None:
    doc: Doc = Doc()
    replica = Replica()
    text = doc.get("text", type=Text)
    for _ in range(BATCH // 2):
        before = doc.get_state()
        text += "x" * SMALL
        replica.append(doc.get_update(before))
        assert sum(map(len, replica._tail)) < SMALL


def test_what_is_appended_is_there(typed: Typed) -> None:
    replica = Replica()
    for update in typed("hello"):
        replica.append(update)
    assert text_of(replica.diff(NOTHING)) == "hello"
    assert text_of(Replica(typed("hello")).diff(NOTHING)) == "hello"


def test_a_peer_gets_what_it_lacks(typed: Typed) -> None:
    updates = typed("hello")
    replica, early = Replica(updates), Replica(updates[:4])
    assert len(replica.diff(early.state_vector())) < len(replica.diff(NOTHING))
    early.append(replica.diff(early.state_vector()))
    assert text_of(early.diff(NOTHING)) == "hello"


def test_what_many_ask_for_is_made_once(typed: Typed) -> None:
    replica = Replica(typed("hello"))
    for vector in (NOTHING, replica.state_vector()):
        first = replica.diff(vector)
        assert replica.diff(vector) is first
        replica.append(typed("x")[0])
        assert replica.diff(vector) is not first


def test_few_answers_are_kept_and_no_large_ones_but_the_state(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = typed("hello")
    replica = Replica(updates)
    vectors = [Replica(updates[:n]).state_vector() for n in range(1, len(updates))]
    monkeypatch.setattr(module, "SMALL_DIFF", len(replica.diff(vectors[-1])))
    assert replica.diff(vectors[-1]) is replica.diff(vectors[-1])
    assert replica.diff(vectors[0]) is not replica.diff(vectors[0])
    assert replica.diff(NOTHING) is replica.diff(NOTHING)
    monkeypatch.setattr(module, "DIFFS", 1)
    replica = Replica(updates)
    assert replica.diff(vectors[-1]) is replica.diff(vectors[-1])
    assert replica.diff(vectors[-2]) is not replica.diff(vectors[-2])


def test_an_update_is_expected_as_far_as_its_deletes_reach(typed: Typed) -> None:
    updates = typed("abc")
    replica = Replica(updates)
    (client,) = survey(updates[0]).ends
    replica.expect(survey(b"\0\1" + write_uint(client) + b"\2\0\1\1\1"))
    assert replica.complete()
    replica.expect(survey(b"\0\1" + write_uint(client) + b"\2\3\2\0\1"))
    assert not replica.complete()


def test_no_merge_is_larger_than_the_batch(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = module.merge_updates

    def counted(*updates: bytes) -> bytes:
        sizes.append(len(updates))
        return real(*updates)

    monkeypatch.setattr(module, "merge_updates", counted)
    updates = typed("x" * 1000)
    assert len(merge(updates)) == -(-1000 // BATCH)
    replica = Replica(updates)
    for update in updates:
        replica.append(update)
    assert text_of(replica.diff(NOTHING)) == "x" * 1000
    assert max(sizes) == BATCH


def test_news_is_what_changes_something(typed: Typed) -> None:
    updates = typed("abc")
    replica = Replica(updates[:2])
    assert not replica.has_news(survey(updates[0]))
    assert replica.has_news(survey(updates[2]))
    assert not replica.has_news(survey(EMPTY))


def test_a_deletion_is_news_once() -> None:
    doc: Doc = Doc()
    text = doc.get("text", type=Text)
    text += "abcdef"
    replica = Replica([doc.get_update()])
    before = doc.get_state()
    del text[1:3]
    del text[2:3]
    deletion = doc.get_update(before)
    assert replica.has_news(survey(deletion))
    replica.append(deletion)
    assert not replica.has_news(survey(deletion))
    assert not replica.has_news(survey(doc.get_update()))
    del text[0:1]
    assert replica.has_news(survey(doc.get_update(before)))


def test_what_waits_for_another_update_makes_it_incomplete(typed: Typed) -> None:
    first, second, third = typed("abc")
    replica = Replica([first])
    for update in (first, third):
        replica.expect(survey(update))
    replica.append(third)
    assert not replica.complete()
    replica.expect(survey(second))
    replica.append(second)
    assert replica.complete()
    assert text_of(replica.diff(NOTHING)) == "abc"


def test_a_misfit_breaks_the_replica() -> None:
    doc: Doc = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "a")
    replica = Replica([doc.get_update()])
    replica.append(NO_PARENT)
    with pytest.raises(Broken):
        replica.state_vector()


def test_a_panic_is_told_from_other_ends() -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(Broken), panics_as_broken():
        raise PanicException
    with pytest.raises(KeyboardInterrupt), panics_as_broken():
        raise KeyboardInterrupt


def edited(seeds: Sequence[tuple[int, int, str]]) -> tuple[Doc, list[bytes]]:
    """Two people who edit at once and hear of each other now and then."""
    docs: list[Doc] = [Doc(), Doc()]
    written: list[bytes] = []
    for who, where, words in seeds:
        doc = docs[who]
        before = doc.get_state()
        text = doc.get("text", type=Text)
        if words:
            text.insert(where % (len(text) + 1), words)
            written.append(doc.get_update(before))
        else:
            docs[1 - who].apply_update(doc.get_update())
    docs[0].apply_update(docs[1].get_update())
    return docs[0], written


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 99), st.sampled_from(["", "a", "bc"])),
        max_size=40,
    )
)
def test_merging_loses_nothing(seeds: list[tuple[int, int, str]]) -> None:
    doc, written = edited(seeds)
    replica = Replica(merge(written))
    assert text_of(replica.diff(NOTHING)) == str(doc.get("text", type=Text))
