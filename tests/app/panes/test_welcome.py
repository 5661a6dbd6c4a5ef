"""The empty middle."""

from __future__ import annotations

from typing import Any


async def test_it_says_where_this_is_and_what_to_press(
    studio: Any, open_app: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        shown = text_of(pilot)
        assert "/home/ana/char-gpt" in shown
        assert "^O  find a file and open it" in shown
