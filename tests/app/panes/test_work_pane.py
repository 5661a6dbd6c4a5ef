"""Tabs of files and terminals."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app import open_files
from studio_tui.app.open_files import OpenFile
from studio_tui.app.panes import work_pane
from studio_tui.errors import NotFound
from tests.app.conftest import until


async def open_two(pilot: Any, settle: Any) -> Any:
    for path in ("data.py", "train.py"):
        pilot.app.workspace.open_file(path)
        await settle(pilot)
        await settle(pilot)
    return pilot.app.workspace.work_pane


async def test_a_file_is_opened_once(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        work = await open_two(pilot, settle)
        assert work.keys == ["file:data.py", "file:train.py"]
        assert work.active == "file:train.py"
        work.open_file("data.py")
        work.open_file("data.py")
        await settle(pilot)
        assert work.keys == ["file:data.py", "file:train.py"]
        assert work.active == "file:data.py"


async def test_going_from_tab_to_tab_and_closing(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        work = await open_two(pilot, settle)
        studio.terminal_entry("t1", title="bash")
        await settle(pilot)
        assert work.keys[-1] == "terminal:t1"
        await pilot.press("ctrl+right_square_bracket", "tab")
        await settle(pilot)
        await settle(pilot)
        assert work.active == "terminal:t1"
        assert work.terminal is not None
        await pilot.press("ctrl+right_square_bracket", "tab")
        await settle(pilot)
        assert work.active == "file:data.py"
        await pilot.press("ctrl+f4")
        await settle(pilot)
        assert work.keys == ["file:train.py", "terminal:t1"]
        assert work.active == "file:train.py"


async def test_a_tab_is_pressed(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        work = await open_two(pilot, settle)
        await pilot.click("TabStrip", offset=(4, 0))
        await settle(pilot)
        assert work.active == "file:data.py"
        assert pilot.app.focused is work.editor.editor


async def test_a_terminal_that_somebody_closed_leaves(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.terminal_entry("t1")
        await settle(pilot)
        pilot.app.workspace.show_terminal("t1")
        await settle(pilot)
        await settle(pilot)
        studio.document.terminals.remove("t1")
        studio.saved()
        await settle(pilot)
        assert pilot.app.workspace.work_pane.keys == []
        assert "open a terminal that everybody sees" in text_of(pilot)


async def test_a_file_that_is_not_there_says_so(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        pilot.app.workspace.open_file("gone.py")
        await settle(pilot)
        work = pilot.app.workspace.work_pane
        assert work.keys == []
        assert work.notice.words == "! no file gone.py · look at the files"


async def test_a_new_terminal_is_as_large_as_the_place(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+t")
        await settle(pilot)
        await settle(pilot)
        work = pilot.app.workspace.work_pane
        asked = studio.asked("terminals.create")[0]
        assert (asked["cols"], asked["rows"]) == work.deck.content_size
        assert work.active == "terminal:t1"


async def test_a_terminal_that_cannot_be_made_says_why(
    studio: Any, open_app: Any, settle: Any
) -> None:
    studio.refuse["terminals.create"] = NotFound("the studio's host is away", "start it again")
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+t")
        await settle(pilot)
        words = pilot.app.workspace.work_pane.notice.words
        assert words == "! the studio's host is away · start it again"


# -- coming back ----------------------------------------------------------------------------------

LEFT = [OpenFile("long.py", 62, 3, 50, seen=True), OpenFile("data.py")]


def furnish_long(studio: Any) -> None:
    studio.files["long.py"] = b"".join(b"x = %d\n" % line for line in range(1, 201))
    open_files.save(studio.id, LEFT)


async def test_whoever_comes_back_has_the_caret_in_the_file_that_they_left(
    studio: Any, open_app: Any, settle: Any
) -> None:
    furnish_long(studio)
    studio.terminal_entry("t1")
    async with open_app(studio, (80, 24)) as pilot:
        work = pilot.app.workspace.work_pane
        await settle(pilot)
        assert work.active == "file:long.py"
        assert pilot.app.focused is work.editor.editor
        assert work.open_files == LEFT
        await pilot.press("z")
        assert work.editor.editor.document.get_line(61) == "x z= 62"


async def test_a_window_that_is_closed_by_force_forgets_nothing(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        await open_two(pilot, settle)
        kept = [OpenFile("data.py"), OpenFile("train.py", seen=True)]
        assert open_files.load(studio.id) == kept
        await pilot.press("ctrl+f4")
        await settle(pilot)
        assert open_files.load(studio.id) == [OpenFile("data.py", seen=True)]


async def test_files_that_come_late_take_the_keys_from_nobody(
    studio: Any, open_app: Any, settle: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_pane, "AGAIN_SECONDS", 0)
    furnish_long(studio)
    studio.refuse["files.open"] = NotFound("the studio's host is away", "start it again")
    studio.host_late = True
    async with open_app(studio) as pilot:
        workspace = pilot.app.workspace
        work = workspace.work_pane
        studio.terminal_entry("t1")
        await settle(pilot)
        assert work.active == "file:long.py"
        assert work.has_focus_within
        assert "long.py opens once the studio's host gives it" in text_of(pilot)
        await pilot.press("f4")
        await settle(pilot)
        studio.refuse.clear()
        studio.arrive(99, "host", "host")
        studio.saved()
        await settle(pilot)
        await settle(pilot)
        assert work.editor is not None
        assert workspace.focused_place is workspace.side_pane
        assert open_files.load(studio.id) == LEFT


async def test_a_file_that_is_gone_since_the_last_time_loses_its_tab(
    studio: Any, open_app: Any, settle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_pane, "AGAIN_SECONDS", 0)
    open_files.save(studio.id, [OpenFile("data.py"), OpenFile("gone.py", seen=True)])
    async with open_app(studio, (80, 24)) as pilot:
        work = pilot.app.workspace.work_pane
        await until(pilot, lambda: work.keys == ["file:data.py"])
        await settle(pilot)
        assert pilot.app.focused is work.editor.editor
        assert work.notice.words == "! no file gone.py · look at the files"
        assert len(studio.asked("files.open")) == 1 + work_pane.ATTEMPTS


async def test_the_keys_never_stay_in_a_terminal_that_is_hidden(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        studio.terminal_entry("t1")
        await settle(pilot)
        work = pilot.app.workspace.work_pane
        assert pilot.app.focused is work.terminal.view
        pilot.app.workspace.open_file("data.py", focus=False)
        await settle(pilot)
        await settle(pilot)
        assert pilot.app.focused is work.editor.editor
