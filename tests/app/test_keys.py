"""Names of keys."""

from __future__ import annotations

import pytest

from studio_tui.app.keys import key_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ctrl+]", "ctrl+right_square_bracket"),
        ("ctrl+g", "ctrl+g"),
        ("f12", "f12"),
        ("?", "question_mark"),
        ("+", "plus"),
        ("ctrl+shift+pageup", "ctrl+shift+pageup"),
    ],
)
def test_key_name(written: str, name: str) -> None:
    assert key_name(written) == name
