"""Why a host cannot be asked, and who can do what about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from studio_tui.app.absence import absence
from studio_tui.errors import Away


def said(studio: Any) -> tuple[str, str]:
    away = absence(studio)
    assert isinstance(away, Away)
    return away.message, away.hint


async def test_who_is_away_and_what_to_do(studio: Any) -> None:
    async with studio:
        assert absence(studio) is None
        studio.offline()
        assert said(studio) == ("offline", "it reconnects by itself")
        studio.online()
        studio.leave(99)
        assert said(studio) == ("the studio's host is away", "start it again: studio-tui open")
        studio.arrive(1, "ana", "editor")
        assert said(studio)[1] == "whoever has its folder opens it again"


async def test_a_studio_that_was_stopped_is_not_merely_offline(studio: Any) -> None:
    async with studio:
        studio.document.info = replace(studio.document.info, stopped="bob\x1b[2J")
        assert absence(studio) is None
        studio.offline()
        assert said(studio)[0].startswith("bob")
        assert "\x1b" not in said(studio)[0]
