"""The small dialogs: what each key answers."""

from __future__ import annotations

from typing import Any

import pytest
from textual.screen import ModalScreen

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.dialogs import Ask, Confirm, Pick

NOTHING = object()


async def answer(dialog: ModalScreen[Any], *keys: str) -> Any:
    """What `dialog` closes with after `keys`; NOTHING while it is open."""
    answers: list[Any] = [NOTHING]
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(dialog, answers.append)
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
    return answers[-1]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["y"], True),
        (["n"], False),
        (["escape"], False),
        (["enter"], False),
        (["left", "enter"], True),
        (["tab", "enter"], True),
        (["x"], NOTHING),
    ],
)
async def test_danger_is_not_one_enter_away(keys: list[str], said: object) -> None:
    assert await answer(Confirm("stop?", "char-gpt ends", "stop", "go on"), *keys) is said


async def test_what_is_harmless_is_one_enter_away() -> None:
    assert await answer(Confirm("start?", "it runs", "start", danger=False), "enter") is True


async def test_a_question_shows_foreign_text_as_it_is(text_of: Any) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Confirm("[b]x[/b]", "[@click=app.leave]bob[/]", "do it"))
        await pilot.pause()
        assert "[@click=app.leave]bob[/]" in text_of(pilot)
        assert "[b]x[/b]" in text_of(pilot)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["enter"], "a"),
        ([*"bc", "enter"], "abc"),
        (["escape"], None),
        (["backspace", "enter"], None),
    ],
)
async def test_ask(keys: list[str], said: str | None) -> None:
    assert await answer(Ask("name", "a"), *keys) == said


@pytest.mark.parametrize(
    ("keys", "said"), [(["enter"], "b"), (["down", "enter"], "c"), (["escape"], None)]
)
async def test_pick(keys: list[str], said: str | None) -> None:
    choices = [("a", "[red]first"), ("b", "second"), ("c", "third")]
    assert await answer(Pick("which", choices, current="b"), *keys) == said
