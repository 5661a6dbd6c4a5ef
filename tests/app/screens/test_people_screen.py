"""Going where others are, and after them."""

from __future__ import annotations

from typing import Any

import pytest

LONG = b"".join(b"line %d\n" % number for number in range(400))


@pytest.fixture
def long_files(studio: Any) -> Any:
    studio.files = {**studio.files, "long.py": LONG, "wide.py": b"x" * 500 + b"\n"}
    return studio


async def seen(pilot: Any, settle: Any, condition: Any) -> None:
    """Files open in the background: look until it is there."""
    for _ in range(200):
        await settle(pilot)
        if condition():
            return
    raise AssertionError("it never came")


async def look(studio: Any, path: str, line: int, top: int, **more: Any) -> None:
    """bob looks at a line of a file, his view begins at another."""
    text = (await studio.file(path)).text
    starts = [0]
    for row in str(text).split("\n"):
        starts.append(starts[-1] + len(row) + 1)
    head = text.anchor(starts[line - 1])
    studio.arrive(
        2, "bob", path=path, line=line, anchor=head, head=head, top=text.anchor(starts[top - 1]),
        **more,
    )  # fmt: skip


async def test_going_to_somebody_puts_the_caret_where_theirs_is(
    long_files: Any, open_app: Any, settle: Any
) -> None:
    studio = long_files
    async with open_app(studio) as pilot:
        workspace = pilot.app.workspace
        await look(studio, "long.py", 300, 290)
        await settle(pilot)
        await pilot.press("f9")
        await settle(pilot)
        await pilot.press("enter")
        await seen(pilot, settle, lambda: workspace.work_pane.path == "long.py")
        editor = workspace.work_pane.editor.editor
        await seen(pilot, settle, lambda: editor.cursor_location == (299, 0))
        assert workspace.follow.connection == 0
        studio.arrive(2, "bob", path="long.py", line=7, head={"item": {"client": 1, "clock": 1}})
        workspace.join_gaze(workspace.people.others[0].gaze)
        await seen(pilot, settle, lambda: editor.cursor_location == (6, 0))


@pytest.mark.parametrize("size", [(80, 24), (130, 40)])
async def test_following_goes_where_they_go_until_a_key(
    long_files: Any, open_app: Any, settle: Any, text_of: Any, golden: Any, size: tuple[int, int]
) -> None:
    studio = long_files
    async with open_app(studio, size) as pilot:
        workspace = pilot.app.workspace
        work, bar = workspace.work_pane, workspace.follow_bar
        await look(studio, "long.py", 205, 200, place="work")
        await settle(pilot)
        await pilot.press("shift+f5")
        await seen(pilot, settle, lambda: work.path == "long.py")
        editor = work.editor.editor
        await seen(pilot, settle, lambda: editor.first_line == 199)
        assert bar.words == "⇢ following bob · long.py:205 · any key ends it"
        assert workspace.focused is bar
        golden(f"following-{size[0]}x{size[1]}", pilot)
        # As they scroll, and to another file.
        await look(studio, "long.py", 100, 90)
        await seen(pilot, settle, lambda: editor.first_line == 89)
        await look(studio, "data.py", 1, 1)
        await seen(pilot, settle, lambda: work.path == "data.py")
        assert editor.cursor_location == (0, 0)
        # Others hear of it, and a key ends it, without doing anything else.
        assert studio._attention[1] == 2
        await pilot.press("x")
        await settle(pilot)
        assert (bar.words, workspace.follow.connection, studio._attention[1]) == ("", 0, 0)
        assert "x" not in str((await studio.file("data.py")).text)[:1]
        assert workspace.focused is work.editor.editor
        await look(studio, "long.py", 100, 90)
        await settle(pilot)
        assert work.path == "data.py"


async def test_following_leads_into_a_terminal_and_types_nothing_there(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        workspace = pilot.app.workspace
        studio.terminal_entry("t1", driver="bob", driver_connection=2)
        studio.terminal_entry("t2")
        studio.arrive(2, "bob", terminal="t1")
        await settle(pilot)
        await pilot.press("shift+f5")
        await seen(pilot, settle, lambda: workspace.work_pane.active == "terminal:t1")
        await seen(pilot, settle, lambda: workspace.work_pane.terminal is not None)
        assert "following bob · terminal" in workspace.follow_bar.words
        studio.arrive(2, "bob", terminal="t2")
        await seen(pilot, settle, lambda: workspace.work_pane.active == "terminal:t2")
        studio.sent.clear()
        await pilot.press("l")
        await settle(pilot)
        assert workspace.follow.connection == 0
        assert studio.sent == []


async def test_on_a_small_screen_their_place_is_seen(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        workspace = pilot.app.workspace
        studio.arrive(2, "bob", place="log")
        await settle(pilot)
        await pilot.press("shift+f5")
        await seen(pilot, settle, lambda: workspace.place == "log")
        studio.arrive(2, "bob", place="nowhere")
        await settle(pilot)
        assert workspace.place == "log"


@pytest.mark.parametrize("act", ["click", "wheel", "leave"])
async def test_what_else_ends_it(long_files: Any, open_app: Any, settle: Any, act: str) -> None:
    studio = long_files
    async with open_app(studio) as pilot:
        workspace = pilot.app.workspace
        await look(studio, "long.py", 205, 200)
        await settle(pilot)
        await pilot.press("shift+f5")
        await seen(pilot, settle, lambda: workspace.work_pane.path == "long.py")
        if act == "click":
            await pilot.click("Editor", offset=(10, 3))
        elif act == "wheel":
            await pilot._post_mouse_events([_wheel()], "Editor", offset=(10, 3))
        else:
            studio.leave(2)
        await seen(pilot, settle, lambda: workspace.follow.connection == 0)
        assert not workspace.follow_bar.display


def _wheel() -> Any:
    from textual.events import MouseScrollDown

    return MouseScrollDown


async def test_a_file_that_cannot_be_opened_is_tried_once(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob", path="../../etc/shadow", line=1)
        await settle(pilot)
        await pilot.press("shift+f5")
        for line in range(5):
            studio.arrive(2, "bob", path="../../etc/shadow", line=line)
            await settle(pilot)
        assert studio.asked("files.open") == [{"path": "../../etc/shadow"}]
        assert "no file" in pilot.app.workspace.work_pane.notice.words
        assert "⇢ following bob" in pilot.app.workspace.follow_bar.words


async def test_an_outage_does_not_end_it(long_files: Any, open_app: Any, settle: Any) -> None:
    studio = long_files
    async with open_app(studio) as pilot:
        workspace = pilot.app.workspace
        studio.arrive(2, "bob", path="data.py", line=1)
        await settle(pilot)
        await pilot.press("shift+f5")
        await seen(pilot, settle, lambda: workspace.work_pane.path == "data.py")
        studio.offline()
        await settle(pilot)
        assert workspace.follow.connection == 2


async def test_following_somebody_who_follows_me_is_refused(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob", following=1)
        await settle(pilot)
        await pilot.press("shift+f5")
        await settle(pilot)
        words = pilot.app.workspace.work_pane.notice.words
        assert words == "! bob follows you · you lead: go where you want"
        assert not pilot.app.workspace.follow_bar.display
