from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Doc
from textual import events
from textual.app import App, ComposeResult
from textual.document._history import EditHistory
from textual.document._syntax_aware_document import SyntaxAwareDocument
from textual.document._wrapped_document import WrappedDocument
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from studio_tui.app.widgets import editor as editor_module
from studio_tui.app.widgets.editor import MARGIN, Editor
from studio_tui.app.widgets.lf_document import LFSyntaxDocument
from studio_tui.document.text import SharedText
from studio_tui.document.undo import Undo


def shared(content: str) -> SharedText:
    text = SharedText(Doc())
    text.insert(0, content, "seed")
    return text


def source(lines: int) -> str:
    return "".join(f"def f{number}(x):  # note\n" for number in range(lines))


class Peer:
    """Another person's copy of a text; what they type arrives when they send it."""

    def __init__(self, text: SharedText) -> None:
        self.home = text
        doc: Doc[Any] = Doc()
        doc.apply_update(text.doc.get_update())
        self.text = SharedText(doc)

    def send(self) -> None:
        update = self.text.doc.get_update(self.home.doc.get_state())
        with self.home.doc.transaction(origin="remote"):
            self.home.doc.apply_update(update)


class Desk(App[None]):
    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self.saves: list[Editor] = []
        self.published: list[Editor.SelectionPublished] = []

    def compose(self) -> ComposeResult:
        yield self.editor

    def on_editor_save_requested(self, event: Editor.SaveRequested) -> None:
        assert event.control is event.editor
        self.saves.append(event.editor)

    def on_editor_selection_published(self, event: Editor.SelectionPublished) -> None:
        assert event.control is event.editor
        self.published.append(event)


async def test_typing_goes_into_the_shared_text() -> None:
    text = shared("héllo\n")
    app = Desk(Editor(text))
    async with app.run_test() as pilot:
        app.editor.focus()
        await pilot.press("end", "enter", "x", "日")
        assert str(text) == app.editor.text == "héllo\nx日\n"
        await pilot.press("backspace", "shift+left", "shift+up", "delete")
        assert str(text) == app.editor.text
        assert "日" not in app.editor.text


async def test_a_paste_is_made_lf_and_valid() -> None:
    text = shared("")
    app = Desk(Editor(text))
    async with app.run_test() as pilot:
        app.editor.focus()
        app.post_message(events.Paste("a\r\nb\rc\ud83d\u2028d\x0ce"))
        await pilot.pause()
        assert str(text) == app.editor.text == "a\nb\nc\ufffd\u2028d\x0ce"
        assert app.editor.document.line_count == 3


async def test_loading_a_text_is_an_edit_like_any_other() -> None:
    text = shared("one\n")
    app = Desk(Editor(text))
    async with app.run_test():
        app.editor.load_text("two\r\n")
        assert str(text) == app.editor.text == "two\n"
        app.editor.text = "three"
        assert str(text) == app.editor.text == "three"
        app.editor.undo()
        app.editor.undo()
        assert str(text) == app.editor.text == "one\n"


async def test_only_own_edits_are_undone_by_key() -> None:
    text = shared("base\n")
    app, peer = Desk(Editor(text)), Peer(text)
    async with app.run_test() as pilot:
        app.editor.focus()
        await pilot.press("a", "b", "space", "c")
        peer.text.insert(4, " theirs")
        peer.send()
        await pilot.press("ctrl+z")
        assert str(text) == app.editor.text == "ab base theirs\n"
        await pilot.press("ctrl+z", "ctrl+z", "ctrl+z")
        assert str(text) == app.editor.text == "base theirs\n"
        await pilot.press("ctrl+y")
        assert str(text) == app.editor.text == "ab base theirs\n"
        assert app.editor.cursor_location == (0, 3)


async def test_moving_the_caret_ends_an_undo_step() -> None:
    text = shared("")
    app = Desk(Editor(text))
    async with app.run_test() as pilot:
        app.editor.focus()
        await pilot.press("a", "b", "left", "right", "c", "d", "ctrl+z")
        assert str(text) == "ab"


async def test_undo_selects_again_what_was_selected() -> None:
    text = shared("one 日本 three\n")
    app, peer = Desk(Editor(text)), Peer(text)
    async with app.run_test() as pilot:
        app.editor.focus()
        app.editor.selection = Selection((0, 6), (0, 4))
        await pilot.press("x", "y", "z", "left")
        peer.text.insert(0, "theirs\n")
        peer.send()
        await pilot.press("ctrl+z")
        assert app.editor.text == "theirs\none 日本 three\n"
        assert app.editor.selected_text == "日本"
        assert app.editor.selection == Selection((1, 6), (1, 4))
        await pilot.press("ctrl+y")
        assert app.editor.selection == Selection((1, 7), (1, 7))


async def test_an_undo_stack_can_outlive_the_editor() -> None:
    text = shared("")
    own_edits = Undo(text)
    app = Desk(Editor(text, own_edits=own_edits))
    async with app.run_test() as pilot:
        app.editor.focus()
        await pilot.press("a")
        await app.editor.remove()
        again = Editor(text, own_edits=own_edits)
        await app.mount(again)
        again.undo()
        assert str(text) == again.text == ""


async def test_two_editors_of_one_text_follow_each_other() -> None:
    text = shared("one\n")
    first, second = Editor(text), Editor(text)

    class Split(App[None]):
        def compose(self) -> ComposeResult:
            yield first
            yield second

    async with Split().run_test() as pilot:
        first.insert("a", (0, 0))
        second.insert("b", (0, 1))
        await pilot.pause()
        assert first.text == second.text == str(text) == "abone\n"


@pytest.mark.parametrize("path", ["", "train.py"])
async def test_what_others_type_moves_the_caret_with_its_character(path: str) -> None:
    text = shared("zero\none\ntwo 😀 end\n")
    app, peer = Desk(Editor(text, path=path)), Peer(text)
    async with app.run_test():
        app.editor.selection = Selection((1, 1), (2, 6))
        peer.text.edit([(0, 4, "日\nx"), (9, 11, ""), (len(peer.text), len(peer.text), "tail")])
        peer.send()
        assert app.editor.text == str(text) == "日\nx\none\no 😀 end\ntail"
        assert app.editor.selection == Selection((2, 1), (3, 4))


async def test_the_view_stays_where_it_is_when_others_type() -> None:
    text = shared(source(200))
    app, peer = Desk(Editor(text)), Peer(text)
    async with app.run_test(size=(60, 20)) as pilot:
        app.editor.move_cursor((5, 0))
        await pilot.pause()
        app.editor.scroll_to(y=100, animate=False, immediate=True)
        await pilot.pause()
        peer.text.insert(0, "three\nmore\nlines\n")
        peer.send()
        await pilot.pause()
        assert app.editor.scroll_offset.y == 103
        assert app.editor.cursor_location == (8, 0)
        peer.text.insert(len(peer.text), "below\n")
        peer.send()
        await pilot.pause()
        assert app.editor.scroll_offset.y == 103


async def test_nothing_changes_a_read_only_text_from_here() -> None:
    text = shared("one two\n")
    own_edits = Undo(text)
    own_edits.expect("", "x")
    text.insert(0, "x")
    app, peer = Desk(Editor(text, own_edits=own_edits, read_only=True)), Peer(text)
    async with app.run_test() as pilot:
        app.editor.focus()
        await pilot.press("a", "enter", "backspace", "ctrl+z", "ctrl+k", "ctrl+x", "ctrl+v")
        app.editor.insert("y")
        app.editor.load_text("z")
        app.editor.undo()
        assert str(text) == app.editor.text == "xone two\n"
        peer.text.insert(0, "theirs ")
        peer.send()
        assert str(text) == app.editor.text == "theirs xone two\n"


async def test_a_text_with_foreign_content_is_not_edited() -> None:
    text = shared("one\n")
    app = Desk(Editor(text))
    async with app.run_test() as pilot:
        app.editor.focus()
        text.crdt.insert_embed(0, {"not": "text"})
        await pilot.press("a", "ctrl+z")
        assert str(text) == app.editor.text == "one\n"


async def test_edits_before_the_mount_are_not_missed() -> None:
    text = shared("one\ntwo\nthree\n")
    editor = Editor(text, path="a.py")
    editor.move_cursor((2, 3))
    text.delete(3, len(text))
    app = Desk(editor)
    async with app.run_test():
        assert editor.text == "one"
        assert editor.cursor_location == (0, 3)


async def test_a_removed_editor_follows_no_longer() -> None:
    text = shared("one")
    app = Desk(Editor(text))
    async with app.run_test():
        await app.editor.remove()
        text.insert(0, "x")
        assert app.editor.text == "one"


async def test_save_is_asked_for() -> None:
    app = Desk(Editor(shared("one")))
    async with app.run_test() as pilot:
        app.editor.focus()
        await pilot.press("ctrl+s")
        assert app.saves == [app.editor]


async def test_the_selection_is_published_as_anchors_once_per_change() -> None:
    text = shared("a日b\nc\n")
    app, peer = Desk(Editor(text)), Peer(text)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert [(text.resolve(e.anchor), text.resolve(e.head)) for e in app.published] == [(0, 0)]
        app.editor.selection = Selection((0, 1), (1, 0))
        app.editor.selection = Selection((0, 1), (1, 1))
        app.editor.selection = Selection((0, 1), (1, 1))
        await pilot.pause()
        assert len(app.published) == 2
        latest = app.published[-1]
        assert [peer.text.resolve(end) for end in (latest.anchor, latest.head)] == [1, 7]
        peer.text.insert(0, "日")
        peer.send()
        await pilot.pause()
        assert len(app.published) == 2
        assert text.resolve(latest.anchor) == 4


# -- colours -----------------------------------------------------------------------------------


async def test_only_the_visible_rows_are_coloured() -> None:
    text = shared(source(9_000))
    app, peer = Desk(Editor(text, path="src/train.py")), Peer(text)
    async with app.run_test(size=(80, 30)) as pilot:
        editor = app.editor
        most = 30 + 2 * MARGIN

        def coloured() -> list[int]:
            return [line for line, found in editor._highlights.items() if found]

        while not coloured():
            await pilot.pause(0.01)
        assert 30 <= len(coloured()) <= most
        editor.move_cursor((4_500, 0))
        await pilot.pause()
        assert 4_500 in coloured()
        assert len(coloured()) <= most
        editor.insert("x = 1\n")
        await pilot.pause()
        assert len(coloured()) <= most
        peer.text.insert(0, "y = 2\n" * 5)
        peer.send()
        await pilot.pause()
        while 4_505 not in coloured():
            await pilot.pause(0.01)
        assert len(coloured()) <= most


async def test_the_tree_is_asked_once_for_a_batch_of_others_edits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = shared(source(50))
    app, peer = Desk(Editor(text, path="train.py")), Peer(text)
    queries: list[range] = []
    color = Editor._color
    monkeypatch.setattr(
        Editor, "_color", lambda self, lines: (queries.append(lines), color(self, lines))[1]
    )
    async with app.run_test() as pilot:
        await pilot.pause()
        queries.clear()
        for at in range(0, 400, 40):
            peer.text.insert(at, "#")
        peer.send()
        await pilot.pause()
        assert len(queries) == 1


async def test_the_colours_follow_an_edit() -> None:
    text = shared("x = 1\n")
    app = Desk(Editor(text, path="train.py"))
    async with app.run_test() as pilot:

        def names(line: int) -> set[str]:
            return {name for _, _, name in app.editor._highlights[line]}

        await pilot.pause()
        assert "comment" not in names(0)
        app.editor.insert("# é ", (0, 0))
        await pilot.pause()
        assert "comment" in names(0)
        assert "number" not in names(0)
        app.editor.insert('"""\n', (0, 0))
        app.editor.insert('\n"""\ny = 2', (1, 99))
        await pilot.pause()
        assert "string" in "".join(names(1))
        assert "string" not in "".join(names(3))


@pytest.mark.parametrize(
    ("path", "language"),
    [("train.py", "python"), ("a/b.YAML", "yaml"), ("x.svg", "xml"), ("notes", None), ("", None)],
)
async def test_the_name_chooses_the_grammar(path: str, language: str | None) -> None:
    app = Desk(Editor(shared("x: 1\n"), path=path))
    async with app.run_test():
        assert app.editor.language == language
        assert app.editor.is_syntax_aware == (language is not None)


async def test_a_new_name_chooses_again_and_keeps_the_caret() -> None:
    app = Desk(Editor(shared("x = 1\ny = 2\n"), path="notes"))
    async with app.run_test():
        app.editor.move_cursor((1, 3))
        app.editor.path = "notes.py"
        assert app.editor.language == "python"
        assert app.editor.cursor_location == (1, 3)
        assert app.editor.path == "notes.py"


@pytest.mark.parametrize("content", [source(20_001), "x = '" + "a" * (1 << 20) + "'\n"])
def test_large_files_have_no_colours(content: str) -> None:
    assert Editor(shared(content), path="train.py").language is None


async def test_a_text_that_grows_too_large_loses_its_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(editor_module, "MAX_COLORED_LINES", 60)
    text = shared(source(50))
    app, peer = Desk(Editor(text, path="train.py")), Peer(text)
    async with app.run_test() as pilot:
        app.editor.move_cursor((10, 2))
        peer.text.insert(0, "x\n" * 20)
        peer.send()
        assert app.editor.language is None
        assert app.editor.cursor_location == (30, 2)
        await pilot.pause()
        assert app.editor.text == str(text)


async def test_light_and_dark_apps_have_their_own_colours() -> None:
    app = Desk(Editor(shared("x = 1\n"), path="train.py"))
    async with app.run_test() as pilot:
        assert app.editor.theme == "studio-dark"
        app.theme = "textual-light"
        await pilot.pause()
        assert app.editor.theme == "studio-light"


# -- what is shown -----------------------------------------------------------------------------


def row(app: Desk, y: int) -> str:
    strips = app.screen._compositor.render_strips()
    return "".join(segment.text for segment in strips[y]).rstrip()


async def test_foreign_text_is_plain_and_visible() -> None:
    hostile = "[red]x[/] [@click=app.quit]y[/]\na\x1b]52;c;AAAA\x07b\rc\x0cd\u202ee\u2028f\n"
    app = Desk(Editor(shared(hostile)))
    async with app.run_test():
        assert row(app, 0).endswith("[red]x[/] [@click=app.quit]y[/]")
        assert row(app, 1).endswith("a␛]52;c;AAAA␇b␍c␌d\ufffde␤f")
        assert not any(char in row(app, 1) for char in "\x1b\x07\r\x0c\u202e\u2028")


async def test_line_numbers_are_shown() -> None:
    app = Desk(Editor(shared("one\ntwo")))
    async with app.run_test():
        assert [row(app, y).split() for y in range(2)] == [["1", "one"], ["2", "two"]]


def test_the_parts_of_textual_that_are_leaned_on_are_there() -> None:
    parts = {
        TextArea: [
            "_set_document",
            "_build_highlight_map",
            "_refresh_size",
            "_rewrap_and_refresh_virtual_size",
            "_recompute_cursor_offset",
            "_watch_selection",
            "_app_theme_changed",
            "_get_builtin_highlight_query",
            "_yield_character_locations",
            "_yield_character_locations_reverse",
            "_replace_via_keyboard",
        ],
        SyntaxAwareDocument: ["_location_to_point", "_read_callable"],
        EditHistory: ["record", "checkpoint"],
    }
    missing = [
        f"{owner.__name__}.{name}"
        for owner, names in parts.items()
        for name in names
        if not hasattr(owner, name)
    ]
    assert missing == []
    area = TextArea("x")
    for name in ("_highlights", "_highlight_query", "_line_cache", "_cursor_offset", "history"):
        assert hasattr(area, name)
    wrapped = WrappedDocument(area.document)
    assert wrapped._offset_to_line_info == [(0, 0)]
    assert wrapped._line_index_to_offsets == [[0]]


async def test_a_large_text_is_parsed_once_nobody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.app.widgets.lf_document.QUICK_BYTES", 100)
    parsed: list[int] = []
    parse = LFSyntaxDocument.parse

    def counted(self: LFSyntaxDocument) -> None:
        parsed.append(len(self.text)) if not self._parsed else None
        parse(self)

    monkeypatch.setattr(LFSyntaxDocument, "parse", counted)
    app = Desk(Editor(shared(source(50)), path="train.py"))
    async with app.run_test() as pilot:
        editor = app.editor
        while not editor._highlights:
            await pilot.pause(0.01)
        assert len(parsed) == 1
        keyword = (0, 3, "keyword.function")
        assert keyword in editor._highlights[1]
        editor.focus()
        monkeypatch.setattr("studio_tui.app.widgets.editor.COLOR_SECONDS", 600)
        await pilot.press("x", "enter", "y")
        assert len(parsed) == 1
        assert keyword in editor._highlights[2]  # it went along with its line
        assert editor._coloring is not None  # the pause, which a busy machine would shorten
        editor._color_now()
        await pilot.pause()
        assert len(parsed) == 2
        assert keyword in editor._highlights[2]
        assert editor._highlights[1] != [keyword]
