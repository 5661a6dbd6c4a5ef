from __future__ import annotations

import random
from itertools import pairwise

import pytest
from pycrdt import Doc

from studio_tui.document import merge
from studio_tui.document.merge import (
    LineEdit,
    apply_merge,
    line_edits,
    saved_state,
    take_disk,
    three_way,
)
from studio_tui.document.text import DISK, SharedText

PIECES = [
    "a\n",
    "b\n",
    "日本\n",
    "def f():\n",
    "\n",
    "x",
    "\r\n",
    "e\u0301",
    "\u2028",
    "  return\n",
]


def applied(old: str, edits: list[LineEdit]) -> str:
    for start, end, text in reversed(edits):
        old = old[:start] + text + old[end:]
    return old


def shared(content: str) -> SharedText:
    text = SharedText(Doc())
    text.insert(0, content, DISK)
    return text


def document_of(lines: int) -> str:
    return "".join(f"line {number} of the text\n" for number in range(lines))


@pytest.mark.parametrize(
    ("old", "new", "edits"),
    [
        ("", "", []),
        ("a\n", "a\n", []),
        ("", "a\n", [(0, 0, "a\n")]),
        ("a\nb\n", "", [(0, 4, "")]),
        ("a\nbcd\ne\n", "a\nbXd\ne\n", [(3, 4, "X")]),
        ("a\nb\nc\n", "a\nc\n", [(2, 4, "")]),
        ("a\nb", "a\nb\n", [(3, 3, "\n")]),
        ("a\nb\nc\nd\n", "A\nb\nc\nD\n", [(0, 1, "A"), (6, 7, "D")]),
    ],
)
def test_edits_are_small_and_by_line(old: str, new: str, edits: list[LineEdit]) -> None:
    assert line_edits(old, new) == edits


def test_random_texts_turn_into_each_other() -> None:
    chance = random.Random(3)
    for _ in range(300):
        old, new = ("".join(chance.choices(PIECES, k=chance.randrange(12))) for _ in range(2))
        edits = line_edits(old, new)
        assert applied(old, edits) == new
        assert all(before[1] <= after[0] for before, after in pairwise(edits))


def test_many_edits_are_joined_where_they_are_close() -> None:
    old = document_of(2 * merge.MAX_EDITS)
    new = old.replace("line ", "    line ")
    edits = line_edits(old, new)
    assert len(edits) == merge.MAX_EDITS
    assert applied(old, edits) == new


def test_texts_too_large_to_compare_are_replaced_between_their_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merge, "MAX_COMPARISONS", 4)
    old = "head\na\nb\nc\nd\ntail\n"
    new = "head\na\nX\nc\nY\ntail\n"
    edits = line_edits(old, new)
    assert len(edits) == 1
    assert applied(old, edits) == new


def test_a_clean_text_takes_the_disk_in_one_transaction() -> None:
    text = shared(document_of(20))
    heard: list[object] = []
    text.observe(lambda spans, origin: heard.append(origin))
    caret = text.anchor(text.to_byte(str(text).index("line 10")))
    disk = document_of(20).replace("line 3", "LINE 3").replace("line 15 of the text\n", "")
    assert take_disk(text, disk)
    assert str(text) == disk
    assert heard == [DISK]
    byte = text.resolve(caret)
    assert byte is not None
    assert disk.encode()[byte:].startswith(b"line 10")
    assert not take_disk(text, disk)


def test_both_sides_of_a_dirty_text_are_kept() -> None:
    text = shared("one\ntwo\nthree\n")
    base = saved_state(text)
    text.insert(0, "typed\n")
    text.insert(len(text) - 1, "!")
    result = three_way(base, str(text), "one\n2\nthree\nfour\n")
    assert result.overlaps == ()
    heard: list[object] = []
    text.observe(lambda spans, origin: heard.append(origin))
    apply_merge(text, result)
    assert str(text) == "typed\none\n2\nthree!\nfour\n"
    assert heard == [DISK]


def test_text_from_the_disk_survives_in_a_passage_deleted_meanwhile() -> None:
    text = shared("hello world\n")
    base = saved_state(text)
    text.delete(0, len(text))
    result = three_way(base, str(text), "hello NEW world\n")
    apply_merge(text, result)
    assert str(text) == "NEW "
    assert len(result.overlaps) == 1


def test_overlaps_are_ranges_of_the_base() -> None:
    text = shared("aaa\nbbb\nccc\nddd\n")
    base = saved_state(text)
    text.replace(4, 7, "ours")
    text.replace(len(text) - 4, len(text) - 1, "ours too")
    result = three_way(base, str(text), "aaa\ntheirs\nCCC\nddd\n")
    assert result.overlaps == ((4, 7),)


def test_a_second_change_on_disk_merges_against_the_first() -> None:
    text = shared("one\ntwo\n")
    base = saved_state(text)
    text.insert(0, "typed\n")
    for disk in ("one\ntwo\nthree\n", "one\ntwo\nthree\nfour\n", "two\nthree\nfour\n"):
        result = three_way(base, str(text), disk)
        apply_merge(text, result)
        base = result.base
    assert str(text) == "typed\ntwo\nthree\nfour\n"


def test_an_unchanged_disk_changes_nothing() -> None:
    text = shared("one\n")
    base = saved_state(text)
    text.insert(0, "typed\n")
    result = three_way(base, str(text), "one\n")
    assert result.update == b""
    apply_merge(text, result)
    assert str(text) == "typed\none\n"


def test_random_merges_lose_no_line_of_either_side() -> None:
    chance = random.Random(5)
    for round_ in range(40):
        lines = [f"base {number}\n" for number in range(12)]
        text = shared("".join(lines))
        base = saved_state(text)
        ours, theirs = f"ours {round_}\n", f"theirs {round_} 日\n"
        at = chance.randrange(len(lines) + 1)
        text.insert(len("".join(lines[:at])), ours)
        at = chance.randrange(len(lines) + 1)
        disk = "".join([*lines[:at], theirs, *lines[at + chance.randrange(2) :]])
        apply_merge(text, three_way(base, str(text), disk))
        assert set(disk.splitlines()) <= set(str(text).splitlines())
        assert ours.strip() in str(text).splitlines()
