from __future__ import annotations

import pytest
from pycrdt import Doc
from rich.style import Style
from textual._cells import cell_len
from textual.app import App, ComposeResult
from textual.color import Color

from studio_tui.app.widgets.carets import Caret, Wash, united
from studio_tui.app.widgets.editor import Editor
from studio_tui.document.text import SharedText

ORANGE = "#ff8800"
GUTTER = 3


class Desk(App[None]):
    AUTO_FOCUS = None

    def __init__(self, content: str, *carets: Caret, soft_wrap: bool = False) -> None:
        super().__init__()
        text = SharedText(Doc())
        text.insert(0, content)
        self.shared = text
        self.others: list[Caret | Wash] = list(carets)
        self.editor = Editor(text, carets=lambda: self.others, soft_wrap=soft_wrap)

    def compose(self) -> ComposeResult:
        yield self.editor

    def row(self, y: int) -> list[tuple[str, Style]]:
        """Each cell of a row: the character that begins there ("" inside a wide one), its style."""
        cells = []
        for segment in self.screen._compositor.render_strips()[y]:
            for char in segment.text:
                style = segment.style or Style()
                cells.append((char, style))
                if cell_len(char) == 2:
                    cells.append(("", style))
        return cells

    def painted(self, color: str = ORANGE) -> dict[tuple[int, int], str]:
        """Where the background is `color`: (x, y) -> character."""
        wanted = Color.parse(color).rich_color
        return {
            (x, y): char
            for y in range(self.size.height)
            for x, (char, style) in enumerate(self.row(y))
            if style.bgcolor == wanted
        }

    def underlined(self, y: int) -> str:
        return "".join(char for char, style in self.row(y) if style.underline)

    def line(self, y: int) -> str:
        return "".join(char for char, _ in self.row(y))


def caret(at: int, anchor: int | None = None, name: str = "ana", color: str = ORANGE) -> Caret:
    return Caret(name, color, at if anchor is None else anchor, at)


@pytest.mark.parametrize(
    ("content", "byte", "cells"),
    [
        ("abc\ndef\n", 1, {(GUTTER + 1, 0): "b"}),
        ("abc\ndef\n", 3, {(GUTTER + 3, 0): " "}),
        ("abc\ndef\n", 8, {(GUTTER, 2): " "}),
        ("日本語\n", 3, {(GUTTER + 2, 0): "本", (GUTTER + 3, 0): ""}),
        ("a日\n", 4, {(GUTTER + 3, 0): " "}),
        ("\tx\n", 1, {(GUTTER + 4, 0): "x"}),
        ("a\x1b\rbc\n", 3, {(GUTTER + 3, 0): "b"}),
        ("", 0, {(GUTTER, 0): " "}),
        ("abc", 99, {(GUTTER + 3, 0): " "}),
    ],
)
async def test_a_caret_is_painted_on_its_cell(
    content: str, byte: int, cells: dict[tuple[int, int], str]
) -> None:
    app = Desk(content, caret(byte))
    async with app.run_test(size=(40, 6)):
        assert app.painted() == cells


async def test_a_caret_is_painted_on_the_right_row_of_a_wrapped_line() -> None:
    app = Desk("one two three four five\nnext\n", caret(15), soft_wrap=True)
    async with app.run_test(size=(16, 6)):
        assert "four" in app.line(1)
        ((x, y),) = app.painted()
        assert (x, y) == (app.line(1).index("four") + 1, 1)


async def test_a_caret_scrolls_with_the_text() -> None:
    content = "x" * 80 + "\n" + "\n".join(str(number) for number in range(50))
    app = Desk(content, caret(70), caret(80 + 1 + 2 * 3, color="#00ff00"))
    async with app.run_test(size=(40, 10)) as pilot:
        assert app.painted() == {}
        assert list(app.painted("#00ff00").values()) == ["3"]
        app.editor.scroll_to(x=40, animate=False, immediate=True)
        await pilot.pause()
        gutter = app.editor.gutter_width
        assert app.painted() == {(gutter + 30, 0): "x"}
        assert app.painted("#00ff00") == {}
        app.editor.scroll_to(x=0, y=20, animate=False, immediate=True)
        await pilot.pause()
        assert app.painted() == {}


async def test_a_selection_is_underlined_over_its_rows() -> None:
    app = Desk("one\n\nthree 日本\n", caret(at=15, anchor=1))
    async with app.run_test(size=(40, 6)):
        assert app.underlined(0) == "ne"
        assert app.underlined(1) == " "
        assert app.underlined(2) == "three 日"
        assert app.painted() == {(GUTTER + 8, 2): "本", (GUTTER + 9, 2): ""}


async def test_the_name_stands_at_the_edge_and_never_over_text() -> None:
    app = Desk("short\n" + "x" * 36 + "\n", caret(0), caret(6, name="bob"))
    async with app.run_test(size=(40, 6)):
        assert app.line(0) == "1  short".ljust(35)[:35] + " ana▏"
        assert "bob" not in app.line(1)


async def test_names_on_one_row_stand_side_by_side() -> None:
    app = Desk("short\n", caret(0), caret(2, name="bob"))
    async with app.run_test(size=(40, 6)):
        assert app.line(0).endswith(" bob▏ ana▏")


async def test_hostile_names_and_colours_are_harmless() -> None:
    app = Desk(
        "a\nb\nc\n",
        caret(0, name="[red]\x1b]52;c;AA\x07\n\u202eeve[/]"),
        caret(2, name="日本語" * 20),
        caret(4, name="", color="url(x)"),
    )
    async with app.run_test(size=(60, 6)):
        assert app.line(0).endswith(" [red]]52;c;AAev…▏")
        assert app.line(1).endswith("…▏")
        assert len(app.painted("magenta")) == 1
        assert all("\x1b" not in app.line(y) for y in range(6))


async def test_carets_are_asked_for_anew_at_each_painting() -> None:
    app = Desk("abc\n", caret(0))
    async with app.run_test(size=(40, 6)) as pilot:
        app.others[:] = [caret(2)]
        app.editor.refresh()
        await pilot.pause()
        assert app.painted() == {(GUTTER + 2, 0): "c"}
        app.others.clear()
        app.editor.refresh()
        await pilot.pause()
        assert app.painted() == {}


async def test_the_own_caret_is_not_painted_over() -> None:
    app = Desk("abc\n", caret(0))
    async with app.run_test(size=(40, 6)) as pilot:
        app.editor.focus()
        await pilot.pause()
        assert app.painted() == {}
        assert " ana▏" in app.line(0)


@pytest.mark.parametrize("soft_wrap", [False, True])
async def test_a_caret_is_seen_wherever_it_is(soft_wrap: bool) -> None:
    lines = [
        "",
        "x" * 9,
        "日本語日本",
        "a日\tb",
        "😀" * 4,
        "one two 日本 three",
        "👩\u200d👧e\u0301 ",
    ]
    content = "\n".join([*lines, "\t"])
    app = Desk(content, soft_wrap=soft_wrap)
    async with app.run_test(size=(14 if soft_wrap else 40, 30)):
        editor, orange = app.editor, Color.parse(ORANGE).rich_color
        for at in range(len(content) + 1):
            app.others[:] = [caret(len(content[:at].encode()), anchor=0)]
            editor._layer = editor._caret_layer()
            rows = [editor.render_line(y) for y in range(editor.wrapped_document.height)]
            painted = [
                (y, segment.text)
                for y, row in enumerate(rows)
                for segment in row
                if segment.style and segment.style.bgcolor == orange
            ]
            assert len({y for y, _ in painted}) == 1, (at, painted)
            assert all(row.cell_length == rows[0].cell_length for row in rows)


async def test_a_range_that_is_commented_on_lies_under_selections_and_carets() -> None:
    app = Desk("one two three\n", caret(5, anchor=3))
    app.others.append(Wash("#00ff00", 0, 7))
    async with app.run_test(size=(40, 6)):
        assert app.painted() == {(GUTTER + 5, 0): "w"}
        backgrounds = [style.bgcolor for _, style in app.row(0)[GUTTER : GUTTER + 8]]
        washed, selected = backgrounds[0], backgrounds[3]
        assert backgrounds[1:3] == [washed] * 2
        assert selected not in (washed, backgrounds[7])


async def test_ones_own_caret_stays_visible_in_what_is_commented_on() -> None:
    desk = Desk("abcdef\n")
    desk.others = [Wash(ORANGE, 1, 5)]
    async with desk.run_test(size=(20, 4)) as pilot:
        desk.editor.focus()
        desk.editor.move_cursor((0, 2))
        await pilot.pause()
        assert desk.underlined(0) == "bde"


def test_ranges_that_touch_are_united() -> None:
    assert united([(4, 6), (0, 2), (2, 3), (5, 9), (6, 7)]) == [(0, 3), (4, 9)]
    assert united([]) == []
