from __future__ import annotations

from typing import Any

from studio_tui.app.widgets.lesson_bar import LessonBar
from studio_tui.client.lesson import Course, find


async def test_it_says_the_step_and_goes_on_by_itself(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        bar = pilot.app.workspace.query_one(LessonBar)
        assert not bar.display
        studio.files.clear()
        course = Course(studio, find("first-run"))
        await bar.take(course)
        bar.look()
        await settle(pilot)
        first, second = bar.words.split("\n")
        assert first == "····· Open the script train.py and look through it"
        assert second.startswith("→ ctrl+o train.py · or: studio-tui file cat calm-otter")
        studio.files["train.py"] = b"x"
        bar.look()
        await settle(pilot)
        assert bar.words.startswith("✓···· Start the run")
        assert bar.size.height == 2
        await bar.take(None)
        assert (bar.words, bar.display) == ("", False)


async def test_the_end_names_what_is_next(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        bar = pilot.app.workspace.query_one(LessonBar)
        course = Course(studio, find("first-run"))
        await bar.take(course)
        studio.document.lessons._map["first-run"] = {"done": 5}
        bar.show()
        assert bar.words == "✓✓✓✓✓ a first run is done\nctrl+p, learn: the next one"
