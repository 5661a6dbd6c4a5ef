from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

import studio_tui.app
from studio_tui.app.job_form import RunRequest
from studio_tui.app.palette import Palette, PaletteField
from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.dialogs import Ask
from studio_tui.app.screens.run_dialog import RunDialog
from studio_tui.app.widgets.text_field import TextField

LAST = "f20"
"""A key without a meaning: pressed after a burst, it is through when the burst is."""


async def burst(pilot: Pilot[Any], keys: list[str]) -> None:
    """Press keys faster than anything is done about them, as they come in one packet."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.press(LAST)


async def typed(keys: list[str], *, at_once: bool) -> tuple[str, int]:
    """What a field with a text in it holds after `keys`, and where its caret is."""
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Ask("which?", "ab cd"))
        await pilot.pause()
        await (burst(pilot, keys) if at_once else pilot.press(*keys))
        field = app.screen.query_one(Input)
        return field.value, field.cursor_position


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["home", "x", "end", "y"], "xab cdy"),
        (["ctrl+a", "x", "ctrl+e", "backspace", "y"], "xab cy"),
        (["left", "x", "ctrl+w", "delete", "y", "shift+home", "z"], "z"),
        (["x", "ctrl+u", "y", "home", "ctrl+k", "z"], "z"),
        (["shift+left", "ctrl+x", "home", "ctrl+v", "x"], "dxab c"),
    ],
)
async def test_a_burst_does_what_the_keys_do_one_by_one(keys: list[str], value: str) -> None:
    slow, fast = await typed(keys, at_once=False), await typed(keys, at_once=True)
    assert fast == slow
    assert fast[0] == value


@pytest.mark.parametrize("other", ["tab", "down"])
async def test_what_follows_on_tab_is_for_the_next_field(other: str) -> None:
    async def start(_request: RunRequest) -> None:
        raise AssertionError

    app = SafeApp[None]()
    async with app.run_test(size=(80, 40)) as pilot:
        app.push_screen(RunDialog("train.py", "", start))
        await pilot.pause()
        await burst(pilot, [other, "-", "n", "home", "x", "shift+tab", "home", "y"])
        assert app.screen.query_one("#args", Input).value == "x-n"
        assert app.screen.query_one("#script", Input).value == "ytrain.py"


async def test_the_palette_takes_a_burst_too() -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Palette([], placeholder="what?"))
        await pilot.pause()
        await burst(pilot, ["b", "home", "a", "end", "c"])
        field = app.screen.query_one(PaletteField)
        assert (field.value, field.placeholder) == ("abc", "what?")


async def test_keys_for_a_screen_that_opened_above_are_not_typed_below() -> None:
    class Above(Screen[None]):
        def on_key(self, event: events.Key) -> None:
            heard.append(event.key)

    class Below(App[None]):
        def compose(self) -> Any:
            yield TextField()

        def on_input_submitted(self) -> None:
            self.push_screen(Above())

    heard: list[str] = []
    app = Below()
    async with app.run_test() as pilot:
        await pilot.press("a", "enter")
        field = app.screen_stack[0].query_one(TextField)
        field._forward_event(events.Key("b", "b"))  # as before the screen was there
        await pilot.pause()
        assert (field.value, heard) == ("a", ["b"])


def test_every_field_of_the_app_is_one() -> None:
    for path in Path(studio_tui.app.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            plain = isinstance(node, ast.Call) and ast.unparse(node.func) == "Input"
            assert not plain, f"{path}:{node.lineno}"  # type: ignore[attr-defined]
