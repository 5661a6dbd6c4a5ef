"""Comments, marks and authors around an editor, as a person sees and makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio_tui.app.screens.comment_list import CommentList
from studio_tui.app.widgets.margin import Margin
from studio_tui.document.remarks import CommentEntry
from studio_tui.document.replica import Replica
from studio_tui.document.text import SharedText

LEADER = "ctrl+right_square_bracket"


async def opened(pilot: Any, settle: Any, path: str = "train.py") -> Any:
    pilot.app.workspace.open_file(path)
    for _ in range(100):
        await settle(pilot)
        if pilot.app.workspace.work_pane.path == path:
            break
    pane = pilot.app.workspace.work_pane.editor
    pane.editor.focus()
    await settle(pilot)
    return pane


def card(pane: Any) -> str:
    return str(pane.query_one("Card").words)


async def said(studio: Any, pane: Any, by: str, text: str, **fields: Any) -> CommentEntry:
    """A comment of somebody else, who is not here."""
    at = str(pane.file).index("loss = self.loss")
    entry = studio.remarks.comment(pane.file, at, at + 16, text)
    other = CommentEntry.read({**entry.plain(), "by": by, **fields})
    studio.document.comments.put(other)
    studio.saved()
    return other


@pytest.mark.parametrize(
    ("size", "theme"),
    [((80, 24), "studio-dark"), ((130, 40), "studio-light")],
)
async def test_two_people_edit_and_comment(
    studio: Any, open_app: Any, settle: Any, golden: Any, fill: Any, size: Any, theme: str
) -> None:
    async with open_app(studio, size, theme=theme) as pilot:
        await fill(pilot, studio)
        pane = await opened(pilot, settle)
        first = await said(studio, pane, "bob", "is this mean or sum?", time=1.0)
        studio.remarks.reply(first.id, "mean, as in the paper")
        pane.file.mark_line(9, "breakpoint")
        pane.file.mark_line(2)
        studio.saved()
        pane.editor.move_cursor((13, 0))
        note = "merged with a change on disk; look at 1 place(s) that both changed"
        studio.document.files.put(replace(pane.file.entry, state="unsaved", note=note))
        studio.saved()
        await settle(pilot)
        golden(f"comments-{size[0]}x{size[1]}", pilot)


async def test_a_comment_by_keys_is_answered_listed_resolved(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        pane = await opened(pilot, settle)
        await pilot.press("down", "shift+end", LEADER, "c")
        await settle(pilot)
        assert "comment on line 2" in text_of(pilot)
        await pilot.press(*"why?", "enter")
        await settle(pilot)
        (thread,) = pane.file.comments
        assert (thread.comment.quote, thread.comment.by) == ("import torch", "ana")
        assert card(pane) == "◆ ana  why?"
        await pilot.press("left", LEADER, "c")
        await settle(pilot)
        await pilot.press(*"so", "enter")
        await settle(pilot)
        assert card(pane) == "◆ ana  why?\n  ↳ ana  so"
        await pilot.press("down", "down")
        await settle(pilot)
        assert card(pane) == ""
        await pilot.press(LEADER, "v")
        await settle(pilot)
        assert isinstance(pilot.app.screen, CommentList)
        assert "train.py:2 · 1 answer" in text_of(pilot)
        await pilot.press("x")
        await settle(pilot)
        assert not pane.file.comments[0].open
        assert pane.query_one(Margin).size.width == 0


async def test_the_list_goes_to_a_comment_in_another_file(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        pane = await opened(pilot, settle)
        await said(studio, pane, "bob", "look here")
        await opened(pilot, settle, "data.py")
        await pilot.press(LEADER, "v")
        await settle(pilot)
        await pilot.press("enter")
        for _ in range(50):
            await settle(pilot)
            if pane.editor.cursor_location[0] == 13:
                break
        assert pilot.app.workspace.work_pane.path == "train.py"
        assert pane.editor.cursor_location == (13, 8)


async def test_marks_move_with_their_lines_and_are_gone_to(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        pane = await opened(pilot, settle)
        await pilot.press("down", "down", LEADER, "d", "down", LEADER, "m", "up", "up", "up")
        await settle(pilot)
        assert [(m.line, m.kind) for m in pane.file.marks] == [(3, "breakpoint"), (4, "bookmark")]
        pane.file.text.insert(0, "# one more line\n")
        await settle(pilot)
        assert sorted(pane.query_one(Margin)._signs) == [3, 4]
        await pilot.press(LEADER, "n")
        await settle(pilot)
        assert pane.editor.cursor_location == (3, 0)
        await pilot.press(LEADER, "d", LEADER, "n")
        await settle(pilot)
        assert [mark.kind for mark in pane.file.marks] == ["bookmark"]


async def test_a_viewer_is_told_why_not(studio: Any, open_app: Any, settle: Any) -> None:
    viewer = type(studio)("vera", "viewer")
    viewer.files = studio.files
    async with open_app(viewer) as pilot:
        await opened(pilot, settle)
        await pilot.press(LEADER, "m")
        await settle(pilot)
        words = pilot.app.workspace.work_pane.notice.words
        assert words == "! a viewer cannot comment · ask the owner for another role"


async def test_hostile_comments_are_harmless(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        pane = await opened(pilot, settle)
        await said(studio, pane, "[red]e\x1bve", "[@click=app.leave]x[/]\x1b]52;c;AA\x07\n" * 40)
        studio.document.comments.put(CommentEntry("zz", room=pane.file.room.name, quote="nowhere"))
        studio.saved()
        pane.editor.move_cursor((13, 8))
        await settle(pilot)
        assert card(pane).startswith("◆ [red]eve  [@click=app.leave]x[/]]52;c;AA")
        assert len(card(pane).splitlines()) == 1
        assert "\x1b" not in text_of(pilot)
        await pilot.press(LEADER, "v")
        await settle(pilot)
        assert ":gone" in text_of(pilot)


async def test_the_view_moves_in_a_transaction_of_somebody_else(
    studio: Any, open_app: Any, settle: Any
) -> None:
    studio.files = {**studio.files, "long.py": b"line\n" * 300}
    async with open_app(studio) as pilot:
        pane = await opened(pilot, settle, "long.py")
        pane.action_authors()
        pane.editor.scroll_to(y=100, animate=False, immediate=True)
        await settle(pilot)
        peer = Replica()
        peer.apply(pane.file.room.replica.missing_from(b"\0"))
        SharedText(peer.doc).insert(0, "theirs\n" * 5)
        pane.file.room.replica.apply(peer.missing_from(b"\0"))
        await settle(pilot)
        assert pane.editor.first_line == 105
        top = pane.file.text.resolve(studio._gaze.top)
        assert pane.file.text.line_of(top) == 105
        pane.editor.scroll_to(y=0, animate=False, immediate=True)
        await settle(pilot)
        names = {author.name for author in pane.query_one(Margin)._authors.values()}
        assert "?" in names


async def test_a_flood_is_shown_once_and_painted_where_it_is_in_sight(
    studio: Any, open_app: Any, settle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.files["long.py"] = b"abc def\n" * 200
    async with open_app(studio) as pilot:
        pane = await opened(pilot, settle, "long.py")
        shown = []
        show = pane.query_one(Margin).show
        monkeypatch.setattr(pane.query_one(Margin), "show", lambda s: (shown.append(s), show(s)))
        for line in range(200):
            for start in (0, 2, 4):
                studio.remarks.comment(pane.file, 8 * line + start, 8 * line + start + 3, "spam")
        studio.saved()
        await settle(pilot)
        assert [len(signs) for signs in shown] == [200]
        lines = pane.editor.lines_in_sight
        places = [(wash.start, wash.end) for wash in pane.washes()]
        assert places == [(8 * line, 8 * line + 7) for line in lines]
        pane.editor.move_cursor((199, 0))
        await settle(pilot)
        last = pane.editor.lines_in_sight
        assert last[0] > lines[-1]
        assert [wash.start // 8 for wash in pane.washes()] == list(last)
        assert card(pane) == "◆ ana  spam"
