"""What the system says, in words."""

from __future__ import annotations

import errno

import pytest

from studio_tui.payload.folder.faults import Fault, told


@pytest.mark.parametrize(
    ("problem", "kind", "words"),
    [
        (FileNotFoundError(), "missing", "there is no a"),
        (NotADirectoryError(), "usage", "a is not a folder"),
        (PermissionError(), "other", "no permission for a"),
        (OSError(errno.ENOSPC, "No space left"), "other", "a: No space left"),
    ],
)
def test_whoever_asked_is_told_in_words(problem: OSError, kind: str, words: str) -> None:
    with pytest.raises(Fault, match=words) as raised, told("a"):
        raise problem
    assert raised.value.kind == kind
    assert raised.value.hint


def test_what_is_no_word_of_the_system_passes() -> None:
    with pytest.raises(ValueError, match="other"), told("a"):
        raise ValueError("other")
