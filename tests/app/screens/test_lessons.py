from __future__ import annotations

from typing import Any

from studio_tui.app.screens.lessons import LessonList
from studio_tui.app.widgets.lesson_bar import LessonBar


async def test_a_lesson_is_chosen_begun_again_and_hidden(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        bar = pilot.app.workspace.query_one(LessonBar)
        await pilot.press("shift+f11")
        await settle(pilot)
        assert isinstance(pilot.app.screen, LessonList)
        shown = text_of(pilot)
        assert "a first run" in shown
        assert "deploying" in shown
        assert "Start a training, watch it learn" in shown
        await pilot.press("down", "enter")
        await settle(pilot)
        assert bar.words.startswith("····· Run it, and wait for both curves")
        assert "→ studio-tui job run calm-otter --name good" in text_of(pilot)
        studio.document.lessons._map["loss-curve"] = {"done": 2}
        await pilot.press("shift+f11")
        await settle(pilot)
        assert "✓✓···" in text_of(pilot)
        assert "The rate says how far each step goes" in text_of(pilot)
        await pilot.press("r")
        await settle(pilot)
        assert studio.document.lessons["loss-curve"].done == 0
        await pilot.press("shift+f11")
        await settle(pilot)
        await pilot.press("h")
        await settle(pilot)
        assert not bar.display
        await pilot.press("shift+f11")
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert not bar.display


async def test_a_viewer_is_told_why_not(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.role = "viewer"
    async with open_app(studio) as pilot:
        await pilot.press("shift+f11")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "a viewer cannot begin a lesson" in text_of(pilot)
