"""Seeding: a file's text goes into its room once."""

from __future__ import annotations

import pytest
from pycrdt import Doc

from studio_tui.document.seed import is_seeded, seed
from studio_tui.document.text import DISK, SharedText


def copy_of(text: SharedText) -> SharedText:
    doc = Doc()
    doc.apply_update(text.doc.get_update())
    return SharedText(doc)


@pytest.mark.parametrize("content", ["", "hello\n", "日本 😀\u2028\x00"])
def test_a_room_is_filled_once(content: str) -> None:
    text = SharedText(Doc())
    assert not is_seeded(text)
    assert seed(text, content)
    assert is_seeded(text)
    assert not seed(text, content)
    assert str(text) == content


def test_the_mark_travels_with_the_text() -> None:
    text = SharedText(Doc())
    seed(text, "hello")
    other = copy_of(text)
    assert not seed(other, "hello")
    assert str(other) == "hello"


def test_mark_and_text_are_one_update() -> None:
    text = SharedText(Doc())
    updates: list[bytes] = []
    text.doc.observe(lambda event: updates.append(event.update))
    seed(text, "hello")
    assert len(updates) == 1


def test_a_text_emptied_by_people_is_not_filled_again() -> None:
    text = SharedText(Doc())
    seed(text, "hello")
    text.delete(0, 5)
    assert not seed(text, "hello")
    assert str(text) == ""


def test_it_counts_as_coming_from_disk() -> None:
    text = SharedText(Doc())
    origins: list[object] = []
    text.observe(lambda _, origin: origins.append(origin))
    seed(text, "hello")
    assert origins == [DISK]
