"""Joining, following and leaving a studio."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.app import StudioApp
from studio_tui.app.screens.dialogs import Confirm
from studio_tui.errors import NotFound, Refused


async def test_the_workspace_follows_the_studio(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob", path="train.py", line=3)
        studio.list_job("j1", "char-gpt", "running", started=1.0)
        await settle(pilot)
        assert "bob ✎ train.py:3" in text_of(pilot)
        assert "char-gpt" in text_of(pilot)
        studio.leave(2)
        await settle(pilot)
        assert "bob" not in text_of(pilot)


async def test_an_offer_is_made_once_and_runs_the_script(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio, offer="train.py") as pilot:
        await settle(pilot)
        assert "start the training?" in text_of(pilot)
        assert "train.py runs as a job on gpu-box" in text_of(pilot)
        assert "Its log is at the" in text_of(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert studio.asked("jobs.run") == [{"script": "train.py", "args": []}]


async def test_an_offer_on_a_narrow_screen_says_which_keys_show_it(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio, (80, 24), offer="train.py") as pilot:
        await settle(pilot)
        assert "F5 shows its log, F4" in text_of(pilot)


async def test_no_offer_where_something_ran_already(
    studio: Any, open_app: Any, settle: Any
) -> None:
    studio.list_job("j1", "char-gpt", "succeeded", started=1.0, ended=2.0)
    async with open_app(studio, offer="train.py") as pilot:
        await settle(pilot)
        assert not isinstance(pilot.app.screen, Confirm)


async def test_files_that_were_open_are_open_again(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        for path in ("data.py", "train.py"):
            pilot.app.workspace.open_file(path)
            await settle(pilot)
        await pilot.press("ctrl+q")
        await pilot.pause()
    again = type(studio)()
    again.files = studio.files
    async with open_app(again) as pilot:
        await settle(pilot)
        await settle(pilot)
        assert [f.path for f in pilot.app.workspace.work_pane.open_files] == ["data.py", "train.py"]


async def test_a_studio_that_cannot_be_joined_ends_the_app_with_the_reason(studio: Any) -> None:
    studio.fail = Refused("the relay refused calm-otter", "ask its owner for an invite")
    app = StudioApp(studio)
    async with app.run_test() as pilot:
        await pilot.pause()
    assert app.return_value == 4
    with pytest.raises(Refused):
        app.check()


async def test_joining_can_be_tried_again(studio: Any, settle: Any, text_of: Any) -> None:
    made: list[Any] = []

    def make() -> Any:
        made.append(type(studio)())
        made[-1].files = studio.files
        made[-1].fail = NotFound("nobody answers", "is it on?") if len(made) == 1 else None
        return made[-1]

    app = StudioApp(make)
    async with app.run_test(size=(130, 40)) as pilot:
        await settle(pilot)
        assert "could not join calm-otter" in text_of(pilot)
        assert "nobody answers" in text_of(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await settle(pilot)
        assert len(made) == 2
        assert app.joined.is_set()
        assert "train.py" in text_of(pilot)


async def test_giving_up_after_a_failed_start(studio: Any, settle: Any) -> None:
    studio.fail = NotFound("nobody answers")
    app = StudioApp(lambda: studio)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("n")
        await pilot.pause()
    assert app.return_value == 3


async def test_an_unknown_theme_is_told(studio: Any, open_app: Any, text_of: Any) -> None:
    async with open_app(studio, theme="dracla") as pilot:
        assert "there is no theme 'dracla'; did you mean" in text_of(pilot)


async def test_the_theme_that_was_chosen_stays(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        pilot.app.workspace.choose_theme("nord")
    async with open_app(type(studio)()) as pilot:
        assert pilot.app.theme == "nord"
    async with open_app(type(studio)(), theme="light") as pilot:
        assert pilot.app.theme == "studio-light"
