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
        course = Course(studio, find("deploying"))
        await bar.take(course)
        bar.look()
        await settle(pilot)
        first, second = bar.words.split("\n")
        assert first == "····· Train a model that is worth it (not again, if you have one)"
        assert second.startswith("→ studio-tui job run calm-otter --name final")
        studio.files |= {"checkpoints/char-gpt.ckpt": b"x", "serve.py": b""}
        bar.look()
        await settle(pilot)
        assert bar.words.startswith("✓···· Write a server")
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
        assert bar.words == "✓✓✓✓✓ a first run is done\n⇧F11: the next one"
