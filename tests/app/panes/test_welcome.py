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


@pytest.mark.parametrize("role", ["owner", "editor"])
async def test_an_owner_reads_how_others_join_and_a_guest_does_not(
    studio: Any, open_app: Any, text_of: Any, role: str
) -> None:
    async with open_app(type(studio)("ana", role)) as pilot:
        shown = text_of(pilot)
        told = [f"you, on this computer: studio-tui attach {studio.id}", f"share {studio.id}"]
        assert [words in shown for words in told] == [role == "owner"] * 2
