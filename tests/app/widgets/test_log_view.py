from __future__ import annotations

import pytest
from rich.color import Color
from textual.geometry import Offset
from textual.selection import Selection

from studio_tui.app.widgets.log_drawing import Pin
from studio_tui.app.widgets.log_stretch import NOTHING
from studio_tui.app.widgets.log_view import LogView


def numbered(count: int, start: int = 0) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(start, start + count))


async def test_an_empty_view_teaches(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 50, 3) as pilot:
        assert drawn(view) == ["log", f" {NOTHING}", ""]
        view.empty("no log yet: ^R runs the open file")
        assert drawn(view)[1] == " no log yet: ^R runs the open file"
        view.start("char\x1b[31m-gpt")
        assert drawn(view) == ["log · char[31m-gpt", " waiting for the first line", ""]
        await pilot.press("slash", "x", "enter", "n", "w", "end", "up")


async def test_it_follows_until_scrolled_up(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 30, 4) as pilot:
        view.start("a")
        view.write(numbered(10))
        await pilot.pause()
        assert drawn(view) == ["log · a  10 lines   ▼ follows", "line 7", "line 8", "line 9"]
        await pilot.press("up", "up")
        await pilot.wait_for_animation()
        view.write(numbered(5, 10))
        await pilot.pause()
        assert not view.follow
        assert drawn(view) == ["log · a         ‖ End follows", "line 5", "line 6", "line 7"]
        await pilot.press("end")
        await pilot.pause()
        assert view.follow
        assert drawn(view)[1:] == ["line 12", "line 13", "line 14"]
        await pilot.press("home")
        await pilot.wait_for_animation()
        assert drawn(view)[1] == "line 0"
        await pilot.press("G")
        await pilot.pause()
        assert drawn(view)[-1] == "line 14"


async def test_the_mouse_scrolls_and_follows(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 30, 4) as pilot:
        view.write(numbered(10))
        await pilot.pause()
        await pilot.click(view, offset=(3, 0))
        assert not view.follow
        view.write(numbered(1, 10))
        await pilot.pause()
        assert drawn(view)[-1] == "line 9"
        await pilot.click(view, offset=(3, 0))
        await pilot.pause()
        assert view.follow
        assert drawn(view)[-1] == "line 10"


async def test_a_resize_keeps_following(stage, drawn, resize) -> None:
    view = LogView()
    async with stage(view, 30, 4) as pilot:
        view.write(numbered(10))
        for height in (8, 3, 20, 5):
            await resize(pilot, 30, height)
            assert view.follow
            assert "line 9" in drawn(view)
        assert drawn(view)[-1] == "line 9"


async def test_a_progress_bar_is_one_line(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 30, 4) as pilot:
        for percent in (10, 20, 30):
            view.write(b"\repoch %d%%" % percent)
            await pilot.pause()
            assert drawn(view)[1:] == [f"epoch {percent}%", "", ""]


async def test_long_lines_are_cut_moved_and_folded(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 10, 5) as pilot:
        view.write("0123456789abcdefgh\n日本語日本語\n".encode())
        await pilot.pause()
        assert drawn(view)[1:3] == ["012345678…", "日本語日 …"]
        await pilot.press("right", "right", "right")
        await pilot.wait_for_animation()
        assert drawn(view)[1] == "3456789ab…"
        await pilot.press("w")
        await pilot.pause()
        assert drawn(view)[1:] == ["0123456789", "abcdefgh", "日本語日本", "語"]
        await pilot.press("w")
        await pilot.pause()
        assert drawn(view)[1] == "012345678…"


async def test_folding_stays_at_the_line(stage, drawn) -> None:
    view = LogView(wrap=True)
    async with stage(view, 10, 4) as pilot:
        view.write(b"x" * 45 + b"\n" + numbered(20))
        await pilot.press("up")
        await pilot.wait_for_animation()
        top = drawn(view)[1]
        await pilot.press("w")
        await pilot.pause()
        assert drawn(view)[1] == top


async def test_only_recent_lines_and_it_says_so(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 60, 4) as pilot:
        for start in range(0, 1_000_000, 50_000):
            view.write(b"".join(b"line %d\n" % number for number in range(start, start + 50_000)))
        await pilot.pause()
        assert drawn(view)[0].startswith("log  100 % of 11M ")
        assert drawn(view)[-1] == "line 999999"
        await pilot.press("home")
        await pilot.wait_for_animation()
        # The first line of all is to be read back; up is the oldest that is here.
        view.action_scroll_home()
        await pilot.wait_for_animation()
        assert drawn(view)[1:3] == ["… 11M before this", "line 980000"]


async def test_a_reader_stays_while_lines_are_dropped(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 60, 4) as pilot:
        view.write(numbered(20_000))
        await pilot.pause()
        await pilot.press("up")
        await pilot.wait_for_animation()
        shown = drawn(view)[1:]
        view.write(numbered(1000, 20_000))
        await pilot.pause()
        assert drawn(view)[1:] == shown


async def test_colours_are_drawn(stage) -> None:
    view = LogView()
    async with stage(view, 30, 3) as pilot:
        view.write(b"plain \x1b[1;31mred\x1b[0m [b]no markup[/b]\n")
        await pilot.pause()
        strip = view.render_line(1)
        assert strip.text.rstrip() == "plain red [b]no markup[/b]"
        red = next(segment for segment in strip if segment.text == "red")
        assert red.style is not None
        assert red.style.color == Color.from_ansi(1)
        assert red.style.bold


async def test_selected_text_can_be_copied(stage) -> None:
    view = LogView()
    async with stage(view, 30, 5) as pilot:
        view.write(b"first line\nsecond line\n")
        await pilot.pause()
        selection = Selection(Offset(6, 0), Offset(6, 1))
        assert view.get_selection(selection) == ("line\nsecond", "\n")
        pilot.app.screen.selections = {view: selection}
        await pilot.pause()
        assert view.render_line(1).text.rstrip() == "first line"
        plain, selected = (s.style.bgcolor for s in list(view.render_line(1))[:2])
        assert plain != selected


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (3, 5), (200, 2)])
async def test_any_size_is_drawn(stage, drawn, width, height) -> None:
    view = LogView(wrap=width == 3)
    async with stage(view, width, height) as pilot:
        view.start("日本語")
        view.write("日本語 text\tmore\n".encode() * 5)
        await pilot.pause()
        drawn(view)


async def test_pins_stand_in_the_gutter_in_their_makers_colour(stage, drawn) -> None:
    view = LogView()
    made: list[LogView.PinMade] = []

    def hook(message: object) -> None:
        # The hook sees a message at each widget that it passes.
        if isinstance(message, LogView.PinMade) and not (made and made[-1] is message):
            made.append(message)

    async with stage(view, 40, 6, hook=hook) as pilot:
        view.write(numbered(4))
        await pilot.pause()
        await pilot.press("p", *"look", "enter")
        await pilot.pause()
        assert [(pin.offset, pin.line, pin.text) for pin in made] == [(21, "line 3", "look")]
        await pilot.press("K", "p", "escape", "shift+up", "p", "enter")
        await pilot.pause()
        assert (made[-1].line, made[-1].text) == ("line 1", "")
        view.show_pins([Pin(7, "bob", "here \x1b[31m", "#00ff00"), Pin(7, "ana", "", "#ff0000")])
        await pilot.pause()
        assert drawn(view)[1:3] == ["  line 0", "◆ line 1  ◆ bob: here [31m  ◆ ana"]
        mark = next(segment for segment in view.render_line(2) if "◆" in segment.text)
        assert mark.style.color.name == "#00ff00"
        view.show_pins([])
        await pilot.pause()
        assert drawn(view)[2] == "line 1"


async def test_a_press_chooses_a_line(stage) -> None:
    view = LogView()
    async with stage(view, 40, 6) as pilot:
        view.write(numbered(3))
        await pilot.pause()
        await pilot.click(view, offset=(2, 2))
        assert view.chosen == 1
        await pilot.click(view, offset=(2, 5))
        assert view.chosen == 1
        await pilot.press("escape")
        assert view.chosen is None
