"""Sources of data as a tree with sizes, each folder read a page at a time when it is opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from studio_tui.app import units
from studio_tui.app.problems import told
from studio_tui.app.truncate import clip_middle, right, scrub
from studio_tui.app.widgets.file_tree import FolderTree
from studio_tui.client.data import DataEntry, DataPage

MORE = "more"
"""The kind of a row that stands for the pages that have not been read."""
_SIZE = 7

ReadPage = Callable[[str, str], Awaitable[DataPage]]


class DataTree(FolderTree[DataEntry]):
    """Things in sources. Enter opens a folder, reads more of it, or looks at a file.

    Args:
        read: one page of the folder with this URL, after this token.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "open", show=False, id="data.open"),
        Binding("right", "unfold", show=False, id="data.unfold"),
        Binding("left", "fold", show=False, id="data.fold"),
    ]
    DEFAULT_CSS = """
    DataTree {
        background: transparent;
        scrollbar-size-vertical: 1;
        & > .tree--cursor { background: $block-cursor-blurred-background; color: $foreground; }
        &:focus > .tree--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
        }
        &:focus { background-tint: transparent; }
    }
    """

    @dataclass
    class Looked(Message):
        """The cursor came to something."""

        entry: DataEntry

    def __init__(self, read: ReadPage) -> None:
        self._read_page = read
        super().__init__(DataEntry(kind="folder"))

    def fill(self, names: dict[str, str]) -> None:
        """Show these sources, name to kind."""
        for name, kind in names.items():
            entry = DataEntry(f"{name}://", name, "folder", note="" if kind == name else kind)
            self.root.add(name, entry)
        self.root.expand()
        self.cursor_line = 0

    @property
    def chosen(self) -> DataEntry | None:
        """What the cursor is on; nothing while that is the row for more."""
        entry = self.cursor_node.data if self.cursor_node else None
        return None if entry is None or entry.kind == MORE else entry

    def render_label(self, node: TreeNode[DataEntry], base_style: Style, style: Style) -> Text:
        """One row: its name, and its size at the right edge."""
        entry = node.data or DataEntry()
        icon = ("▾ " if node.is_expanded else "▸ ") if node.allow_expand else "  "
        room = max(self.row_width(node), 16)
        size = "" if entry.size is None else units.size(entry.size)
        shown = clip_middle(scrub(entry.name), room - _SIZE - 2)
        text = Text(icon + shown, style=style + Style(bold=entry.kind == "folder"))
        text.append(" " * max(0, room - text.cell_len - _SIZE), style)
        return text.append(right(size or entry.note[:_SIZE], _SIZE), style + Style(dim=True))

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[DataEntry]) -> None:
        """Read a folder the first time that it is opened."""
        event.stop()
        node = event.node
        if node is not self.root and node.data and not node.children:
            self._read(node, "")

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[DataEntry]) -> None:
        """Tell what the cursor is on."""
        event.stop()
        if event.node.data is not None and event.node.data.kind != MORE:
            self.post_message(self.Looked(event.node.data))

    def on_tree_node_selected(self, event: Tree.NodeSelected[DataEntry]) -> None:
        """Open or close a folder, or read on."""
        event.stop()
        node, entry = event.node, event.node.data
        if entry is not None and entry.kind == MORE and node.parent is not None:
            node.remove()
            self._read(node.parent, entry.note)
        elif node.allow_expand:
            node.toggle()

    @work(group="read")
    async def _read(self, node: TreeNode[DataEntry], token: str) -> None:
        assert node.data is not None
        page = None
        with told(self):
            page = await self._read_page(node.data.url, token)
        if page is None:
            node.collapse()
            return
        for entry in page.entries:
            node.add(entry.name, entry, allow_expand=entry.kind == "folder")
        if page.token:
            row = DataEntry(name="… more: enter", kind=MORE, note=page.token)
            node.add(row.name, row, allow_expand=False)
        elif not node.children:
            node.add("", DataEntry(name="(empty)", kind=MORE), allow_expand=False)
