"""The empty middle."""

from __future__ import annotations

from typing import Any

import pytest


async def test_it_says_where_this_is_and_what_to_press(
    studio: Any, open_app: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        shown = text_of(pilot)
        assert "/home/ana/char-gpt" in shown
        assert "^O  find a file and open it" in shown


async def test_on_a_teams_relay_it_says_how_to_invite(
    studio: Any, open_app: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(studio), "url", "wss://box.example.org:8484")
    async with open_app(studio) as pilot:
        assert f"invite others: studio-tui share {studio.id}" in text_of(pilot)
