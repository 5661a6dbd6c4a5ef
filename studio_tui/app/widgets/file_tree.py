"""The studio's folder as a tree, each folder read from the host when it is opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from studio_tui.app.problems import told
from studio_tui.app.truncate import clip, clip_middle, scrub
from studio_tui.client.project import Marks

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class FileNode:
    """A file or folder; `path` is relative to the studio's folder, "" for that folder itself."""

    path: str
    kind: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def order(self) -> tuple[bool, str, str]:
        """Folders first, then by name as people sort them."""
        return self.kind != "dir", self.name.casefold(), self.name


class FolderTree(Tree[Kept]):
    """A tree of folders with its root out of sight; rows end at the edge, whatever their indent.

    Only what can be opened has `allow_expand`.
    """

    def __init__(self, root: Kept) -> None:
        super().__init__("", root)
        self.show_root = self.show_guides = False
        self.guide_depth = 2
        self.auto_expand = False

    def row_width(self, node: TreeNode[Kept]) -> int:
        """Cells from a node's own indent to the right edge."""
        depth, above = 0, node.parent
        while above is not None and above is not self.root:
            depth, above = depth + 1, above.parent
        return self.scrollable_content_region.width - depth * self.guide_depth

    def on_resize(self) -> None:
        """Fit the rows again."""
        self._invalidate()
        self.refresh()

    def action_unfold(self) -> None:
        """Open the folder under the cursor, or step into it."""
        node = self.cursor_node
        if node is not None and node.allow_expand:
            if node.is_expanded:
                self.action_cursor_down()
            else:
                node.expand()

    def action_fold(self) -> None:
        """Close the folder under the cursor, or go to the folder around it."""
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node.allow_expand:
            node.collapse()
        elif node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)


ListFolder = Callable[[str], Awaitable[Sequence[FileNode]]]


class FileTree(FolderTree[FileNode]):
    """Files by folder. Enter opens a file, or opens and closes a folder.

    Args:
        list_folder: gives what is in the folder with this path.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "open", id="files.enter"),
        Binding("right", "unfold", show=False, id="files.unfold"),
        Binding("left", "fold", show=False, id="files.fold"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tree--folder"}
    DEFAULT_CSS = """
    FileTree {
        background: transparent;
        padding: 0;
        scrollbar-size-vertical: 1;
        & > .tree--folder { color: $text-primary; text-style: bold; }
        & > .tree--cursor {
            background: $block-cursor-blurred-background;
            color: $foreground;
            text-style: none;
        }
        &:focus > .tree--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: none;
        }
        &:focus { background-tint: transparent; }
    }
    """

    @dataclass
    class Opened(Message):
        """A file was chosen."""

        path: str

    def __init__(self, list_folder: ListFolder) -> None:
        self._list = list_folder
        self._people: dict[str, list[tuple[str, str]]] = {}
        self._marks: dict[str, str] = {}
        self._git = Marks()
        super().__init__(FileNode("", "dir"))

    # -- what is shown ------------------------------------------------------------------------

    def annotate(self, people: dict[str, list[tuple[str, str]]], marks: dict[str, str]) -> None:
        """Show who looks at which file, path to (name, colour), and the files' saved marks."""
        if (people, marks) != (self._people, self._marks):
            self._people, self._marks = people, marks
            self._invalidate()
            self.refresh()

    def show_git(self, git: Marks) -> None:
        """Show what git says: a letter beside what has changed, and dimmed what it ignores."""
        if git != self._git:
            self._git = git
            self._invalidate()
            self.refresh()

    def render_label(self, node: TreeNode[FileNode], base_style: Style, style: Style) -> Text:
        """A folder's or a file's row."""
        data = node.data
        if data is None:
            return Text(str(node.label), style=style)
        folder = data.kind == "dir"
        icon = ("▾ " if node.is_expanded else "▸ ") if folder else "  "
        ink = Style()
        if folder:
            ink = self.get_component_rich_style("tree--folder", partial=True, default=ink)
        if data.name.startswith(".") or self._git.ignores(data.path):
            ink += Style(dim=True)
        notes = Text()
        if letter := self._git.letter(data.path):
            notes.append(f" {letter}", style + Style(dim=letter == "?"))
        if mark := self._marks.get(data.path, ""):
            notes.append(f" {mark}", style)
        for name, colour in self._people.get(data.path, []):
            notes.append(f" {clip(scrub(name), 8)}", style + Style(color=colour or None))
        room = self.row_width(node) - notes.cell_len
        name = clip_middle(scrub(data.name), max(room - 2, 6))
        text = Text(icon + name, style=style + ink)
        text.append(" " * max(0, room - text.cell_len), style)
        return text.append_text(notes)

    def get_label_width(self, node: TreeNode[FileNode]) -> int:
        """Cells that a row takes."""
        return cell_len(self.render_label(node, Style(), Style()).plain)

    # -- reading folders ----------------------------------------------------------------------

    def reload(self) -> None:
        """Read every open folder again."""
        for node in self._open_folders(self.root):
            self._read(node)

    def _open_folders(self, node: TreeNode[FileNode]) -> list[TreeNode[FileNode]]:
        found = [node]
        for child in node.children:
            if child.is_expanded and child.data and child.data.kind == "dir":
                found += self._open_folders(child)
        return found

    @work
    async def _read(self, node: TreeNode[FileNode]) -> None:
        data = node.data
        assert data is not None
        with told(self):
            self._fill(node, await self._list(data.path))

    def _fill(self, node: TreeNode[FileNode], wanted: Sequence[FileNode]) -> None:
        """Make the children of `node` be `wanted`; those that stay keep their state."""
        wanted = sorted(wanted, key=lambda item: item.order)
        have = {child.data: child for child in node.children if child.data}
        if list(have) == wanted:
            return
        for data, child in have.items():
            if data not in wanted:
                child.remove()
        for number, item in enumerate(wanted):
            if item not in have:
                node.add(item.name, item, before=number, allow_expand=item.kind == "dir")
        if node is self.root:
            node.expand()
        if self.cursor_line < 0:
            self.cursor_line = 0

    def go_to(self, path: str) -> bool:
        """Move the cursor to `path` if its row is there."""
        for node in self._rows(self.root):
            if node.data and node.data.path == path:
                self.move_cursor(node)
                return True
        return False

    def _rows(self, node: TreeNode[FileNode]) -> list[TreeNode[FileNode]]:
        rows = []
        for child in node.children:
            rows.append(child)
            if child.is_expanded:
                rows += self._rows(child)
        return rows

    @property
    def top(self) -> list[str]:
        """The paths of what is in the folder itself, as far as it was read."""
        return [child.data.path for child in self.root.children if child.data]

    @property
    def chosen(self) -> FileNode | None:
        """What the cursor is on."""
        return self.cursor_node.data if self.cursor_node else None

    # -- keys ---------------------------------------------------------------------------------

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[FileNode]) -> None:
        """Read a folder when it is opened."""
        if event.node.data and event.node.data.kind == "dir" and event.node is not self.root:
            self._read(event.node)

    def on_tree_node_selected(self, event: Tree.NodeSelected[FileNode]) -> None:
        """Open what was chosen."""
        event.stop()
        data = event.node.data
        if data is None:
            return
        if data.kind == "dir":
            event.node.toggle()
        else:
            self.post_message(self.Opened(data.path))
