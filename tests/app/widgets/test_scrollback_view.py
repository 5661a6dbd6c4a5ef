from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot

from studio_tui.app.problems import Problem
from studio_tui.app.widgets.scrollback_view import ScrollbackView
from studio_tui.errors import NotFound
from studio_tui.terminal.line import Spot
from studio_tui.terminal.row import PLAIN, Row, Run

LINES = 1000


def line(text: str) -> Row:
    return Row((Run(text, 1, len(text), PLAIN),))


class Shown(App[None]):
    """A terminal of 10 rows that has printed 1000 lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = [line(f"line {n} of all") for n in range(LINES)]
        self.away = False
        self.asked = 0
        self.heard: list[object] = []
        self.back = ScrollbackView(self.fetch, lambda: 0)

    async def fetch(self, start: int, count: int) -> tuple[int, list[Row]]:
        self.asked += 1
        if self.away:
            raise NotFound("the host is away")
        first = max(0, start if start >= 0 else len(self.lines) + start)
        return first, self.lines[first : first + count]

    def compose(self) -> ComposeResult:
        yield self.back

    def on_scrollback_view_left(self, message: ScrollbackView.Left) -> None:
        self.heard.append("left")

    def on_scrollback_view_copied(self, message: ScrollbackView.Copied) -> None:
        self.heard.append((message.text, message.done))

    def on_problem(self, message: Problem) -> None:
        self.heard.append(message.error.message)

    def painted(self) -> list[str]:
        width, height = self.size
        strips = [self.back.render_line(y) for y in range(height)]
        assert all(strip.cell_length == cell_len(strip.text) == width for strip in strips)
        return [strip.text.rstrip(" ·│") for strip in strips]


@pytest.fixture
async def pilot() -> AsyncIterator[Pilot[None]]:
    app = Shown()
    async with app.run_test(size=(40, 10)) as opened:
        app.back.open(app.lines[-10:], 40, Offset(0, 0), Spot(9, 0))
        app.back.focus()
        await settled(opened)
        yield opened


async def settled(pilot: Pilot[None]) -> Shown:
    app = pilot.app
    assert isinstance(app, Shown)
    for _ in range(50):
        await pilot.pause()
        if all(worker.is_finished for worker in app.workers):
            break
    await pilot.pause()
    return app


async def test_it_begins_with_what_was_seen_and_goes_back_from_there(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    assert app.painted() == [f"line {n} of all" for n in range(990, 1000)]
    app.back.scroll(-3)
    assert app.painted()[0] == "line 987 of all"
    await pilot.press("pageup")
    assert app.painted()[0] == "line 978 of all"
    await pilot.press("g")
    await settled(pilot)
    assert app.painted()[0] == "line 0 of all"
    assert app.back.reading.below == LINES - 10
    await pilot.press("G")
    assert app.painted()[9] == "line 999 of all"
    assert app.heard == []


async def test_a_page_back_waits_for_its_lines(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    app.back.open(app.lines[-10:], 40, Offset(0, 0), Spot(9, 0))
    app.back.scroll(-9)
    await settled(pilot)
    assert app.painted()[0] == "line 981 of all"


async def test_beyond_the_end_one_is_back_at_now(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    app.back.scroll(-2)
    app.back.scroll(5)
    await pilot.pause()
    assert app.heard == []
    app.back.scroll(1)
    await pilot.pause()
    assert app.heard == ["left"]


async def test_search_goes_to_what_is_older_and_back(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    app.back.search("line 50")
    await settled(pilot)
    found = []
    for key in ("", "n", "n", "N"):
        if key:
            await pilot.press(key)
            await settled(pilot)
        found.append(app.back.back.row(app.back.reading.cursor.line).text)
    assert found == [f"line {n} of all" for n in (509, 508, 507, 508)]
    marked = [
        s.text for s in app.back.render_line(app.back.reading.cursor.line - app.back.reading.top)
    ]
    assert "ine 50" in marked  # beside the cursor
    app.back.search("nowhere")
    await settled(pilot)
    assert app.back.missed
    assert app.back.back.complete


async def test_selecting_with_keys(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    await pilot.press("up", "v", "up", "right", "right", "right", "y")
    await pilot.press("V", "down", "y")
    await pilot.press("y")
    await pilot.pause()
    assert app.heard == [
        ("e 997 of all\nl", False),
        ("line 997 of all\nline 998 of all", False),
        ("line 998 of all", False),
    ]


async def test_escape_drops_the_selection_before_it_leaves(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    await pilot.press("v", "up", "escape")
    assert app.heard == []
    await pilot.press("escape")
    assert app.heard == ["left"]


async def test_the_mouse_selects_and_copies_at_once(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    await pilot.mouse_down(app.back, offset=(5, 2))
    await pilot.hover(app.back, offset=(7, 2))
    await pilot.mouse_up(app.back, offset=(7, 2))
    await pilot.click(app.back, offset=(6, 4), times=2)
    assert app.heard == [("992", False), ("994", False)]


async def test_what_began_on_the_screen_goes_back_to_it(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    app.back.drag(Spot(1, 0))
    await pilot.hover(app.back, offset=(3, 2))
    await pilot.mouse_up(app.back, offset=(3, 2))
    assert app.heard == [("line 991 of all\nline", True)]


async def test_without_a_host_what_is_here_can_be_read(pilot: Pilot[None]) -> None:
    app = await settled(pilot)
    app.away = True
    app.back.open(app.lines[-10:], 40, Offset(0, 0), Spot(9, 0))
    await settled(pilot)
    asked = app.asked
    await settled(pilot)
    assert app.asked == asked  # not again and again
    assert app.heard == ["the host is away"]
    assert app.painted()[9] == "line 999 of all"
