"""Remarks are found once, and then follow what is typed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from pycrdt import Doc

from studio_tui.document import spots as module
from studio_tui.document.remarks import CommentEntry, MarkEntry, spot
from studio_tui.document.spots import Spots
from studio_tui.document.text import SharedText

ROOM = "r@1"


def text_of(content: str) -> SharedText:
    text = SharedText(Doc())
    text.insert(0, content)
    return text


def remark(text: SharedText, start: int, end: int, id: str = "c") -> CommentEntry:
    first, last = (text.anchor(text.to_byte(at)) for at in (start, end))
    return CommentEntry(id, "a.py", ROOM, first, last, 1, str(text)[start:end])


@pytest.mark.parametrize("seed", range(20))
def test_remarks_move_as_their_anchors_do(seed: int) -> None:
    rng = random.Random(seed)

    def typed(most: int) -> str:
        return "".join(rng.choice("ab \n") for _ in range(rng.randrange(most)))

    text = text_of("a" + typed(80))
    spots, remarks = Spots(text, ROOM), []
    for number in range(8):
        start, end = sorted(rng.randrange(len(text) + 1) for _ in "ab")
        remarks.append(remark(text, start, end, f"c{number}"))
    assert spots.of(remarks) == [spot(text, ROOM, each) for each in remarks]
    for _ in range(40):
        start, end = sorted(rng.randrange(len(text) + 1) for _ in "ab")
        text.replace(start, rng.choice((start, min(end, start + 5))), typed(6))
        places = [spot(text, ROOM, each) for each in remarks]
        assert spots.of(remarks) == places
        lines = [place and text.line_of(place[0]) + 1 for place in places]
        assert spots.lines_of(remarks) == lines


def test_a_keystroke_looks_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of("é日本\nthree\n")
    here, gone = remark(text, 1, 3), MarkEntry("m", room="r@0", line=1, quote="nowhere")
    there = MarkEntry("n", room="r@0", line=2, quote="three")
    spots = Spots(text, ROOM)
    assert spots.of([here, gone, there]) == [(2, 8), None, (9, 14)]
    monkeypatch.setattr(module, "spot", None)
    monkeypatch.setattr(text, "resolve", None)
    text.insert(0, "😀\n")
    text.insert(4, "x")
    assert spots.of([here, gone, there]) == [(7, 14), None, (15, 20)]
    assert spots.lines_of([here, gone, there]) == [2, None, 3]


def test_a_quote_is_found_as_soon_as_it_is_whole_and_then_followed() -> None:
    text = text_of("one\ntwo\n")
    entry = MarkEntry("m", room="r@0", line=1, quote="two words")
    spots = Spots(text, ROOM)
    assert spots.of([entry]) == [None]
    text.insert(7, " wor")
    assert spots.of([entry]) == [None]
    text.insert(11, "ds")
    assert spots.of([entry]) == [(4, 13)]
    text.insert(0, "two words\n")
    assert spots.of([entry]) == [(14, 23)]
    text.delete(13, 24)
    assert spots.of([entry]) == [(13, 13)]


def test_anchors_count_as_soon_as_their_text_has_arrived() -> None:
    mine, theirs = text_of("one\n"), SharedText(Doc())
    theirs.doc.apply_update(mine.doc.get_update())
    theirs.insert(4, "two\n")
    entry, spots = remark(theirs, 4, 7), Spots(mine, ROOM)
    assert spots.of([entry]) == [None]
    mine.insert(0, "two\n")
    assert spots.of([entry]) == [(0, 3)]  # by its words
    mine.doc.apply_update(theirs.doc.get_update())
    assert str(mine) == "two\none\ntwo\n"
    assert spots.of([entry]) == [(8, 11)]


def test_after_much_has_changed_all_are_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of("one\ntwo\n")
    entry, spots = remark(text, 4, 7), Spots(text, ROOM)
    assert spots.of([entry]) == [(4, 7)]
    text.insert(0, "x" * module.MUCH + "\n")
    assert spots.of([entry]) == [(module.MUCH + 5, module.MUCH + 8)]
    monkeypatch.setattr(module, "MOST", 1)
    others = [replace(entry, id=str(number)) for number in range(4)]
    for _ in range(3):
        assert spots.of(others) == spots.of([entry]) * 4
        assert len(spots._spots) <= 5


def test_one_of_the_same_id_is_another_when_it_is_about_another_place() -> None:
    text = text_of("one\ntwo\n")
    entry, spots = remark(text, 4, 7), Spots(text, ROOM)
    assert spots.of([entry, MarkEntry("c", quote="one")]) == [(4, 7), (0, 3)]
    assert spots.of([replace(entry, text="edited"), remark(text, 0, 3)]) == [(4, 7), (0, 3)]
