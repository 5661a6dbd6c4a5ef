from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.widgets import Input

from studio_tui.app.panes.scrollback_pane import LONGEST_COPY, ScrollbackPane
from studio_tui.app.widgets.scrollback_view import ScrollbackView
from studio_tui.terminal.line import Spot
from studio_tui.terminal.row import PLAIN, Row, Run

ROWS = [Row((Run(f"line {n}", 1, 6, PLAIN),)) for n in range(5)]


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.printed = 0
        self.copied: list[str] = []
        self.left = 0
        self.pane = ScrollbackPane(self.nothing, lambda: self.printed)

    async def nothing(self, start: int, count: int) -> tuple[int, list[Row]]:
        return 0, ROWS

    def compose(self) -> ComposeResult:
        yield self.pane

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def on_scrollback_pane_left(self) -> None:
        self.left += 1


async def test_the_bar_says_where_one_is_and_what_was_printed_meanwhile() -> None:
    app = Shown()
    async with app.run_test(size=(80, 10)) as pilot:
        app.pane.open(ROWS, 20, Offset(0, 0), Spot(4, 0))
        await app.workers.wait_for_complete()
        while app.pane.view.reading.height == 1:  # not laid out yet
            await pilot.pause()
        assert app.pane.words == "▲ line 5 of 5 · esc back to now"
        app.printed = 7
        assert "▼ 7 below" in app.pane.words


async def test_a_search_is_asked_for_in_the_bar_and_can_be_left() -> None:
    app = Shown()
    async with app.run_test(size=(80, 10)) as pilot:
        app.pane.open(ROWS, 20, Offset(0, 0), Spot(4, 0))
        app.pane.enter()
        await pilot.press("slash", "x", "escape")
        assert isinstance(app.focused, ScrollbackView)
        assert app.pane.view.pattern is None
        await pilot.press("slash")
        assert isinstance(app.focused, Input)
        app.focused.clear()
        await pilot.press(*"line 2", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.pane.view.reading.cursor == (2, 0)
        await pilot.press("slash", "enter")  # the same again finds nothing above
        assert app.pane.view.pattern is not None


@pytest.mark.parametrize(("length", "told"), [(3, "copied xxx"), (LONGEST_COPY + 1, "not copied")])
async def test_what_is_copied_is_said(length: int, told: str) -> None:
    app = Shown()
    async with app.run_test(size=(80, 10)) as pilot:
        app.pane.open(ROWS, 20, Offset(0, 0), Spot(4, 0))
        app.pane.view.post_message(ScrollbackView.Copied("x" * length, True))
        await pilot.pause()
        assert told in app.pane.words
        assert len(app.copied) == (length == 3)
        assert app.left == 1
