"""A file in a tab: marks, carets, saving."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.events import Key
from textual.widgets import Input

from relay_server import wire
from studio_tui.app import words
from studio_tui.app.layout import load
from studio_tui.errors import StudioError


@pytest.fixture
async def pilot(studio: Any, open_app: Any, settle: Any) -> Any:
    async with open_app(studio) as opened:
        opened.app.workspace.open_file("data.py")
        await settle(opened)
        await settle(opened)
        yield opened


def pane(pilot: Any) -> Any:
    return pilot.app.workspace.work_pane.editor


def mark(pilot: Any) -> str:
    return str(pilot.app.workspace.work_pane.query_one("TabStrip").tabs[0].mark)


async def test_typing_goes_into_the_shared_text(pilot: Any, studio: Any, settle: Any) -> None:
    assert mark(pilot) == "✓"
    await pilot.press("h", "i")
    await settle(pilot)
    assert str((await studio.file("data.py")).text).startswith("hitext = open")
    assert mark(pilot) == "●"
    studio.saved()
    await settle(pilot)
    assert mark(pilot) == "✓"


async def test_what_is_typed_right_after_the_key_for_it_is_looked_for(pilot: Any) -> None:
    editor = pane(pilot).editor
    text = editor.text
    for key in ["x", "ctrl+f", "p", "e", "home", "o"]:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))
    await pilot.press("f20")
    assert pane(pilot).query_one("#find", Input).value == "ope"
    assert editor.text == f"x{text}"
    assert editor.selected_text == "ope"


async def test_this_persons_caret_is_published(pilot: Any, studio: Any, settle: Any) -> None:
    await pilot.press("right", "right")
    await settle(pilot)
    gaze = studio._gaze
    assert (gaze.path, gaze.line) == ("data.py", 1)
    assert pane(pilot).file.text.resolve(gaze.head) == 2


async def test_the_line_is_told_when_lines_come_above_the_same_character(
    pilot: Any, studio: Any, settle: Any
) -> None:
    await pilot.press("enter", "enter")
    await settle(pilot)
    assert studio._gaze.line == 3
    pane(pilot).file.text.insert(0, "# from elsewhere\n")
    await settle(pilot)
    assert studio._gaze.line == 4


async def test_others_carets_are_those_who_look_here(pilot: Any, studio: Any, settle: Any) -> None:
    text = pane(pilot).file.text
    at = text.anchor(7)
    studio.arrive(2, "bob", path="data.py", line=1, anchor=text.anchor(3), head=at)
    studio.arrive(3, "eve", path="train.py", line=1, head=at)
    studio.arrive(4, "mal", path="data.py", line=1, head={"item": {"client": 1, "clock": 2}})
    await settle(pilot)
    assert [(c.name, c.anchor, c.head) for c in pane(pilot)._carets()] == [("bob", 3, 7)]


async def test_saving_now(pilot: Any, studio: Any, settle: Any) -> None:
    await pilot.press("ctrl+s")
    await settle(pilot)
    assert studio.asked("files.save") == [{"file": pane(pilot).file.id}]


async def test_a_file_that_cannot_be_saved_says_why_here(
    pilot: Any, studio: Any, settle: Any
) -> None:
    studio.refuse["files.save"] = StudioError("data.py cannot be written: disk full", "free space")
    await pilot.press("ctrl+s")
    await settle(pilot)
    notice = pilot.app.workspace.work_pane.notice
    assert notice.words == "! data.py cannot be written: disk full · free space"
    del studio.refuse["files.save"]
    await pilot.press("ctrl+s")
    await settle(pilot)
    assert not notice.display


async def test_saving_offline_promises_nothing(pilot: Any, studio: Any, settle: Any) -> None:
    studio.offline()
    await pilot.press("x", "ctrl+s")
    await settle(pilot)
    words = pilot.app.workspace.work_pane.notice.words
    assert words.startswith("! data.py is not saved: offline")
    assert studio.asked("files.save") == []


async def test_what_the_host_notes_is_told_once(pilot: Any, studio: Any, settle: Any) -> None:
    entry = pane(pilot).file.entry
    studio.document.files.put(replace(entry, state="unsavable", note="the disk is full"))
    studio.saved()
    await settle(pilot)
    notice = pilot.app.workspace.work_pane.notice
    assert notice.words.startswith("! data.py: the file cannot be written: the disk is full")
    assert mark(pilot) == "!"
    notice.clear()
    studio.saved()
    await settle(pilot)
    assert notice.words == ""


async def test_a_history_that_the_relay_lost_is_told_in_words(
    pilot: Any, studio: Any, settle: Any
) -> None:
    room, before = pane(pilot).file.room, pane(pilot).file.room.replica
    room.received(wire.History("one"))
    room.lost()
    room.opened("token")
    room.received(wire.History("another"))
    room.received(wire.Denied("another history"))
    room.received(wire.Granted("read-write"))
    await pilot.press("x")
    await settle(pilot)
    notice = pilot.app.workspace.work_pane.notice
    assert notice.words.startswith("! the relay lost data.py and began it anew")
    assert "copy what you need" in notice.words
    assert mark(pilot) == "!"
    assert words.saved(studio).text == "! edits kept here, not sent"
    room.received(wire.Step2(before.missing_from(b"\0")))  # the host has restored it
    studio.saved()
    await settle(pilot)
    assert not notice.display
    assert words.saved(studio).text == "✓ saved"


async def test_a_viewer_only_reads(studio: Any, open_app: Any, settle: Any) -> None:
    viewer = type(studio)("vera", "viewer")
    viewer.files = studio.files
    async with open_app(viewer) as pilot:
        pilot.app.workspace.open_file("data.py")
        await settle(pilot)
        await settle(pilot)
        assert pane(pilot).editor.read_only
        assert "read only: you are a viewer" in pane(pilot).status.plain


async def test_the_frame_tells_line_and_column(pilot: Any, settle: Any) -> None:
    await pilot.press("right", "right")
    await settle(pilot)
    deck = pilot.app.workspace.work_pane.deck
    assert "data.py  1:3" in str(deck.border_subtitle)


async def test_the_next_tab_is_a_key_away_from_wide_lines_too(
    studio: Any, open_app: Any, settle: Any
) -> None:
    studio.files = {**studio.files, "wide.py": b"x" * 900 + b"\n"}
    async with open_app(studio) as pilot:
        work = pilot.app.workspace.work_pane
        for path in ("data.py", "wide.py"):
            pilot.app.workspace.open_file(path)
            await settle(pilot)
            await settle(pilot)
        assert work.path == "wide.py"
        await pilot.press("ctrl+pagedown")
        await settle(pilot)
        assert work.path == "data.py"


async def test_how_lines_are_shown_is_kept_and_the_same_in_all_files(
    studio: Any, open_app: Any, settle: Any
) -> None:
    def shown(pilot: Any) -> list[tuple[bool, bool]]:
        editors = pilot.app.workspace.query("Editor")
        return [(editor.soft_wrap, editor.show_line_numbers) for editor in editors]

    async def bring(pilot: Any, path: str) -> None:
        await pilot.app.workspace.work_pane.bring(path)
        await settle(pilot)

    async with open_app(studio) as pilot:
        await bring(pilot, "data.py")
        await bring(pilot, "train.py")
        assert shown(pilot) == [(False, True)] * 2
        await pilot.press("alt+z", "alt+n")
        await settle(pilot)
        assert shown(pilot) == [(True, False)] * 2
    assert (load().wrap, load().numbers) == (True, False)
    async with open_app(studio) as pilot:
        await bring(pilot, "data.py")
        assert shown(pilot)[0] == (True, False)
        await pilot.press("alt+n")
        await settle(pilot)
    assert (load().wrap, load().numbers) == (True, True)
