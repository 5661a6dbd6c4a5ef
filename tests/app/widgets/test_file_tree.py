"""The tree of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.widgets.file_tree import FileNode, FileTree


class One(SafeApp[None]):
    def __init__(self, folders: dict[str, list[FileNode]]) -> None:
        super().__init__()
        self.folders = folders
        self.read: list[str] = []
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield FileTree(self.list)

    async def list(self, path: str) -> Sequence[FileNode]:
        self.read.append(path)
        return self.folders[path]

    def on_file_tree_opened(self, event: FileTree.Opened) -> None:
        self.opened.append(event.path)


def some() -> dict[str, list[FileNode]]:
    return {
        "": [FileNode("b.py", "file"), FileNode("src", "dir"), FileNode("A.md", "file")],
        "src": [FileNode("src/x.py", "file"), FileNode("src/deep", "dir")],
        "src/deep": [],
    }


async def settled(pilot: Any) -> None:
    for _ in range(3):
        await pilot.pause()


async def test_folders_come_first_and_are_read_when_opened(text_of: Any) -> None:
    app = One(some())
    async with app.run_test(size=(30, 10)) as pilot:
        app.query_one(FileTree).reload()
        await settled(pilot)
        assert text_of(pilot).split("\n")[:3] == ["▸ src", "  A.md", "  b.py"]
        assert app.read == [""]
        assert app.query_one(FileTree).top == ["src", "A.md", "b.py"]
        await pilot.press("right")
        await settled(pilot)
        assert text_of(pilot).split("\n")[:4] == ["▾ src", "  ▸ deep", "    x.py", "  A.md"]
        assert app.read == ["", "src"]


async def test_arrows_go_in_and_out() -> None:
    app = One(some())
    async with app.run_test(size=(30, 10)) as pilot:
        tree = app.query_one(FileTree)
        tree.reload()
        await settled(pilot)
        await pilot.press("right")
        await settled(pilot)
        await pilot.press("right", "down")
        assert tree.chosen == FileNode("src/x.py", "file")
        await pilot.press("left")
        assert tree.chosen == FileNode("src", "dir")
        await pilot.press("left")
        assert not tree.root.children[0].is_expanded
        await pilot.press("left")
        assert tree.chosen == FileNode("src", "dir")


async def test_reading_again_keeps_the_cursor_and_what_is_open() -> None:
    app = One(some())
    async with app.run_test(size=(30, 12)) as pilot:
        tree = app.query_one(FileTree)
        tree.reload()
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        tree.go_to("b.py")
        app.folders[""] = [FileNode("aa", "dir"), *app.folders[""][:2], FileNode("z", "file")]
        app.folders["src"].append(FileNode("src/y.py", "file"))
        tree.reload()
        await settled(pilot)
        assert [n.data.path for n in tree.root.children if n.data] == ["aa", "src", "b.py", "z"]
        src = tree.root.children[1]
        assert src.is_expanded
        assert [n.data.path for n in src.children if n.data] == ["src/deep", "src/x.py", "src/y.py"]
        assert tree.chosen == FileNode("b.py", "file")


async def test_names_that_speak_to_the_terminal_do_not(text_of: Any) -> None:
    app = One({"": [FileNode("a\x1b]52;c;x\x07[b]b.py", "file")]})
    async with app.run_test(size=(40, 4)) as pilot:
        app.query_one(FileTree).reload()
        await settled(pilot)
        assert text_of(pilot).split("\n")[0] == "  a]52;c;x[b]b.py"
        await pilot.press("enter")
        assert app.opened == ["a\x1b]52;c;x\x07[b]b.py"]


async def test_who_and_what_stands_at_the_right(text_of: Any) -> None:
    app = One(some())
    async with app.run_test(size=(20, 4)) as pilot:
        tree = app.query_one(FileTree)
        tree.reload()
        await settled(pilot)
        tree.annotate({"b.py": [("barbara-long", "#ffffff")]}, {"A.md": "●"})
        await settled(pilot)
        assert text_of(pilot).split("\n")[1:3] == [f"  A.md{' ' * 12} ●", "  b.py      barbara…"]
