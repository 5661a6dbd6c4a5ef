"""The keys that words on the screen name are those in force."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.bound import bound, rebound


async def test_a_remapped_key_is_named_as_it_is_now(
    studio: Any, open_app: Any, text_of: Any
) -> None:
    async with open_app(studio, keys={"run": "ctrl+u", "learn": "f12"}) as pilot:
        assert [bound(pilot.app, id) for id in ("run", "learn", "help")] == ["^U", "F12", "F1"]
        assert bound(pilot.app, "editor.find", "ctrl+f") == "^F"
        shown = text_of(pilot)
        assert "no job yet: ^U runs the open file" in shown
        assert "^U  run a script as a job" in shown
        assert "^R" not in shown


async def test_a_text_of_help_names_them_too(studio: Any, open_app: Any) -> None:
    async with open_app(studio, keys={"run": "ctrl+u"}) as pilot:
        assert rebound(pilot.app, "**ctrl+r** runs, **ctrl+s** saves") == (
            "**ctrl+u** runs, **ctrl+s** saves"
        )
        with pytest.raises(StopIteration):
            bound(pilot.app, "no such command")
