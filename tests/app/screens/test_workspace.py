"""The workspace as a person sees and uses it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio_tui.app import absence
from studio_tui.app.screens import workspace
from studio_tui.app.screens.dialogs import Confirm
from studio_tui.app.screens.help import Help
from studio_tui.app.screens.leader import LeaderStrip
from studio_tui.app.screens.run_dialog import RunDialog
from studio_tui.errors import StudioError

SIZES = [(80, 24), (130, 40), (200, 50)]
LEADER = "ctrl+right_square_bracket"


def named(name: str, size: tuple[int, int]) -> str:
    return f"{name}-{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_studio_teaches(
    studio: Any, open_app: Any, golden: Any, size: tuple[int, int]
) -> None:
    async with open_app(studio, size) as pilot:
        golden(named("empty", size), pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_two_people_an_editor_and_a_job(
    studio: Any, open_app: Any, golden: Any, fill: Any, size: tuple[int, int]
) -> None:
    async with open_app(studio, size) as pilot:
        await fill(pilot, studio)
        golden(named("busy", size), pilot)


async def test_offline_everything_can_still_be_read(
    studio: Any, open_app: Any, golden: Any, fill: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await fill(pilot, studio)
        await pilot.press("f3")
        studio.offline()
        await pilot.press("#")
        await settle(pilot)
        golden("offline", pilot)
        studio.online()
        studio.saved()
        await settle(pilot)
        assert "● live" in text_of(pilot)
        assert "✓ saved" in text_of(pilot)


async def test_who_stopped_the_studio_is_told_until_it_is_open_again(
    studio: Any, open_app: Any, fill: Any, settle: Any, text_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(absence, "PAUSE_SECONDS", 0.01)
    async with open_app(studio) as pilot:
        await fill(pilot, studio)
        await pilot.press("f3")
        notice = pilot.app.workspace.work_pane.notice
        open_now = studio.document.info
        studio.document.info = replace(open_now, stopped="bob")
        studio.leave(99)
        while not notice.words:
            await settle(pilot)
        assert notice.words == "! bob stopped the studio · start it again: studio-tui open"
        studio.document.info = open_now
        studio.arrive(99, "host", "host")
        await settle(pilot)
        assert not notice.words


async def test_a_screen_that_is_too_small_says_so(
    studio: Any, open_app: Any, golden: Any, settle: Any, text_of: Any, resize: Any
) -> None:
    async with open_app(studio, (58, 14)) as pilot:
        golden("too-small", pilot)
        await resize(pilot, 80, 24)
        await settle(pilot)
        assert "too small" not in text_of(pilot)
        assert "F2 files" in text_of(pilot)


async def test_the_leader_shows_what_is_possible(
    studio: Any, open_app: Any, golden: Any, fill: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        await fill(pilot, studio)
        await pilot.press(LEADER)
        await settle(pilot)
        golden("leader", pilot)
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, LeaderStrip)


async def test_help_explains_the_place_that_has_the_focus(
    studio: Any, open_app: Any, golden: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("f2", "f1")
        await settle(pilot)
        golden("help-files", pilot)
        await pilot.press("escape", "f4", "question_mark")
        assert isinstance(pilot.app.screen, Help)


# -- narrow and wide ------------------------------------------------------------------------------


async def test_a_narrow_screen_shows_one_place_at_a_time(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        workspace = pilot.app.workspace
        for key, place in (("f2", "files"), ("f4", "side"), ("f5", "log"), ("f3", "work")):
            await pilot.press(key)
            await settle(pilot)
            seen = [
                p for p in ("files", "work", "side", "log") if workspace.place_of(p).is_on_screen
            ]
            assert seen == [place]
            assert workspace.focused_place is workspace.place_of(place)


async def test_pressing_a_name_in_the_strip_goes_there(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        await pilot.click("PlaceStrip", offset=(2, 0))
        await settle(pilot)
        assert pilot.app.workspace.place == "files"


async def test_from_narrow_to_wide_and_back(
    studio: Any, open_app: Any, settle: Any, resize: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        workspace = pilot.app.workspace
        await resize(pilot, 130, 40)
        await settle(pilot)
        assert all(workspace.place_of(p).is_on_screen for p in ("files", "work", "side", "log"))
        await pilot.press("f4")
        await resize(pilot, 80, 24)
        await settle(pilot)
        assert workspace.place == "side"
        assert workspace.place_of("side").is_on_screen
        assert not workspace.place_of("work").is_on_screen


async def test_folding_is_remembered(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("f2", "ctrl+b", "ctrl+g")
        await settle(pilot)
        workspace = pilot.app.workspace
        assert not workspace.place_of("files").display
        assert workspace.focused_place is workspace.work_pane
        await pilot.press("ctrl+q")
    async with open_app(type(studio)()) as pilot:
        workspace = pilot.app.workspace
        assert not workspace.place_of("files").display
        assert not workspace.place_of("side").display
        await pilot.press("f2")
        await settle(pilot)
        assert workspace.place_of("files").display


# -- the terminal gets every key ------------------------------------------------------------------


async def test_a_focused_terminal_gets_every_key_but_the_leader(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+t")
        await settle(pilot)
        await settle(pilot)
        keys = ["ctrl+q", "ctrl+c", "tab", "shift+tab", "ctrl+p", "ctrl+b", "f1", "escape", "q"]
        studio.sent.clear()
        await pilot.press(*keys)
        events = [event for _, sent in studio.sent for event in sent]
        assert [event["key"] for event in events] == keys
        assert len(pilot.app.screen_stack) == 1


async def test_the_leader_leads_out_and_twice_goes_through(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+t")
        await settle(pilot)
        await settle(pilot)
        studio.sent.clear()
        await pilot.press(LEADER)
        assert isinstance(pilot.app.screen, LeaderStrip)
        await pilot.press(LEADER)
        await settle(pilot)
        await pilot.press("x")
        events = [event for _, sent in studio.sent for event in sent]
        assert [event["key"] for event in events] == [LEADER, "x"]
        await pilot.press(LEADER, "1")
        await settle(pilot)
        assert pilot.app.workspace.focused_place is pilot.app.workspace.files_pane
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press(LEADER, "q")
        await pilot.pause()
        assert pilot.app.return_value == 0


async def test_another_leader_and_other_keys(studio: Any, open_app: Any, settle: Any) -> None:
    options = {"leader": "ctrl+g", "keys": {"run": "f9", "fold.side": "f11"}}
    async with open_app(studio, **options) as pilot:
        await pilot.press("ctrl+g")
        assert isinstance(pilot.app.screen, LeaderStrip)
        await pilot.press("escape", "f9")
        await pilot.pause()
        assert isinstance(pilot.app.screen, RunDialog)


# -- leaving --------------------------------------------------------------------------------------


async def test_leaving_with_everything_saved_asks_nothing(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert pilot.app.return_value == 0


async def test_leaving_with_unsaved_edits_asks(
    studio: Any, open_app: Any, settle: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "SETTLE_SECONDS", 0)
    async with open_app(studio) as pilot:
        pilot.app.workspace.open_file("data.py")
        await settle(pilot)
        await settle(pilot)
        await pilot.press("x", "ctrl+q")
        await settle(pilot)
        assert isinstance(pilot.app.screen, Confirm)
        assert "1 edit of yours is not yet at the relay" in text_of(pilot)
        await pilot.press("enter")  # the safe answer has the focus
        await settle(pilot)
        assert pilot.app.return_value is None
        await pilot.press("ctrl+q")
        await settle(pilot)
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.return_value == 0


# -- jobs -----------------------------------------------------------------------------------------


async def test_the_open_file_is_run_as_it_is_on_the_screen(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        pilot.app.workspace.open_file("train.py")
        await settle(pilot)
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("down", *"--lr=3", "enter")
        await settle(pilot)
        await settle(pilot)
        assert studio.asked("jobs.run") == [{"script": "train.py", "args": ["--lr=3"]}]
        assert pilot.app.workspace.log_pane.job == "j9"
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert studio.asked("jobs.run")[1]["args"] == ["--lr=3"]  # as the last time


async def test_a_job_that_cannot_start_says_why_in_its_form(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.refuse["jobs.run"] = StudioError("no GPU is free", "wait, or give fewer devices")
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+r", *"a.py", "enter")
        while "! no GPU is free · wait, or give fewer devices" not in text_of(pilot):
            await pilot.pause()
        assert isinstance(pilot.app.screen, RunDialog)
        studio.refuse.clear()
        await pilot.press("enter")
        while isinstance(pilot.app.screen, RunDialog):
            await pilot.pause()
        assert [asked["script"] for asked in studio.asked("jobs.run")] == ["a.py", "a.py"]
        await settle(pilot)
        assert pilot.app.workspace.log_pane.job == "j9"


# -- the rest -------------------------------------------------------------------------------------


async def test_sizes_change_by_key_and_by_mouse(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        workspace = pilot.app.workspace
        files, log = workspace.place_of("files"), workspace.place_of("log")
        before, rows = files.outer_size.width, log.outer_size.height
        await pilot.press("f2", "alt+shift+right", "alt+shift+up")
        await settle(pilot)
        assert files.outer_size.width == before + 2
        assert log.outer_size.height == rows + 1
        await pilot.press(LEADER, "right", "right", "escape")
        await settle(pilot)
        assert files.outer_size.width == before + 6
        edge = (files.region.right - 1, 10)
        await pilot.mouse_down(offset=edge)
        await pilot.hover(offset=(edge[0] + 5, 10))
        await pilot.mouse_up(offset=(edge[0] + 5, 10))
        await settle(pilot)
        assert files.outer_size.width == before + 11


async def test_a_hint_can_be_pressed(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        at = pilot.app.workspace.query_one("KeyHints").words.index("^R") + 1
        await pilot.click("KeyHints", offset=(at, 0))
        await settle(pilot)
        assert isinstance(pilot.app.screen, RunDialog)


async def test_going_where_somebody_looks(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob", path="data.py", line=1)
        workspace = pilot.app.workspace
        workspace.join_gaze(workspace.people.others[0].gaze)
        await settle(pilot)
        await settle(pilot)
        assert workspace.work_pane.path == "data.py"


async def test_a_viewer_is_not_offered_what_they_may_not_do(open_app: Any, studio: Any) -> None:
    viewer = type(studio)("vera", "viewer")
    async with open_app(viewer) as pilot:
        ids = {command.id for command in pilot.app.workspace.possible}
        assert {"run", "terminal"}.isdisjoint(ids)
        assert {"open", "help", "quit"} <= ids


async def test_a_viewer_who_tries_it_anyway_is_told(
    open_app: Any, studio: Any, settle: Any
) -> None:
    viewer = type(studio)("vera", "viewer")
    viewer.files = studio.files
    async with open_app(viewer) as pilot:
        work, side = pilot.app.workspace.work_pane, pilot.app.workspace.side_pane
        pilot.app.workspace.open_file("data.py")
        await settle(pilot)
        await settle(pilot)
        words = "! you look on: a viewer may change nothing · ask the owner for another role"
        for key in ("z", "ctrl+r", "ctrl+t"):
            assert work.notice.words == ""
            await pilot.press(key)
            await settle(pilot)
            assert work.notice.words == words
            work.notice.clear()
        await pilot.press("right")
        await settle(pilot)
        assert work.notice.words == ""
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("r")
        await settle(pilot)
        assert side.notice.words == words
        assert not isinstance(pilot.app.screen, RunDialog)
