"""Tabs in one row."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.widgets.tab_strip import TabLabel, TabStrip

TABS = [
    TabLabel("a", "train.py", mark="✓"),
    TabLabel("b", "data.py", mark="●"),
    TabLabel("c", "▸ bash", driver="ana", colour="#8b7cf6"),
]


class One(SafeApp[None]):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield TabStrip()

    def on_tab_strip_selected(self, event: TabStrip.Selected) -> None:
        self.heard.append(("selected", event.key))

    def on_tab_strip_close_requested(self, event: TabStrip.CloseRequested) -> None:
        self.heard.append(("close", event.key))


async def drawn(text_of: Any, width: int, active: str, *, framed: bool = True) -> str:
    app = One()
    async with app.run_test(size=(width, 2)) as pilot:
        strip = app.query_one(TabStrip)
        strip.framed = framed
        strip.show(TABS, active)
        await pilot.pause()
        return str(text_of(pilot).splitlines()[0])


async def test_the_row_is_the_upper_edge_of_a_frame(text_of: Any) -> None:
    row = await drawn(text_of, 50, "a")
    assert row == "╭─ train.py ✓ │ data.py ● │ ▸ bash ⌨ ana ────────╮"


async def test_without_a_frame(text_of: Any) -> None:
    row = await drawn(text_of, 50, "a", framed=False)
    assert row == " train.py ✓ │ data.py ● │ ▸ bash ⌨ ana"


async def test_the_active_tab_is_always_seen(text_of: Any) -> None:
    assert "train.py" in await drawn(text_of, 24, "a")
    assert "data.py" in await drawn(text_of, 24, "b")
    assert "bash" in await drawn(text_of, 24, "c")


async def test_the_active_tab_is_told_without_colour() -> None:
    app = One()
    async with app.run_test(size=(50, 2)) as pilot:
        strip = app.query_one(TabStrip)
        strip.show(TABS, "b")
        await pilot.pause()
        lines = [s.text for s in strip.render_line(0) if s.style and s.style.underline]
        assert "".join(lines).split() == ["data.py", "●"]


async def test_pressing_tabs() -> None:
    app = One()
    async with app.run_test(size=(50, 2)) as pilot:
        app.query_one(TabStrip).show(TABS, "a")
        await pilot.pause()
        await pilot.click(TabStrip, offset=(4, 0))
        await pilot.click(TabStrip, offset=(18, 0))
        await pilot.click(TabStrip, offset=(28, 0), button=2)
        await pilot.click(TabStrip, offset=(46, 0))
        assert app.heard == [("selected", "a"), ("selected", "b"), ("close", "c")]


def test_a_long_title_is_cut() -> None:
    assert len(TabLabel("x", "a" * 99, mark="!").text) == 38
