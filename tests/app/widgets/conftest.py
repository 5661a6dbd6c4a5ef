"""A stage for one widget: mounted alone, as wide and high as the test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget


class Stage(App[None]):
    CSS = "Stage > Screen > * { width: 100%; height: 100%; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()


Staged = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def stage() -> Staged:
    """`async with stage(widget, 24, 5) as pilot`: the widget in so many cells, focused."""

    @asynccontextmanager
    async def staged(
        widget: Widget,
        width: int,
        height: int,
        theme: str = "textual-dark",
        hook: Callable[[Message], None] | None = None,
    ) -> AsyncIterator[Pilot[None]]:
        app = Stage(widget)
        app.theme = theme
        async with app.run_test(size=(width, height), message_hook=hook) as pilot:
            await pilot.pause()
            yield pilot

    return staged


@pytest.fixture
def drawn() -> Callable[[Widget], list[str]]:
    """The rows that a widget shows, without trailing blanks; each was as wide as the widget."""

    def rows(widget: Widget) -> list[str]:
        region = widget.scrollable_content_region
        strips = [widget.render_line(y) for y in range(region.height)]
        assert all(strip.cell_length == region.width for strip in strips)
        return [strip.text.rstrip() for strip in strips]

    return rows
