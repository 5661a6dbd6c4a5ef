"""The names of the places."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.widgets.place_strip import PlaceStrip


class One(SafeApp[None]):
    chosen = ""

    def compose(self) -> ComposeResult:
        yield PlaceStrip((("a", "files"), ("b", "log")))

    def on_place_strip_selected(self, event: PlaceStrip.Selected) -> None:
        self.chosen = event.place


async def test_names_stand_with_their_keys_and_are_pressed(text_of: Any) -> None:
    app = One()
    async with app.run_test(size=(40, 3)) as pilot:
        app.query_one(PlaceStrip).show("b")
        await pilot.pause()
        assert text_of(pilot).rstrip() == " F2 files  F5 log"
        await pilot.click(PlaceStrip, offset=(11, 0))
        assert app.chosen == "b"
        await pilot.click(PlaceStrip, offset=(30, 0))
        assert app.chosen == "b"
        await pilot.click(PlaceStrip, offset=(0, 0))
        assert app.chosen == "a"
