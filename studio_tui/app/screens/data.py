"""The data place: sources as a tree, a look at what is in them, and what is done with it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from studio_tui.app import units
from studio_tui.app.bound import bound
from studio_tui.app.problems import Problem, told
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import clip_middle, scrub
from studio_tui.app.widgets.data_preview import DataPreviewPane
from studio_tui.app.widgets.data_tree import DataTree
from studio_tui.app.widgets.notice import Notice
from studio_tui.client.data import DataCopy, DataEntry, DataPage

if TYPE_CHECKING:
    from studio_tui.app.screens.workspace import Workspace

PAGE = 200
ROWS = 50
LOOK_SECONDS = 0.25
NARROW = 100
HINT = "enter: open   c: copy   i: insert code   u: read again   esc: leave"


class DataScreen(Modal[None]):
    """Buckets and warehouses, by the credentials of the host's computer; left, a copy goes on.

    Args:
        workspace: whose studio it is, and where code is inserted.
    """

    HELP = """\
### Data

Buckets, and tables of warehouses, read with the credentials of the host's computer. **Enter** opens
one, on the right is a look into it. **c** copies it to the studio, which goes on when this is left;
**i** writes into the open file the code that reads it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="data.leave"),
        Binding("c", "copy", "copy to the studio", show=False, id="data.copy"),
        Binding("i", "insert", "insert code", show=False, id="data.insert"),
        Binding("u", "again", "read again", show=False, id="data.again"),
    ]
    DEFAULT_CSS = """
    DataScreen {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 96%;
            height: 92%;
            background: $surface;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
        }
        & Horizontal { height: 1fr; }
        & DataTree { width: 2fr; }
        & DataPreviewPane { width: 3fr; border-left: solid $border-blurred; }
        & #hint { height: 1; padding: 0 1; color: $text-muted; }
        &.-narrow Horizontal { layout: vertical; }
        &.-narrow DataTree { width: 1fr; height: 1fr; }
        &.-narrow DataPreviewPane {
            width: 1fr; height: 1fr; border-left: none; border-top: solid $border-blurred;
        }
    }
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._studio = workspace.studio
        self._kinds: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Tree, preview, hints."""
        with Vertical() as frame:
            frame.border_title = Content("data")
            with Horizontal():
                yield DataTree(self._page)
                yield DataPreviewPane()
            yield Notice()
            yield Static(HINT, id="hint", markup=False)

    def on_mount(self) -> None:
        """Ask which sources there are."""
        self.query_one(DataTree).focus()
        self._open()

    def on_resize(self) -> None:
        """Put the preview below the tree where there is no room beside it."""
        self.set_class(self.size.width < NARROW, "-narrow")

    @property
    def notice(self) -> Notice:
        """The line for problems and news."""
        return self.query_one(Notice)

    def on_problem(self, event: Problem) -> None:
        """Show what went wrong here."""
        event.stop()
        self.notice.problem(event.error)

    @work(group="read")
    async def _open(self) -> None:
        with told(self):
            self._kinds = await self._studio.data().sources()
            self.query_one(DataTree).fill(self._kinds)

    async def _page(self, url: str, token: str) -> DataPage:
        self.notice.clear()
        return await self._studio.data(url).page(token, most=PAGE)

    # -- looking ------------------------------------------------------------------------------

    @on(DataTree.Looked)
    @work(exclusive=True, group="search")
    async def _looked(self, event: DataTree.Looked) -> None:
        """Look at what the cursor rests on."""
        from asyncio import sleep

        pane, entry = self.query_one(DataPreviewPane), event.entry
        pane.show_entry(entry)
        if entry.kind != "folder":
            await sleep(LOOK_SECONDS)  # who passes over a hundred files looks at none of them
            with told(self):
                pane.show_preview(await self._studio.data(entry.url).head(ROWS))

    # -- doing --------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Read the folder under the cursor again."""
        node = self.query_one(DataTree).cursor_node
        if node is not None and node.allow_expand:
            node.collapse()
            node.remove_children()
            node.expand()

    @work(exclusive=True, group="data")
    async def action_copy(self) -> None:
        """Ask where to, and copy; who leaves meanwhile finds the progress in the workspace."""
        from studio_tui.app.screens.dialogs import Ask

        entry = self.query_one(DataTree).chosen
        if entry is None:
            return
        name = entry.name.strip("/").rpartition("/")[2]
        to = f"data/{name}" + (".parquet" if entry.kind == "table" else "")
        path = await self.app.push_screen_wait(Ask("copy to", to, "in the studio's folder"))
        if path is not None:
            self._workspace.run_worker(
                copied(self._workspace, self, entry, posixpath.normpath(path)), group="copies"
            )

    def action_insert(self) -> None:
        """Put the lines that load this where the caret is."""
        from studio_tui.client.loading import snippet

        entry, pane = self.query_one(DataTree).chosen, self._workspace.work_pane.editor
        if entry is None:
            return
        if pane is None or pane.editor.read_only:
            self.notice.news("open the file that is to load it first, then come back")
            return
        source = entry.url.partition("://")[0]
        pane.editor.insert(snippet(entry, self._kinds.get(source, source)))
        self.dismiss(None)
        undo = bound(self.app, "editor.undo", "ctrl+z")
        self._workspace.work_pane.notice.news(f"inserted into {pane.path}; {undo} takes it back")


async def copied(workspace: Workspace, screen: DataScreen, entry: DataEntry, path: str) -> None:
    """Copy, and say how far it is wherever the person is."""
    name = clip_middle(scrub(path), 40)

    def say(words: str) -> None:
        here = screen if screen.is_attached else workspace.work_pane
        here.notice.news(words)

    def progress(copy: DataCopy) -> None:
        of = f" of {units.size(copy.total)}" if copy.total else ""
        say(f"copying {name}: {units.size(copy.done)}{of}  {clip_middle(scrub(copy.text), 30)}")

    with told(screen if screen.is_attached else workspace.work_pane):
        done = await workspace.studio.data(entry.url).get(path, on_progress=progress)
        checked, passed = done.result.get("checked"), done.result.get("passed_over")
        agrees = f", {checked} agrees" if checked else ""
        skipped = f"; {passed} passed over" if passed else ""
        say(f"copied {name}: {units.size(done.done)}{agrees}{skipped}")
        workspace.files_pane.reload()
