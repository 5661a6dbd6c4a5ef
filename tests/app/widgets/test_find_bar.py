from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pycrdt import Doc
from textual.app import App, ComposeResult
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from studio_tui.app.widgets import find_bar
from studio_tui.app.widgets.editor import Editor
from studio_tui.app.widgets.find_bar import FindBar
from studio_tui.document.text import SharedText

TEXT = "loss = Loss(x)\nlog(loss)\n日本 loss\n"


class Sheet(App[None]):
    def __init__(self, content: str, *, read_only: bool = False) -> None:
        super().__init__()
        text = SharedText(Doc())
        text.insert(0, content, "seed")
        self.editor = Editor(text, path="a.py", read_only=read_only)
        self.bar = FindBar(self.editor)

    def compose(self) -> ComposeResult:
        yield self.editor
        yield self.bar

    @property
    def selected(self) -> str:
        return self.editor.selected_text


@asynccontextmanager
async def searching(
    content: str = TEXT, query: str = "", template: str = "", *, read_only: bool = False
) -> AsyncIterator[tuple[Sheet, Pilot[None]]]:
    app = Sheet(content, read_only=read_only)
    async with app.run_test(size=(100, 12)) as pilot:
        app.bar.enter()
        await pilot.press(*query)
        app.bar.query_one("#replace", Input).value = template
        await pilot.pause()
        yield app, pilot


async def test_the_other_places_in_sight_are_painted_while_it_is_open() -> None:
    content = "日 loss loss\n" + "\n" * 50 + "loss\n"
    async with searching(content, "loss") as (app, pilot):
        assert [(wash.start, wash.end) for wash in app.bar.washes()] == [(9, 13)]
        await pilot.press("enter")
        assert [(wash.start, wash.end) for wash in app.bar.washes()] == [(4, 8)]
        await pilot.press("enter")  # the last line, alone in sight
        assert app.bar.washes() == []
        await pilot.press("escape")
        assert app.bar.washes() == []


async def test_a_line_with_too_many_places_and_a_broken_expression() -> None:
    async with searching("a" * 5000, "a") as (app, pilot):
        assert len(app.bar.washes()) == find_bar.MOST_MARKS - 1
        await pilot.press("(", "alt+x")
        assert app.bar.washes() == []


async def test_typing_goes_to_the_first_place_and_enter_to_the_next() -> None:
    async with searching(query="loss") as (app, pilot):
        assert app.bar.words == "1/4"
        assert app.editor.selection.start == (0, 0)
        await pilot.press("enter")
        assert (app.bar.words, app.selected) == ("2/4", "Loss")
        await pilot.press("down", "down")
        assert (app.bar.words, app.editor.selection.end) == ("4/4", (2, 7))
        await pilot.press("down")
        assert app.bar.words == "1/4"
        await pilot.press("up")
        assert app.bar.words == "4/4"


async def test_what_counts_as_a_place_can_be_narrowed() -> None:
    async with searching(query="loss") as (app, pilot):
        await pilot.press("alt+c")
        assert app.bar.words == "1/3"
        await pilot.press("alt+x")
        app.bar.query_one("#find", Input).value = "^lo(ss|g)"
        await pilot.pause()
        assert app.bar.words == "1/2"


async def test_one_is_replaced_at_a_time() -> None:
    async with searching(query="loss", template="error") as (app, pilot):
        await pilot.press("tab", "enter")
        assert str(app.editor.shared) == app.editor.text == TEXT.replace("loss", "error", 1)
        assert (app.bar.words, app.selected) == ("1/3", "Loss")


async def test_all_are_replaced_in_one_step() -> None:
    async with searching(query="loss", template="error") as (app, pilot):
        before = app.editor.shared.doc.get_state()
        await pilot.press("alt+c", "alt+a")
        assert app.bar.words == "3 replaced"
        assert str(app.editor.shared) == app.editor.text == TEXT.replace("loss", "error")
        sent = app.editor.shared.doc.get_update(before)
        assert b"error" in sent
        assert b"Loss" not in sent  # small edits: what stays does not travel
        await pilot.press("escape", "ctrl+z")
        assert str(app.editor.shared) == app.editor.text == TEXT


async def test_very_many_are_replaced_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_bar, "MOST_EDITS", 10)
    async with searching("x y\n" * 200, "x", "z") as (app, pilot):
        await pilot.press("alt+a")
        assert str(app.editor.shared) == app.editor.text == "z y\n" * 200


async def test_groups_fill_the_replacement() -> None:
    async with searching("f(x)\n", r"(\w)\((\w)\)", r"\2(\1)") as (app, pilot):
        await pilot.press("alt+x", "alt+a")
        assert app.editor.text == "x(f)\n"


@pytest.mark.parametrize(
    ("query", "template", "said"), [("(", "", "no regular expression"), ("(a)", r"\7", "no sense")]
)
async def test_what_makes_no_sense_is_said_in_place(query: str, template: str, said: str) -> None:
    async with searching("(a)\n", query, template) as (app, pilot):
        await pilot.press("alt+x", "alt+a")
        assert said in app.bar.words
        assert app.editor.text == "(a)\n"


async def test_a_text_that_would_be_too_large_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_bar, "TEXT_CAP", 20)
    async with searching("a" * 15, "a", "bbb") as (app, pilot):
        await pilot.press("alt+a")
        assert "larger" in app.bar.words
        assert app.editor.text == "a" * 15


async def test_nothing_is_replaced_for_a_viewer() -> None:
    async with searching(query="loss", template="error", read_only=True) as (app, pilot):
        await pilot.press("alt+a")
        assert app.bar.words == "read only"
        assert app.editor.text == TEXT


async def test_what_others_type_is_found() -> None:
    async with searching(query="loss") as (app, pilot):
        app.editor.shared.insert(0, "loss ", "remote")
        await pilot.press("down")
        assert (app.bar.words, app.selected) == ("3/5", "Loss")


async def test_it_begins_with_what_is_selected_and_ends_in_the_text() -> None:
    async with searching(query="log") as (app, pilot):
        await pilot.press("escape")
        assert app.editor.has_focus
        assert not app.bar.has_class("-open")
        app.editor.select_points(0, 4)
        app.bar.enter()
        assert app.bar.query_one("#find", Input).value == "loss"


async def test_a_burst_goes_on_in_the_other_field() -> None:
    async with searching() as (app, pilot):
        for key in ["l", "o", "s", "s", "tab", "x", "home", "y", "tab", "end", "e"]:
            app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.press("f20")
        values = [app.bar.query_one(field, Input).value for field in ("#find", "#replace")]
        assert values == ["losse", "yx"]


async def test_shift_tab_leaves_a_text_that_must_not_be_changed() -> None:
    for read_only in (True, False):
        async with searching("    x\n", read_only=read_only) as (app, pilot):
            app.editor.focus()
            await pilot.press("shift+tab")
            assert app.editor.has_focus is not read_only
            assert app.editor.text == ("    x\n" if read_only else "x\n")
