"""The strip after the leader key."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.commands import COMMANDS
from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.leader import SEND, LeaderStrip

LEADER = "ctrl+right_square_bracket"
SOME = [command for command in COMMANDS if command.id in ("quit", "open", "tab.next", "help")]


async def pressed(key: str, *, terminal: bool = False) -> list[str | None]:
    answers: list[str | None] = []
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(LeaderStrip(SOME, LEADER, terminal), answers.append)
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
    return answers


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("q", "quit"),
        ("o", "open"),
        ("tab", "tab.next"),
        ("question_mark", "help"),
        ("z", None),
        ("escape", None),
        (LEADER, None),
    ],
)
async def test_one_key_ends_it(key: str, command: str | None) -> None:
    assert await pressed(key) == [command]


async def test_the_leader_again_is_for_the_terminal() -> None:
    assert await pressed(LEADER, terminal=True) == [SEND]


@pytest.mark.parametrize("width", [60, 80, 130, 200])
@pytest.mark.parametrize("foreign", ["file", "terminal"])
async def test_every_letter_is_shown_at_every_width(
    text_of: Any, only: dict[str, set[str]], foreign: str, width: int
) -> None:
    offered = [command for command in COMMANDS if command.id not in only[foreign]]
    app = SafeApp[None]()
    async with app.run_test(size=(width, 24)) as pilot:
        app.push_screen(LeaderStrip(offered, LEADER, True))
        await pilot.pause()
        shown = text_of(pilot)
        assert all(command.label in shown for command in offered if command.letter)
        assert "^] again sends it to the terminal" in shown
