"""The form in front of a job."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.run_dialog import RunDialog, RunRequest


async def filled(dialog: RunDialog, *keys: str) -> list[RunRequest | None]:
    answers: list[RunRequest | None] = []
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(dialog, answers.append)
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
    return answers


async def test_enter_runs_what_is_open() -> None:
    assert await filled(RunDialog("train.py", "local"), "enter") == [RunRequest("train.py")]


async def test_every_field_counts() -> None:
    keys = ["down", *"-n 'a b'", "down", *"bf16-mixed", "down", "2", "down", *"box1,box2"]
    keys += ["down", *"2h", "down", "3", "enter"]
    options: dict[str, Any] = {"precision": "bf16-mixed", "devices": "2", "machine": "box1,box2"}
    options |= {"max_runtime": "2h", "retries": 3}
    assert await filled(RunDialog("a.py", ""), *keys) == [
        RunRequest("a.py", ["-n", "a b"], options)
    ]


async def test_the_last_request_comes_back() -> None:
    last = RunRequest("a.py", ["x y"], {"devices": "4"})
    assert await filled(RunDialog("a.py", "", last), "enter") == [last]


async def test_escape_runs_nothing() -> None:
    assert await filled(RunDialog("a.py", ""), "escape") == [None]


@pytest.mark.parametrize(
    ("script", "keys", "said"),
    [
        ("", ["enter"], "! which script?"),
        ("a.py", ["down", "'", "enter"], "! arguments: no closing"),
        ("a.py", [*["down"] * 6, *"often", "enter"], "! run again: a number"),
    ],
)
async def test_what_makes_no_sense_is_said_in_the_form(
    text_of: Any, script: str, keys: list[str], said: str
) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(RunDialog(script, "local"))
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert said in text_of(pilot)
        assert isinstance(app.focused, Input)
