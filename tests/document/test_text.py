from __future__ import annotations

import gc
import random
import weakref
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from studio_tui.document.text import (
    DISK,
    LOCAL,
    SharedText,
    Span,
    utf8_length,
    without_surrogates,
)

MIXED = "a😀b e\u0301 日本 👩\u200d👧\x00\tz"


def shared(content: str = "") -> SharedText:
    text = SharedText(Doc())
    text.insert(0, content)
    return text


def crdt_text(text: SharedText) -> str:
    return str(text.doc.get(text.name, type=Text))


def copy_of(text: SharedText) -> SharedText:
    doc: Doc[Any] = Doc()
    doc.apply_update(text.doc.get_update())
    return SharedText(doc)


def test_positions_are_code_points() -> None:
    text = shared(MIXED)
    assert len(text) == len(MIXED)
    text.insert(2, "X")
    text.delete(0, 1)
    text.replace(1, 3, "日")
    expected = MIXED[:2] + "X" + MIXED[2:]
    expected = expected[1:]
    expected = expected[:1] + "日" + expected[3:]
    assert str(text) == crdt_text(text) == expected


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (0, 99), (3, 2), (99, 99)])
def test_a_range_outside_the_text_is_refused_and_changes_nothing(start: int, end: int) -> None:
    text = shared("a😀b")
    with pytest.raises(ValueError, match="outside the text"):
        text.replace(start, end, "x")
    assert crdt_text(text) == "a😀b"


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (2, 2, "byte 2 is inside a character"),
        (1, 4, "byte 4 is inside a character"),
        (0, 7, "byte 7 is outside the text of 6 bytes"),
        (-1, 1, "byte -1 is outside"),
        (5, 1, "ends at byte 1, before its start"),
    ],
)
def test_bytes_are_checked_before_the_crdt_sees_them(start: int, end: int, message: str) -> None:
    text = shared("a😀b")
    with pytest.raises(ValueError, match=message):
        text.replace_bytes(start, end, "x", LOCAL)
    assert crdt_text(text) == "a😀b"


def test_bytes_and_code_points_convert_both_ways() -> None:
    text = shared(MIXED)
    for at in range(len(MIXED) + 1):
        assert text.to_byte(at) == len(MIXED[:at].encode())
        assert text.to_point(text.to_byte(at)) == at
    assert text.size == len(MIXED.encode())
    with pytest.raises(ValueError, match="position 99"):
        text.to_byte(99)
    with pytest.raises(ValueError, match="inside a character"):
        text.to_point(2)


def test_two_texts_have_one_digest_while_they_are_the_same() -> None:
    text = shared(MIXED)
    other, before = copy_of(text), text.digest
    assert other.digest == before
    text.delete(0, 1)
    assert text.digest != before
    other.doc.apply_update(text.doc.get_update())
    assert other.digest == text.digest
    text.insert(0, MIXED[0])
    assert text.digest == before


def test_surrogates_are_joined_or_replaced() -> None:
    text = shared()
    text.insert(0, "a\ud83d\ude00b\ud83dc")
    assert crdt_text(text) == "a😀b\ufffdc"
    assert without_surrogates("plain") == "plain"
    assert utf8_length("日") == 3


def test_several_edits_are_one_transaction_or_none() -> None:
    text = shared("one two three 日 four")
    heard: list[tuple[list[Span], object]] = []
    text.observe(lambda spans, origin: heard.append((spans, origin)))
    text.edit([(0, 3, "1"), (4, 7, ""), (14, 15, "sun"), (20, 20, "!")], DISK)
    assert str(text) == crdt_text(text) == "1  three sun four!"
    assert [origin for _, origin in heard] == [DISK]
    with pytest.raises(ValueError, match="out of order"):
        text.edit([(0, 1, "x"), (5, 7, "y"), (6, 8, "z")])
    assert crdt_text(text) == "1  three sun four!"


def test_an_edit_of_nothing_is_no_transaction() -> None:
    text = shared("abc")
    heard: list[object] = []
    text.observe(lambda spans, origin: heard.append(origin))
    text.replace(1, 1, "")
    text.edit([])
    assert heard == []


def test_spans_tell_what_happened_where() -> None:
    text = shared("日本 hello")
    heard: list[list[Span]] = []
    stop = text.observe(lambda spans, origin: heard.append(spans))
    peer = copy_of(text)
    with peer.doc.transaction(origin="x"):
        peer.edit([(0, 1, ""), (3, 8, "world")], "x")
    text.doc.apply_update(peer.doc.get_update(text.doc.get_state()))
    (spans,) = heard
    content = "日本 hello".encode()
    for span in spans:
        end = span.at + len(span.removed.encode())
        assert content[span.at : end].decode() == span.removed
        content = content[: span.at] + span.inserted.encode() + content[end:]
    assert content.decode() == str(text) == "本 world"
    stop()
    stop()
    text.insert(0, "x")
    assert len(heard) == 1


def test_remote_edits_carry_the_origin_they_are_applied_under() -> None:
    text, heard = shared("abc"), []
    text.observe(lambda spans, origin: heard.append(origin))
    peer = copy_of(text)
    peer.insert(0, "x")
    with text.doc.transaction(origin="remote"):
        text.doc.apply_update(peer.doc.get_update())
    text.insert(0, "y")
    assert heard == ["remote", LOCAL]


def test_the_copy_follows_random_edits_of_two_peers() -> None:
    chance = random.Random(7)
    texts = [shared(MIXED)]
    texts.append(copy_of(texts[0]))
    for _ in range(300):
        text = chance.choice(texts)
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.randrange(4))
        text.replace(start, end, chance.choice(["", "x", "日", "😀", "e\u0301", "\r\n"]))
        if chance.random() < 0.3:
            ours, theirs = texts[0].doc, texts[1].doc
            ours.apply_update(theirs.get_update(ours.get_state()))
            theirs.apply_update(ours.get_update(theirs.get_state()))
        for each in texts:
            assert str(each) == crdt_text(each)
            assert len(each) == len(str(each))


def test_anchors_stay_with_their_character() -> None:
    text = shared("a😀b日c")
    peer = copy_of(text)
    anchors = {at: text.anchor(text.to_byte(at)) for at in range(6)}
    assert [peer.resolve(anchors[at]) for at in range(6)] == [0, 1, 5, 6, 9, 10]
    peer.insert(2, "123")
    assert [peer.resolve(anchors[at]) for at in range(6)] == [0, 1, 8, 9, 12, 13]
    peer.delete(0, 4)
    assert peer.resolve(anchors[0]) == 0
    assert peer.resolve(anchors[2]) == text.to_byte(2) - 5 + 1


def test_the_end_and_an_empty_text_have_anchors() -> None:
    text = shared()
    assert text.resolve(text.anchor(0)) == 0
    text.insert(0, "日本")
    assert text.resolve(text.anchor(6)) == 6
    with pytest.raises(ValueError, match="inside a character"):
        text.anchor(1)


def test_an_anchor_that_overtakes_its_update_is_unknown_until_then(capfd: Any) -> None:
    text = shared("abc")
    peer = copy_of(text)
    peer.insert(1, "xyz")
    anchor = peer.anchor(2)
    assert text.resolve(anchor) is None
    text.doc.apply_update(peer.doc.get_update())
    assert text.resolve(anchor) == 2
    assert capfd.readouterr().err == ""  # a panic of the CRDT would have written over the screen


@pytest.mark.parametrize(
    "anchor",
    [
        None,
        5,
        "end",
        [],
        {},
        {"end": 1},
        {"item": None},
        {"item": {}},
        {"item": {"client": 1}},
        {"item": {"client": "1", "clock": 0}},
        {"item": {"client": True, "clock": 0}},
        {"item": {"client": 1, "clock": 1.5}},
        {"item": {"client": -1, "clock": 0}},
        {"item": {"client": 1 << 70, "clock": 0}},
        {"item": {"client": 1, "clock": 1 << 40}},
        {"item": {"client": 1, "clock": 0}, "assoc": 0},
        {"tname": "nope", "assoc": 0},
        {"type": {"client": 1, "clock": 1}, "assoc": 0},
    ],
)
def test_anchors_from_the_network_never_raise(anchor: object, capfd: Any) -> None:
    assert shared("abc").resolve(anchor) is None
    assert capfd.readouterr().err == ""


def test_an_anchor_of_another_root_resolves_to_a_character_or_nothing() -> None:
    text = shared("日")
    other = text.doc.get("other", type=Array)
    other.extend(["x"] * 9)
    for index in range(9):
        byte = text.resolve(other.sticky_index(index).to_json())
        assert byte in (None, 0, 3)


def test_every_known_clock_resolves(capfd: Any) -> None:
    text = shared("abc")
    text.doc.get("m", type=Map)["k"] = "v"
    text.delete(0, 2)
    text.insert(0, "x日z")
    for clock in range(40):
        byte = text.resolve({"item": {"client": text.doc.client_id, "clock": clock}})
        assert byte is None or 0 <= byte <= text.size
    assert capfd.readouterr().err == ""


def hostile_update(kind: str) -> bytes:
    doc: Doc[Any] = Doc()
    if kind == "array":
        doc.get("text", type=Array).extend([1, "日", [2]])
    elif kind == "map":
        doc.get("text", type=Map)["k"] = "v"
    else:
        doc.get("text", type=Text).insert_embed(0, {"a": 1})
    return doc.get_update()


@pytest.mark.parametrize("kind", ["array", "embed"])
def test_what_is_not_text_makes_the_text_read_only(kind: str) -> None:
    text = shared("日本")
    text.doc.apply_update(hostile_update(kind))
    assert not text.writable
    assert str(text) == "日本"
    with pytest.raises(ValueError, match="not text"):
        text.insert(0, "x")
    assert text.resolve(text.anchor(0)) == 6
    peer = copy_of(text)
    heard: list[list[Span]] = []
    text.observe(lambda spans, origin: heard.append(spans))
    peer.crdt.insert(len(peer.crdt), "語")
    text.doc.apply_update(peer.doc.get_update())
    assert heard == [[Span(6, "", "語")]]
    assert str(text) == "日本語"


def test_a_map_in_the_root_does_no_harm() -> None:
    text = shared("日本")
    text.doc.apply_update(hostile_update("map"))
    text.insert(1, "x")
    assert str(text) == crdt_text(text) == "日x本"


def test_formatting_is_no_change_of_the_text() -> None:
    text = shared("abc")
    heard: list[object] = []
    text.observe(lambda spans, origin: heard.append(spans))
    text.crdt.format(0, 2, {"bold": True})
    assert heard == []
    text.insert(3, "d")
    assert str(text) == crdt_text(text) == "abcd"


def test_the_document_does_not_keep_a_dropped_text_alive() -> None:
    doc: Doc[Any] = Doc()
    text = SharedText(doc)
    gone = weakref.ref(text)
    del text
    gc.collect()
    assert gone() is None
    doc.get("text", type=Text).insert(0, "x")


def test_a_closed_text_hears_nothing() -> None:
    text, heard = shared("abc"), []
    text.observe(lambda spans, origin: heard.append(spans))
    text.close()
    text.close()
    text.crdt.insert(0, "x")
    assert heard == []


def test_lines_and_pieces_of_many_bytes() -> None:
    text = SharedText(Doc())
    text.insert(0, "é\n\n日本\n")
    assert text.lines_of({11, 0, 2, 4, 3}) == {0: 0, 2: 0, 3: 1, 4: 2, 11: 3}
    assert text.lines_of([]) == {}
    assert text.piece(-5, 3) == "é\n"
    assert text.piece(5, 99) == "本\n"
