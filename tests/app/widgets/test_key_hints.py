"""Keys as the bottom line writes them."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.widgets.key_hints import KeyHints, key_label


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("ctrl+p", "^P"),
        ("ctrl+right_square_bracket", "^]"),
        ("f1,question_mark", "F1"),
        ("question_mark", "?"),
        ("shift+f6", "⇧F6"),
        ("alt+shift+right", "alt+⇧→"),
        ("ctrl+pagedown", "^pgdn"),
        ("enter", "↵"),
        ("n", "n"),
    ],
)
def test_key_label(key: str, label: str) -> None:
    assert key_label(key) == label


async def test_what_does_not_fit_is_left_out_but_the_leader_is_first(
    studio: Any, open_app: Any
) -> None:
    async with open_app(studio, (60, 20)) as pilot:
        words = pilot.app.workspace.query_one(KeyHints).words
        assert words.startswith(" ^] leader ")
        assert len(words) <= 60
    async with open_app(type(studio)(), (200, 20)) as pilot:
        assert "^Q quit" in pilot.app.workspace.query_one(KeyHints).words


async def test_it_follows_the_focus(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        hints = pilot.app.workspace.query_one(KeyHints)
        await pilot.press("f2")
        await settle(pilot)
        assert " n new " in hints.words
        await pilot.press("f3")
        await settle(pilot)
        assert " n new " not in hints.words
        await pilot.press("ctrl+t")
        await settle(pilot)
        await settle(pilot)
        assert hints.words == " every key goes to the terminal except  ^] leader "


async def test_other_keys_are_shown_as_they_are(studio: Any, open_app: Any) -> None:
    async with open_app(studio, keys={"run": "f9"}) as pilot:
        assert " F9 run " in pilot.app.workspace.query_one(KeyHints).words
