from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from pycrdt import Doc

from relay_server.validate import read_state_vector
from studio_tui.document.anchor import anchor_of, place_of
from studio_tui.document.text import SharedText

PLANES = {
    "ascii": [chr(code) for code in range(0x21, 0x7F)],
    "wide": [chr(code) for code in range(0x4E00, 0x5200)],
    "mixed": [
        char
        for pair in zip(
            range(0x4E00, 0x4F00), range(0x1F300, 0x1F400), range(0x100, 0x200), strict=True
        )
        for char in map(chr, pair)
    ]
    + [chr(code) for code in range(0x21, 0x7F)],
}


def exchange(texts: list[SharedText]) -> None:
    for ours, theirs in itertools.permutations(texts, 2):
        ours.doc.apply_update(theirs.doc.get_update(ours.doc.get_state()))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("seed", range(3))
def test_an_anchor_finds_its_character_at_every_peer(plane: str, seed: int) -> None:
    """Each character is there once, so that the right answer can be read off the text."""
    chance = random.Random(seed)
    unused = PLANES[plane] * 1
    chance.shuffle(unused)
    texts = [SharedText(Doc()) for _ in range(3)]
    texts[0].insert(0, "".join(unused.pop() for _ in range(30)))
    exchange(texts)
    while len(unused) > 20:
        for text in texts:
            at = chance.randrange(len(text) + 1)
            text.insert(at, "".join(unused.pop() for _ in range(chance.choice((1, 1, 2, 5)))))
            at = chance.randrange(len(text))
            text.delete(at, min(len(text), at + chance.choice((0, 0, 1, 2))))
        anchors = []
        for text in texts:
            at = chance.randrange(len(text))
            anchors.append((str(text)[at], text.anchor(text.to_byte(at))))
        if chance.random() < 0.6:
            exchange(texts)
        for (char, anchor), text in itertools.product(anchors, texts):
            byte = text.resolve(anchor)
            if byte is not None and char in str(text):
                assert byte == text.to_byte(str(text).index(char))


def test_a_long_run_of_one_client_is_searched_in_few_steps() -> None:
    text = SharedText(Doc())
    text.insert(0, "日x" * 50_000)
    peer_doc: Doc[Any] = Doc()
    peer_doc.apply_update(text.doc.get_update())
    peer = SharedText(peer_doc)
    peer.insert(5, "é")
    for at in (0, 1, 4, 5, 6, 70_001, 99_999):
        byte = peer.resolve(text.anchor(text.to_byte(at)))
        assert byte == peer.to_byte(at + (at >= 5))


def test_a_deleted_character_resolves_to_where_it_was() -> None:
    text = SharedText(Doc())
    text.insert(0, "日本語の文")
    anchor = text.anchor(6)
    text.delete(1, 4)
    assert text.resolve(anchor) == 3
    text.delete(0, 2)
    assert text.resolve(anchor) == 0


def test_places_are_checked() -> None:
    assert place_of(anchor_of((7, 9))) == (7, 9)
    assert place_of({"item": {"client": 7, "clock": -1}}) is None
    assert place_of("x") is None


def test_the_state_vector_is_read() -> None:
    doc: Doc[Any] = Doc(client_id=300)
    SharedText(doc).insert(0, "x" * 200)
    other: Doc[Any] = Doc(client_id=(1 << 52) + 5)
    other.apply_update(doc.get_update())
    SharedText(other).insert(0, "日")
    assert read_state_vector(other.get_state()) == {300: 200, (1 << 52) + 5: 1}
    assert read_state_vector(Doc().get_state()) == {}
