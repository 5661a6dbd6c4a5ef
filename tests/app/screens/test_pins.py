"""The list of pins: made, seen by all, gone to and taken away."""

from __future__ import annotations

from typing import Any

from studio_tui.document.entries import PinEntry


async def test_a_line_is_pinned_listed_and_taken_away(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.logs["j1"] = b"".join(b"line %d\n" % number for number in range(60_000))
    studio.list_job("j1", "one", "succeeded", started=1.0, ended=2.0)
    async with open_app(studio, size=(130, 40)) as pilot:
        await settle(pilot)
        pane = pilot.app.workspace.log_pane
        pane.enter()
        await settle(pilot)
        await pilot.press("P")
        await settle(pilot)
        assert "no pin in this log yet" in text_of(pilot)
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("p", *"spike", "enter")
        await settle(pilot)
        (mine,) = studio.document.pins.values()
        assert (mine.job, mine.line, mine.text, mine.by) == ("j1", "line 59999", "spike", "ana")
        studio.document.pins.put(PinEntry("p2", "j1", 7, "line 1", "[@click=x]odd", "bob", 1.0))
        studio.document.pins.put(PinEntry("p3", "j2", 7, "of another job", "", "bob", 1.0))
        studio.saved()
        await settle(pilot)
        assert "◆ line 59999  ◆ ana: spike" in text_of(pilot)
        await pilot.press("P")
        await settle(pilot)
        assert "◆ bob: [@click=x]odd" in text_of(pilot)
        assert "of another job" not in text_of(pilot)
        # bob's is first in the log; it is far from the stretch that is here.
        await pilot.press("enter")
        await settle(pilot)
        await settle(pilot)
        assert "◆ line 1  ◆ bob" in text_of(pilot)
        await pilot.press("P")
        await settle(pilot)
        await pilot.press("down", "d")
        await settle(pilot)
        assert sorted(studio.document.pins) == ["p2", "p3"]


async def test_a_viewer_is_told_why_not(studio: Any, open_app: Any, settle: Any) -> None:
    studio.role = "viewer"
    studio.logs["j1"] = b"a line\n"
    studio.list_job("j1", "one", "succeeded", started=1.0, ended=2.0)
    async with open_app(studio) as pilot:
        await settle(pilot)
        pane = pilot.app.workspace.log_pane
        pane.enter()
        await settle(pilot)
        await pilot.press("p", "enter")
        await settle(pilot)
        assert "viewer" in pane.notice.words
        assert not studio.document.pins
