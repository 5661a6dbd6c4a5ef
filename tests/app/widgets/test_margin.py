from __future__ import annotations

from pycrdt import Doc
from textual.app import App, ComposeResult
from textual.containers import Horizontal

from studio_tui.app.widgets.editor import Editor
from studio_tui.app.widgets.margin import AUTHOR_CELLS, SIGN_CELLS, Author, Margin, Sign
from studio_tui.document.text import SharedText

AUTHORS = [
    Author("ana", "#ff8800"),
    Author("ana", "#ff8800"),
    Author("?"),
    Author(""),
    Author("李雷雷雷"),
]


class Desk(App[None]):
    def __init__(self, content: str, *, soft_wrap: bool = False) -> None:
        super().__init__()
        text = SharedText(Doc())
        text.insert(0, content)
        self.asked: list[int] = []
        self.editor = Editor(text, soft_wrap=soft_wrap)
        self.margin = Margin(self.editor, self.author)

    def author(self, line: int) -> Author:
        self.asked.append(line)
        return AUTHORS[line % len(AUTHORS)]

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self.margin
            yield self.editor

    def rows(self) -> list[str]:
        return [self.margin.render_line(y).text for y in range(self.margin.size.height)]


async def test_signs_stand_beside_their_lines_and_need_no_room_without() -> None:
    app = Desk("a\nb\nc\n")
    async with app.run_test(size=(40, 6)) as pilot:
        assert app.margin.size.width == 0
        app.margin.show({1: Sign("◆", "#ff8800"), 99: Sign("●", "red")})
        await pilot.pause()
        assert app.margin.size.width == SIGN_CELLS
        assert [row.strip() for row in app.rows()] == ["", "◆", "", "", "", ""]
        app.margin.show({})
        await pilot.pause()
        assert app.margin.size.width == 0


async def test_a_wrapped_line_has_its_sign_once_and_all_scroll_together() -> None:
    app = Desk("one two three four five six\n" + "x\n" * 20, soft_wrap=True)
    async with app.run_test(size=(20, 6)) as pilot:
        app.margin.show({0: Sign("◆", "red"), 2: Sign("●", "red")})
        await pilot.pause()
        signs = [row.strip() for row in app.rows()]
        assert signs[0] == "◆"
        assert signs.count("◆") == 1
        assert signs.index("●") > 2
        app.editor.scroll_to(y=3, animate=False, immediate=True)
        await pilot.pause()
        assert app.rows()[signs.index("●") - 3].strip() == "●"


async def test_authors_of_the_lines_in_sight_named_where_another_begins() -> None:
    app = Desk("line\n" * 200)
    async with app.run_test(size=(40, 6)) as pilot:
        app.margin.name_authors(True)
        await pilot.pause()
        assert app.margin.size.width == AUTHOR_CELLS
        rows = [row.rstrip() for row in app.rows()]
        assert rows == ["ana    ▏", "       ▏", "?      ▏", "", "李雷…  ▏", "ana    ▏"]
        assert set(app.asked) <= set(range(8))
        app.asked.clear()
        app.margin.changed()
        app.margin.changed()
        assert app.asked == []  # soon, and once
        app.margin.name_authors(False)
        await pilot.pause()
        assert app.margin.size.width == 0
