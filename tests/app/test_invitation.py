"""Somebody begins a lesson: it is said, nobody's focus moves, one key joins it."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.invitation import words
from studio_tui.app.screens.lessons import LessonList
from studio_tui.app.widgets.lesson_bar import LessonBar
from studio_tui.client.lesson import find
from studio_tui.document.entries import LessonEntry
from tests.app.conftest import NOW

SAID = "bob begins a lesson, a first run · ⇧F11 to join"


def begun(name: str = "first-run", time: float = NOW, done: int = 0) -> LessonEntry:
    return LessonEntry(name, done, by="bob", time=time)


def tell(studio: Any, entry: LessonEntry) -> None:
    studio.document.lessons.put(entry)
    studio.saved()


def test_the_words() -> None:
    assert words("bob", find("first-run"), "⇧F11") == SAID
    assert words("", find("first-run"), "F1").startswith("somebody begins")
    assert "\x1b" not in words("a\x1b[2J", find("first-run"), "F1")


async def test_one_key_joins_and_the_next_one_lists(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        await settle(pilot)
        bar, focused = pilot.app.workspace.query_one(LessonBar), pilot.app.focused
        tell(studio, begun())
        await settle(pilot)
        assert SAID in text_of(pilot)
        assert pilot.app.focused is focused
        assert not bar.display
        await pilot.press("shift+f11")
        await settle(pilot)
        assert bar.taken == "first-run"
        assert SAID not in text_of(pilot)
        assert pilot.app.focused is focused
        await pilot.press("shift+f11")
        await settle(pilot)
        assert isinstance(pilot.app.screen, LessonList)


async def test_a_viewer_joins_too(studio: Any, open_app: Any, settle: Any) -> None:
    studio.role = "viewer"
    async with open_app(studio) as pilot:
        tell(studio, begun())
        await settle(pilot)
        await pilot.press("shift+f11")
        await settle(pilot)
        assert pilot.app.workspace.query_one(LessonBar).taken == "first-run"


@pytest.mark.parametrize(
    "entry",
    [
        begun(time=NOW - 86400),  # long before this person came
        begun(time=float("nan")),
        begun(done=5),
        begun("of-a-later-version"),
    ],
    ids=str,
)
async def test_what_is_no_news(
    studio: Any, open_app: Any, settle: Any, text_of: Any, entry: LessonEntry
) -> None:
    async with open_app(studio) as pilot:
        tell(studio, entry)
        await settle(pilot)
        assert "begins a lesson" not in text_of(pilot)


async def test_it_is_said_once_and_again_when_it_begins_again(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        tell(studio, begun())
        await settle(pilot)
        pilot.app.workspace.work_pane.notice.clear()
        tell(studio, begun(done=1))
        await settle(pilot)
        assert SAID not in text_of(pilot)
        await pilot.press("shift+f11")  # what is not said any more is not joined unasked
        await settle(pilot)
        assert isinstance(pilot.app.screen, LessonList)
        await pilot.press("escape")
        tell(studio, begun(time=NOW + 1))
        await settle(pilot)
        assert SAID in text_of(pilot)


async def test_whoever_takes_it_is_not_told(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("shift+f11")
        await settle(pilot)
        await pilot.press("enter")
        studio.saved()
        await settle(pilot)
        assert pilot.app.workspace.query_one(LessonBar).taken == "first-run"
        tell(studio, begun(time=NOW + 1))
        await settle(pilot)
        assert "begins a lesson" not in text_of(pilot)
