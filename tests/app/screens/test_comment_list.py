from __future__ import annotations

from typing import Any

from studio_tui.app.screens.comment_list import Chosen, CommentList, question, words
from studio_tui.client.remarks import Thread
from studio_tui.document.remarks import CommentEntry


def thread(id: str, text: str = "why?", resolved_by: str = "", answers: int = 0) -> Thread:
    first = CommentEntry(id, by="bob", text=text, resolved_by=resolved_by)
    return Thread(first, (first,) * answers, "src/train.py", 7)


async def test_open_ones_come_first_and_a_key_says_what_to_do(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        people = pilot.app.workspace.people
        done, todo = thread("a", resolved_by="ana"), thread("b", answers=2)
        results: list[Chosen | None] = []
        for key in ("enter", "r", "x", "d", "escape"):
            pilot.app.push_screen(CommentList([done, todo], people), results.append)
            await pilot.pause()
            await pilot.press(key)
            await pilot.pause()
        acts = ["go", "reply", "resolve", "remove"]
        assert results == [*(Chosen(todo, act) for act in acts), None]  # type: ignore[arg-type]


ROWS = [
    (thread("a"), "◆ bob: why?\n  src/train.py:7"),
    (thread("a", answers=1), "◆ bob: why?\n  src/train.py:7 · 1 answer"),
    (thread("a", "x" * 99), f"◆ bob: {'x' * 48}…\n  src/train.py:7"),
    (thread("a", "", "ana", 2), "◇ bob: \n  src/train.py:7 · 2 answers · ✓ ana"),
]


async def test_a_comment_in_two_rows(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        people = pilot.app.workspace.people
        assert [words(entry, people).plain for entry, _ in ROWS] == [row for _, row in ROWS]


async def test_with_none_it_says_how_to_make_one(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("alt+v")
        await settle(pilot)
        assert "no comment yet: alt+c in a file comments" in text_of(pilot)
        await pilot.press("r", "escape")
        assert not isinstance(pilot.app.screen, CommentList)


async def test_how_many_are_not_listed(studio: Any, open_app: Any, text_of: Any) -> None:
    async with open_app(studio) as pilot:
        pilot.app.push_screen(CommentList([thread("a")], pilot.app.workspace.people, 900))
        await pilot.pause()
        assert "… and 900 more: everybody's newest are listed" in text_of(pilot)


def test_the_question_shows_what_is_answered() -> None:
    assert question(thread("a"))._body == "bob: why?"
