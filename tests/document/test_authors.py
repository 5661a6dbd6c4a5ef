from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Doc

from studio_tui.document.authors import NAME_OF_DISK, ROOT, Authors, connected, writers
from studio_tui.document.text import SharedText


class Hand:
    """One client and its copy of the text."""

    def __init__(self, *others: Hand) -> None:
        self.doc: Doc[Any] = Doc()
        self.text = SharedText(self.doc)
        for other in others:
            self.hear(other)

    def hear(self, other: Hand) -> None:
        self.doc.apply_update(other.doc.get_update(self.doc.get_state()))

    @property
    def id(self) -> int:
        return self.doc.client_id


@pytest.mark.parametrize("start", ["plain words here\n", "日本語 😀 é words\n"])
def test_each_character_knows_its_client(start: str) -> None:
    disk = Hand()
    disk.text.insert(0, start)
    ana, bob = Hand(disk), Hand(disk)
    ana.text.insert(5, "ANA日")
    bob.text.insert(len(bob.text), "bob wrote all of this, 本\n")
    ana.hear(bob)
    text, string = ana.text, str(ana.text)
    for at, char in enumerate(string):
        first = text.to_byte(at)
        for byte in range(first, first + len(char.encode())):
            expected = (
                None
                if char.isspace()
                else ana.id
                if 5 <= at < 9
                else bob.id
                if at >= string.index("bob")
                else disk.id
            )
            assert text.client_at(byte) == expected, (at, char)
    assert text.client_at(text.size) is None
    end = text.to_byte(string.index("bob"))
    assert writers(text, end, text.size - 1) == [bob.id]
    assert set(writers(text, 0, end - 1)) == {disk.id, ana.id}
    assert writers(text, end - 1, end) == writers(text, end, end) == []


def test_names_are_signed_once_and_for_writers_alone() -> None:
    hand = Hand()
    authors = Authors(hand.doc)
    updates: list[bytes] = []
    hand.doc.observe(lambda event: updates.append(event.update))
    names = {1: "ana", 2: "bob", 3: NAME_OF_DISK}
    authors.sign(names, [1, 3, 9])
    authors.sign({**names, 1: "eve"}, [1, 3, 9])
    assert len(updates) == 1
    assert [authors.name(client) for client in (1, 2, 3, 9)] == ["ana", None, "", None]


def test_what_a_stranger_wrote_there_is_no_name() -> None:
    hand = Hand()
    names = hand.doc.get(ROOT, type=type(Authors(hand.doc)._names))
    names["1"], names["2"] = {"a": 1}, "e\x1b[31mve\n" * 40
    authors = Authors(hand.doc)
    assert authors.name(1) is None
    assert authors.name(2) == ("e[31mve" * 5)[:32]


def test_who_is_connected_is_the_relays_word() -> None:
    stamp = {"name": "ana", "role": "editor", "connection": 3}
    presence = {7: {"person": stamp}, 8: {"user": {"name": "mal"}}, 9: {"person": "mal"}}
    assert connected(presence) == {7: "ana"}
