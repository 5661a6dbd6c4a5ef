"""Studio ids."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from studio_tui.settings.names import ADJECTIVES, ANIMALS, new_id, valid_id


def first(words: Sequence[str]) -> str:
    return words[0]


def test_an_id_is_an_adjective_and_an_animal() -> None:
    adjective, animal = new_id(()).split("-")
    assert adjective in ADJECTIVES
    assert animal in ANIMALS


def test_an_id_that_is_taken_is_not_given_again() -> None:
    word = f"{ADJECTIVES[0]}-{ANIMALS[0]}"
    assert new_id((), first) == word
    assert new_id({word}, first) == f"{word}-2"
    assert new_id({word, f"{word}-2"}, first) == f"{word}-3"


def test_every_word_makes_a_valid_id() -> None:
    assert all(valid_id(f"{adjective}-{animal}") for adjective in ADJECTIVES for animal in ANIMALS)


def test_no_word_is_there_twice() -> None:
    for words in (ADJECTIVES, ANIMALS):
        assert len(set(words)) == len(words)


@pytest.mark.parametrize("text", ["calm-otter", "calm-otter-2", "lab", "gpu4all"])
def test_valid(text: str) -> None:
    assert valid_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "Calm-otter", "calm--otter", "calm-", "2fast", "a/b", "..", "*", "a b", "a" * 41]
    + ["calm-otter\n"],
)
def test_not_valid(text: str) -> None:
    assert not valid_id(text)
