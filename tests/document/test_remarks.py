"""Where a remark is, in its own room and in a later history of the file."""

from __future__ import annotations

import pytest
from pycrdt import Doc

from studio_tui.document.remarks import QUOTE_CAP, CommentEntry, spot
from studio_tui.document.text import SharedText

START = "one\ntwo 日本\nthree\n"


def text_of(content: str) -> SharedText:
    text = SharedText(Doc())
    text.insert(0, content)
    return text


def remark(text: SharedText, start: int, end: int, room: str = "r@1") -> CommentEntry:
    first, last = text.to_byte(start), text.to_byte(end)
    return CommentEntry(
        "c1", "a.py", room, text.anchor(first), text.anchor(last), text.line_of(first) + 1,
        str(text)[start:end],
    )  # fmt: skip


def found(text: SharedText, entry: CommentEntry, room: str = "r@1") -> str | None:
    place = spot(text, room, entry)
    return None if place is None else str(text).encode()[slice(*place)].decode()


def test_a_remark_stays_with_its_text() -> None:
    text = text_of(START)
    entry = remark(text, 8, 10)
    assert found(text, entry) == "日本"
    text.insert(0, "é😀\n\n")
    text.insert(str(text).index("本"), "x")
    assert found(text, entry) == "日x本"


def test_a_remark_on_text_that_was_deleted_is_an_empty_range_where_it_was() -> None:
    text = text_of(START)
    entry = remark(text, 4, 10)
    text.delete(3, 11)
    place = spot(text, "r@1", entry)
    assert place is not None
    assert place[0] == place[1]
    assert text.line_of(place[0]) <= 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\n\ntwo 日本\n", 2),
        ("two 日本\n" * 5, 1),
        ("two 日本\nx\nx\ntwo 日本\n", 0),
        ("all of it is new\n", None),
    ],
)
def test_in_another_history_it_is_found_by_its_words(content: str, expected: int | None) -> None:
    entry = remark(text_of(START), 4, 10)
    fresh = text_of(content)
    place = spot(fresh, "r@2", entry)
    assert (None if place is None else fresh.line_of(place[0])) == expected
    assert found(fresh, entry, "r@2") == (None if expected is None else "two 日本")


def test_what_a_stranger_wrote_there_is_nowhere() -> None:
    text = text_of(START)
    entry = CommentEntry("c", room="r@1", start={"item": {"client": 5, "clock": 1}}, end={"a": 1})
    assert spot(text, "r@1", entry) is None
    assert CommentEntry.read({"id": "c", "start": 7, "text": ["x"], "line": "9"}).start == {}


@pytest.mark.parametrize("quote", ["a", "b\n", "\n", "aXa", "a\nb", "zz", "é"])
def test_the_nearest_line_wins_and_the_first_of_equals(quote: str) -> None:
    content = "b\naé\na\nb a\n\n" * 3 + "a a\nbb\naXaXa"
    text = text_of(content)
    places = [at for at in range(len(content)) if content.startswith(quote, at)]
    for line in range(-1, 25):
        entry = CommentEntry("c", line=line, quote=quote)
        at = min(places, key=lambda at: abs(content.count("\n", 0, at) - line + 1), default=None)
        place = spot(text, "r@2", entry)
        assert (None if place is None else text.to_point(place[0])) == at


def test_a_quote_that_is_everywhere_holds_nobody_up() -> None:
    text = text_of("e\n" * 500_000)
    for quote in ("e", "\n", "e\n" * 60):
        place = spot(text, "r@2", CommentEntry("c", line=400_000, quote=quote))
        assert place is not None
        assert text.line_of(place[0]) == 399_999


def test_a_quote_is_read_no_longer_than_it_is_written() -> None:
    entry = CommentEntry.read({"id": "c", "quote": "x" * 1000})
    assert len(entry.quote) == QUOTE_CAP
