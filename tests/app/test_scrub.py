"""Nothing that is shown may speak to the terminal: escapes and markup come out harmless."""

from __future__ import annotations

from typing import Any

import pytest
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.color import Color
from textual.widgets import Input, Log, OptionList, RichLog, Static, TextArea

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.scrub import Scrub, scrubbed

ESCAPE = "\x1b]52;c;aGk=\x07"
CLICK = "[@click=app.leave]x[/]"
BLACK = Color(0, 0, 0)


@pytest.mark.parametrize(
    "bad", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\u202e", "\u2066"]
)
def test_what_a_terminal_obeys_is_replaced(bad: str) -> None:
    assert scrubbed(f"a{bad}b") == "a\ufffdb"


@pytest.mark.parametrize("good", ["plain", "größe", "日本", "👍🏽", "a\u0301", "│╭⠿"])
def test_what_is_only_seen_stays(good: str) -> None:
    assert scrubbed(good) == good


def test_the_filter_keeps_styles_and_textuals_own_controls() -> None:
    style, control = Style(bold=True), [(ControlType.BELL,)]
    segments = [Segment("a\x1b[31m", style), Segment("\x07", None, control), Segment("ok", style)]
    assert Scrub().apply(segments, BLACK) == [
        Segment("a\ufffd[31m", style),
        Segment("\x07", None, control),
        Segment("ok", style),
    ]


class Everywhere(SafeApp[None]):
    """Foreign text in every kind of widget that the product uses."""

    CSS = "Log, RichLog, TextArea, OptionList { height: 3; }"

    def compose(self) -> ComposeResult:
        text = ESCAPE + CLICK
        yield Static(text, markup=False)
        yield Input(value=text)
        yield TextArea(text)
        yield OptionList()
        yield Log()
        yield RichLog(markup=False)

    def on_mount(self) -> None:
        self.query_one(Log).write_line(ESCAPE)
        self.query_one(RichLog).write(ESCAPE)
        self.notify(ESCAPE, markup=False)


async def test_no_widget_lets_an_escape_through() -> None:
    app = Everywhere()
    async with app.run_test(size=(60, 30)) as pilot:
        await pilot.pause()
        shown = "".join(s.text for row in app.screen._compositor.render_strips() for s in row)
        assert "52;c;aGk=" in shown
        assert "\x1b" not in shown
        assert "\x07" not in shown


async def test_foreign_names_everywhere_in_the_workspace(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    name = f"a{ESCAPE}{CLICK}.py"
    studio.files[name] = f"# {ESCAPE}\n".encode()
    studio.arrive(2, "b[@click=app.leave]ob", path=name)
    studio.logs["j1"] = f"{ESCAPE}{CLICK}\n".encode()
    async with open_app(studio) as pilot:
        studio.list_job("j1", CLICK, "running", started=1.0)
        studio.terminal_entry("t1", title=CLICK, driver=CLICK, driver_connection=2)
        pilot.app.workspace.open_file(name)
        for _ in range(4):
            await settle(pilot)
        shown = text_of(pilot)
        assert "52;c;aGk=" in shown
        assert "@click=app.leave" in shown
        assert "\x1b" not in shown
        assert "\x07" not in shown
        rows = pilot.app.screen._compositor.render_strips()
        actions = [s.style.meta for row in rows for s in row if s.style and s.style.meta]
        assert not [meta for meta in actions if "@click" in meta]
