"""Dialogs and people who type fast."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.dialogs import FRAME, Confirm
from studio_tui.app.screens.modal import Modal

LEADER = "ctrl+right_square_bracket"


class Below(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.answers: list[bool | None] = []

    def on_key(self, event: events.Key) -> None:
        self.keys.append(event.key)


async def at_once(app: App[Any], *keys: str) -> None:
    """Press keys faster than anything is done about them, as in one packet."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_a_dialog_closes_once_however_often_it_is_answered() -> None:
    app = Below()
    async with app.run_test() as pilot:
        app.push_screen(Confirm("really?", "", "yes"), app.answers.append)
        await pilot.pause()
        dialog = app.screen
        assert isinstance(dialog, Confirm)
        dialog.dismiss(True)
        dialog.dismiss(False)
        await pilot.pause()
        assert app.answers == [True]
        assert app.screen is not dialog


@pytest.mark.parametrize("keys", [("escape", "l", "s"), ("y", "l", "s"), (LEADER, "l", "s")])
async def test_what_is_typed_right_after_the_leader_reaches_the_terminal(
    studio: Any, open_app: Any, settle: Any, keys: tuple[str, ...]
) -> None:
    async with open_app(studio) as pilot:
        studio.terminal_entry("t1", driver="ana", driver_connection=1)
        await settle(pilot)
        pilot.app.workspace.show_terminal("t1")
        await settle(pilot)
        await settle(pilot)
        studio.sent.clear()
        await at_once(pilot.app, LEADER, *keys)
        await settle(pilot)
        await settle(pilot)
        typed = [event["key"] for _, sent in studio.sent for event in sent if "key" in event]
        assert typed == [*((LEADER,) if keys[0] == LEADER else ()), "l", "s"]


class Long(Modal[None]):
    HELP = "### A long one\n\nIt tells much."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "leave", "do it", id="long.leave")]
    DEFAULT_CSS = f"Long {{{FRAME}}}"

    def compose(self) -> ComposeResult:
        with Vertical():
            for number in range(30):
                yield Static(f"line {number}")
            yield Static("x: do it", id="hint")


async def test_what_to_press_stays_where_there_is_little_room(text_of: Any) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(40, 12)) as pilot:
        app.push_screen(Long())
        await pilot.pause()
        for _ in range(6):
            assert "x: do it" in text_of(pilot)
            await pilot.press("pagedown")
            await pilot.pause()
        while "line 29" not in text_of(pilot):
            await pilot.pause()
        await pilot.press("pageup")
        while "line 29" in text_of(pilot):
            await pilot.pause()


async def test_f1_explains_a_dialog_and_leads_back(text_of: Any) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Long())
        await pilot.press("f1")
        while "It tells much" not in text_of(pilot):
            await pilot.pause()
        assert "x  do it" in text_of(pilot)
        await pilot.press("f1")
        while not isinstance(app.screen, Long):
            await pilot.pause()
