from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from rich.cells import cell_len
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from studio_tui.app.widgets.terminal_view import LEADER, LONGEST_PASTE, PIECE, TerminalView
from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.frames import FrameEncoder
from studio_tui.terminal.screen import Changed, Screen


class Source:
    """A terminal in this process: what it prints reaches the view through real frames."""

    def __init__(self, cols: int = 20, lines: int = 5) -> None:
        self.emulator = Emulator(cols, lines)
        self._frames = FrameEncoder(self.emulator)
        self.view = Screen()
        self.driver: str | None = "me"
        self.driving = True
        self.taken = True
        self.round_trip: float | None = None
        self.sent: list[dict[str, Any]] = []
        self.input_seq = 0
        self.observers: list[Callable[[Changed], None]] = []
        self.show(b"")

    def show(self, data: bytes | str, answered: int = 0) -> None:
        self.emulator.feed(data.encode() if isinstance(data, str) else data)
        frame = self._frames.encode(input_seq=answered)
        if frame is not None:
            changed = self.view.apply(frame)
            for observer in self.observers:
                observer(changed)

    def send(self, events: list[dict[str, Any]]) -> None:
        self.sent += events
        self.input_seq += 1

    def observe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        self.observers.append(callback)
        return lambda: self.observers.remove(callback)

    @property
    def mine(self) -> bool:
        return self.driving and self.taken

    def pressed(self) -> list[tuple[str, str | None]]:
        return [(event["key"], event["char"]) for event in self.sent if "key" in event]


class Shown(App[None]):
    BINDINGS: ClassVar = [("m", "mark", "Mark")]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.scrolled: list[int] = []
        self.heard: list[TerminalView._Said] = []
        self.left: list[str] = []
        self.terminal = TerminalView(source, on_scroll=self.scrolled.append)

    def compose(self) -> ComposeResult:
        yield self.terminal

    def on_mount(self) -> None:
        self.terminal.focus()

    def on_terminal_view_leader_pressed(self, message: TerminalView.LeaderPressed) -> None:
        self.heard.append(message)

    def on_terminal_view_bell(self, message: TerminalView.Bell) -> None:
        self.heard.append(message)

    def on_terminal_view_not_driving(self, message: TerminalView.NotDriving) -> None:
        self.heard.append(message)

    def on_terminal_view_fits(self, message: TerminalView.Fits) -> None:
        self.heard.append(message)

    def on_terminal_view_dragged(self, message: TerminalView.Dragged) -> None:
        self.heard.append(message)

    def on_terminal_view_link_pressed(self, message: TerminalView.LinkPressed) -> None:
        self.heard.append(message)

    def on_terminal_view_lines_pasted(self, message: TerminalView.LinesPasted) -> None:
        self.heard.append(message)

    def on_terminal_view_paste_too_long(self, message: TerminalView.PasteTooLong) -> None:
        self.heard.append(message)

    def on_terminal_view_led(self, message: TerminalView.Led) -> None:
        self.heard.append(message)

    @property
    def fits(self) -> list[tuple[int, ...]]:
        """The sizes that the view said would fit."""
        return [(m.cols, m.lines) for m in self.heard if isinstance(m, TerminalView.Fits)]

    def on_key(self, event: events.Key) -> None:
        self.left.append(event.key)

    def action_mark(self) -> None:
        self.left.append("marked")

    def painted(self) -> list[str]:
        """What stands on the screen, line by line."""
        width, height = self.size
        lines = [self.terminal.render_line(y) for y in range(height)]
        assert all(strip.cell_length == cell_len(strip.text) == width for strip in lines)
        return [strip.text for strip in lines]


def cursor_cells(app: Shown, y: int) -> str:
    """The reversed text in a line."""
    strip = app.terminal.render_line(y)
    return "".join(s.text for s in strip if s.style is not None and s.style.reverse)


@pytest.fixture
def source() -> Source:
    return Source()


async def test_typing_goes_out_and_what_comes_back_is_painted(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.press("l", "s", "enter", "up", "ctrl+c", "tab", "escape", "ctrl+q", "A")
        assert [name for name, _ in source.pressed()] == [
            *("l", "s", "enter", "up", "ctrl+c", "tab", "escape", "ctrl+q", "A"),
        ]
        assert source.pressed()[0] == ("l", "l")
        assert app.left == []
        source.show("$ ls\r\n\x1b[31mred\x1b[0m done")
        await pilot.pause()
        assert [line.rstrip() for line in app.painted()] == ["$ ls", "red done", "", "", ""]
        red = next(s for s in app.terminal.render_line(1) if s.text == "red")
        assert red.style is not None
        assert red.style.color is not None
        assert red.style.color.number == 1


async def test_only_changed_rows_are_painted_again(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("one\r\ntwo\r\nthree")
        await pilot.pause()
        drawn: list[int] = []
        real = app.terminal.render_line
        monkeypatch.setattr(app.terminal, "render_line", lambda y: drawn.append(y) or real(y))
        source.show("!")
        await pilot.pause()
        assert set(drawn) == {2}
        drawn.clear()
        source.show("\x1b[1;1Hx\x1b[3;7H")
        await pilot.pause()
        assert set(drawn) == {0}  # the cursor is where it was
        drawn.clear()
        source.show("\x1b[5;1H")
        await pilot.pause()
        assert set(drawn) == {2, 4}
        assert app.painted()[0].startswith("xne")


async def test_wide_characters_stand_where_the_terminal_has_them(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)):
        source.show("漢字|e\u0301|🇫🇷|👩\u200d💻|\r\n\u200b\x1b[2;10Hx")
        line = app.painted()[0]
        before_bars = [cell_len(line[:at]) for at, char in enumerate(line) if char == "|"]
        expected = [x for x, char in cells(source, 0) if char == "|"]
        assert before_bars == expected
        assert app.painted()[1][9] == "x"


def cells(source: Source, y: int) -> list[tuple[int, str]]:
    """(column, character) of a row by the emulator's own widths."""
    out, x = [], 0
    for run in source.view.rows[y].runs:
        for glyph in run.text if run.width else [run.text]:
            out.append((x, glyph))
            x += run.width or run.cells
    return out


async def test_the_cursor_covers_what_is_under_it(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("a漢b\x1b[1;1H")
        assert cursor_cells(app, 0) == "a"
        source.show("\x1b[1;3H")
        assert cursor_cells(app, 0) == "漢"
        source.show("\x1b[1;9H")
        assert cursor_cells(app, 0) == " "
        source.show("\x1b[3 q")
        assert cursor_cells(app, 0) == ""
        assert any(s.style and s.style.underline for s in app.terminal.render_line(0))
        source.show("\x1b[5 q")
        assert "▏" in app.painted()[0]
        source.show("\x1b[2 q\x1b[?25l")
        assert cursor_cells(app, 0) == ""
        source.show("\x1b[?25h\x1b[1;1H\x1b[7mx\x1b[0my\x1b[1;1H")
        assert cursor_cells(app, 0) == ""  # on reversed text the cursor shows it plain
        app.set_focus(None)
        source.show("\x1b[1;2H")
        await pilot.pause()
        (cell,) = [s for s in app.terminal.render_line(0) if s.style and s.style.dim]
        assert cell.text == "y"


async def test_a_small_view_keeps_the_cursor_in_it() -> None:
    source = Source(60, 20)
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("".join(f"\x1b[{y + 1};1H{y:02}" + "0123456789" * 5 for y in range(20)))
        source.show("\x1b[1;1H")
        await pilot.pause()
        assert app.painted()[0] == "00012345678901234567"
        source.show("\x1b[20;60H")
        await pilot.pause()
        assert app.terminal.pan == (40, 15)
        assert app.painted()[4].startswith("8901234567")
        source.show("\x1b[18;50H")  # still in view: nothing moves
        await pilot.pause()
        assert app.terminal.pan == (40, 15)
        await resized(pilot, app, 60, 20)
        assert app.terminal.pan == (0, 0)
        assert app.painted()[19].startswith("1901234")


async def test_a_crop_through_a_wide_character_keeps_the_columns() -> None:
    source = Source(40, 2)
    app = Shown(source)
    async with app.run_test(size=(9, 2)):
        source.show("漢字漢字漢字漢字漢字\x1b[1;18H")
        assert app.terminal.pan.x == 9
        assert app.painted()[0] == " 字漢字漢"


async def test_around_a_small_terminal_are_a_frame_and_dots() -> None:
    source = Source(4, 2)
    app = Shown(source)
    async with app.run_test(size=(8, 4)):
        source.show("ab")
        assert app.painted() == ["ab  │···", "    │···", "────╯···", "········"]


async def test_what_follows_the_leader_is_the_apps_until_it_says_so(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.press(LEADER)
        assert [type(m) for m in app.heard[-1:]] == [TerminalView.LeaderPressed]
        await pilot.press("x", LEADER)
        led = [m.key for m in app.heard if isinstance(m, TerminalView.Led)]
        assert (led, app.left, source.pressed()) == (["x", LEADER], [], [])
        app.terminal.leading = False
        await pilot.press("y", "m")  # nor do the app's keys count
        assert source.pressed() == [("y", "y"), ("m", "m")]
        assert app.left == []


async def test_a_leader_is_forgotten_with_the_focus(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        await app.mount(Input())
        await pilot.press(LEADER)
        app.query_one(Input).focus()
        await pilot.pause()
        app.terminal.focus()
        await pilot.press("z")
        assert source.pressed() == [("z", "z")]


async def test_pastes_go_as_pastes(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        app.terminal.post_message(events.Paste("one line\n"))
        await pilot.pause()
        assert {"paste": "one line\n"} in source.sent
        app.terminal.post_message(events.Paste("two\nlines"))
        await pilot.pause()
        assert [m.text for m in app.heard if isinstance(m, TerminalView.LinesPasted)] == [
            "two\nlines"
        ]
        assert {"paste": "two\nlines"} not in source.sent
        source.show("\x1b[?2004h")
        app.terminal.post_message(events.Paste("two\nlines"))
        await pilot.pause()
        assert {"paste": "two\nlines"} in source.sent


async def test_a_long_paste_goes_in_pieces_and_one_too_long_does_not(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        app.terminal.post_message(events.Paste("x" * (PIECE + 5)))
        await pilot.pause()
        assert [len(event["paste"]) for event in source.sent if "paste" in event] == [PIECE, 5]
        app.terminal.post_message(events.Paste("x" * (LONGEST_PASTE + 1)))
        await pilot.pause()
        assert isinstance(app.heard[-1], TerminalView.PasteTooLong)


async def test_who_does_not_drive_types_nothing(source: Source) -> None:
    source.driving, source.driver = False, "ana"
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.press("x")
        app.terminal.post_message(events.Paste("p"))
        await pilot.pause()
        assert source.sent == []
        refused = [m for m in app.heard if isinstance(m, TerminalView.NotDriving)]
        assert [m.driver for m in refused] == ["ana", "ana"]


async def test_the_bell(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("\x07")
        source.show("quiet")
        await pilot.pause()
        assert sum(isinstance(m, TerminalView.Bell) for m in app.heard) == 1


async def resized(pilot: Pilot[None], app: Shown, cols: int, lines: int) -> None:
    """Resize, and wait until the view has said what would fit."""
    await pilot.resize_terminal(cols, lines)
    async with asyncio.timeout(10):
        while app.fits[-1:] != [(cols, lines)]:
            await pilot.pause()


async def test_what_would_fit_is_said_and_asked_for_by_who_drives(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        await resized(pilot, app, 50, 12)
        assert source.sent[-1] == {"resize": [50, 12]}
        source.driving = False
        await resized(pilot, app, 30, 10)
        assert source.sent[-1] == {"resize": [50, 12]}
        source.driving = True
        app.terminal.offer_size()
        assert source.sent[-1] == {"resize": [30, 10]}


async def turn(pilot: Pilot[None], up: bool) -> None:
    kind = events.MouseScrollUp if up else events.MouseScrollDown
    app = pilot.app
    assert isinstance(app, Shown)
    app.terminal.post_message(
        kind(app.terminal, 3, 1, 0, 0, 0, False, False, False, screen_x=3, screen_y=1)
    )
    await pilot.pause()


async def test_the_wheel(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        await turn(pilot, up=True)
        await turn(pilot, up=False)
        assert app.scrolled == [-3, 3]
        source.show("\x1b[?1049h")  # for a program that fills the screen the host makes arrows
        await turn(pilot, up=True)
        assert source.sent[-1]["mouse"]["kind"] == "scroll_up"
        source.show("\x1b[?1000h")  # and one that listens to the mouse the wheel itself
        await turn(pilot, up=False)
        assert source.sent[-1]["mouse"]["kind"] == "scroll_down"
        source.driving = False
        await turn(pilot, up=True)
        assert app.scrolled == [-3, 3, -3]


async def test_the_mouse_goes_to_a_program_that_listens(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:

        def mice() -> list[tuple[str, int, int, int]]:
            told = [event["mouse"] for event in source.sent if "mouse" in event]
            return [(m["kind"], m["x"], m["y"], m["button"]) for m in told]

        await pilot.click(app.terminal, offset=(4, 2))
        assert mice() == []
        source.show("\x1b[?1000h")
        await pilot.click(app.terminal, offset=(4, 2))
        assert mice() == [("down", 4, 2, 1), ("up", 4, 2, 1)]
        source.sent.clear()
        await pilot.hover(app.terminal, offset=(5, 2))
        assert mice() == []
        source.show("\x1b[?1003h")
        await pilot.hover(app.terminal, offset=(6, 3))
        assert mice()[-1] == ("move", 6, 3, 0)
        source.sent.clear()
        await pilot.click(app.terminal, offset=(4, 2), shift=True)
        assert [mouse for mouse in mice() if mouse[0] != "move"] == []


async def test_looking_at_a_free_terminal_takes_nothing(source: Source) -> None:
    source.taken = False
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("\x1b[?1049h\x1b[?1003h")
        source.sent.clear()
        await pilot.hover(app.terminal, offset=(5, 2))
        await turn(pilot, up=True)
        assert source.sent == []
        assert app.scrolled == [-3]
        await pilot.click(app.terminal, offset=(4, 2))
        assert [event["mouse"]["kind"] for event in source.sent] == ["down", "up"]


async def test_a_drag_that_leaves_the_view_ends_at_its_edge(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(30, 8)) as pilot:
        source.show("\x1b[?1002h")
        await pilot.mouse_down(app.terminal, offset=(4, 2))
        await pilot.hover(app.terminal, offset=(28, 7))
        await pilot.mouse_up(app.terminal, offset=(28, 7))
        told = [event["mouse"] for event in source.sent if "mouse" in event]
        assert [(m["kind"], m["x"], m["y"]) for m in told][-2:] == [("move", 19, 4), ("up", 19, 4)]


async def test_a_drag_selects_where_the_program_does_not_listen(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("some text")
        await pilot.mouse_down(app.terminal, offset=(2, 0))
        await pilot.mouse_up(app.terminal, offset=(2, 0))
        assert not any(isinstance(m, TerminalView.Dragged) for m in app.heard)
        await pilot.mouse_down(app.terminal, offset=(2, 0))
        await pilot.hover(app.terminal, offset=(6, 0))
        await pilot.hover(app.terminal, offset=(7, 0))
        assert [m.start for m in app.heard if isinstance(m, TerminalView.Dragged)] == [(2, 0)]


async def test_somebody_who_looks_on_pans_and_goes_back_to_the_cursor() -> None:
    source = Source(60, 20)
    source.driving = False
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("\x1b[20;1H$ ")
        await pilot.pause()
        assert app.terminal.pan == (0, 15)
        await pilot.press("up", "up", "right")
        assert (app.terminal.pan, app.terminal.held) == ((1, 13), True)
        source.show("typed")
        await pilot.pause()
        assert app.terminal.pan == (1, 13)
        await turn(pilot, up=True)
        assert app.terminal.pan == (1, 10)
        await pilot.press("escape")
        assert (app.terminal.pan, app.terminal.held) == ((0, 15), False)
        await pilot.press("pageup")
        assert app.scrolled == [-4]
        assert source.sent == []
        source.driving = True  # to whoever drives these are keys of the program
        await pilot.press("up", "pageup")
        assert [name for name, _ in source.pressed()] == ["up", "pageup"]


async def test_a_program_that_fills_the_screen_is_seen_from_its_corner() -> None:
    source = Source(60, 20)
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("\x1b[20;1H$ ")
        await pilot.pause()
        assert app.terminal.pan == (0, 15)
        source.show("\x1b[?1049h\x1b[?25l\x1b[19;50H")
        await pilot.pause()
        assert app.terminal.pan == (0, 0)
        source.show("\x1b[?1049l\x1b[?25h")
        await pilot.pause()
        assert app.terminal.pan == (0, 15)


async def test_typing_brings_the_cursor_back() -> None:
    source = Source(60, 20)
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("\x1b[20;1H$ ")
        app.terminal.pan_by(0, -9)
        assert app.terminal.pan == (0, 6)
        await pilot.press("x")
        assert app.terminal.pan == (0, 15)


async def test_the_persons_own_terminal_never_learns_of_a_link(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("\x1b]8;;http://a\x07A\x1b]8;;file:///etc/passwd\x07B\x1b]8;;\x07")
        styles = {s.text: s.style for s in app.terminal.render_line(0) if s.style}
        for text in "AB":
            assert styles[text].underline
            assert styles[text].link is None
        await pilot.click(app.terminal, offset=(0, 0))
        assert not any(isinstance(m, TerminalView.LinkPressed) for m in app.heard)
        await pilot.click(app.terminal, offset=(0, 0), control=True)
        assert [m.link for m in app.heard if isinstance(m, TerminalView.LinkPressed)] == [
            "http://a"
        ]


async def test_it_stops_following_when_it_goes(source: Source) -> None:
    app = Shown(source)
    async with app.run_test(size=(20, 5)):
        assert len(source.observers) == 1
        await app.terminal.remove()
        assert source.observers == []


async def test_before_the_first_frame_there_are_only_dots(source: Source) -> None:
    source.view = Screen()
    app = Shown(source)
    async with app.run_test(size=(3, 2)):
        assert app.painted() == ["···", "···"]


async def test_a_far_driver_sees_what_will_be_echoed_underlined() -> None:
    source = Source()
    source.round_trip = 0.2
    app = Shown(source)

    def underlined() -> str:
        strip = app.terminal.render_line(0)
        return "".join(s.text for s in strip if s.style is not None and s.style.underline)

    async with app.run_test(size=(20, 5)) as pilot:
        source.show("$ ")
        await pilot.press("l", "s")
        assert underlined() == ""
        source.show("l")
        await pilot.press("minus")
        assert app.painted()[0].startswith("$ ls-")
        assert underlined().rstrip() == "s-"
        assert cursor_cells(app, 0) == " "
        source.show("s-", answered=3)
        assert underlined() == ""
        assert app.painted()[0].startswith("$ ls-")
        await pilot.press("a", "ctrl+c", "b")
        assert underlined() == "a"
        source.show("^C", answered=6)
        assert underlined() == ""


@pytest.mark.parametrize("near", ["a near relay", "not the driver"])
async def test_nobody_else_sees_guesses(near: str) -> None:
    source = Source()
    source.round_trip = 0.01 if near == "a near relay" else 0.2
    source.taken = near == "a near relay"
    app = Shown(source)
    async with app.run_test(size=(20, 5)) as pilot:
        source.show("$ ")
        await pilot.press("l", "s")
        source.show("l")
        await pilot.press("x")
        assert app.painted()[0].rstrip() == "$ l"
