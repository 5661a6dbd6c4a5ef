"""The files of the studio: a tree, a search by name, and what is done to files."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from studio_tui.app.panes.place import Place
from studio_tui.app.people import People
from studio_tui.app.problems import told
from studio_tui.app.truncate import clip, clip_middle, scrub
from studio_tui.app.widgets.file_tree import FileNode, FileTree
from studio_tui.app.widgets.text_field import TextField
from studio_tui.client.project import Deleted
from studio_tui.client.studio import Studio
from studio_tui.errors import StudioError

REFRESH_SECONDS = 4.0
FOUND = 100


class FilesPane(Place):
    """Browse, find, make, rename and delete files of the studio's folder."""

    TITLE = "files"
    HELP = """\
### Files

The folder of the studio, on the studio's machine. Everybody sees the same files.

- **Enter** opens a file, or opens and closes a folder
- **/** finds a file anywhere in the folder by part of its name
- **n** new file (end the name with `/` for a folder), **r** rename or move
- **d** moves a file or folder into the trash, **t** shows what is there and brings it back
- `M` has changed since git's last commit, `A` is new to it, `?` is unknown to it; what git ignores
  is dim
- A name in colour beside a file is somebody who looks at it right now.
- `●` is on its way to the disk, `!` could not be written
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "find", id="files.search"),
        Binding("n", "new", "new", id="files.new"),
        Binding("r", "rename", "rename", id="files.rename"),
        Binding("d,delete", "delete", "delete", id="files.delete"),
        Binding("t", "trash", "trash", show=False, id="files.trash"),
        Binding("u", "reload", "read again", show=False, id="files.reload"),
        Binding("escape", "leave_search", show=False, id="files.leave"),
    ]
    DEFAULT_CSS = """
    FilesPane {
        & > Input { padding: 0 1; display: none; background: $panel; }
        & > OptionList { display: none; height: 1fr; background: transparent; }
        & > FileTree { height: 1fr; }
        &.-searching > Input, &.-searching > OptionList { display: block; }
        &.-searching > FileTree { display: none; }
    }
    """

    @dataclass
    class FileChosen(Message):
        """A file was chosen to be opened."""

        path: str

    def __init__(self, studio: Studio, people: People) -> None:
        super().__init__(id="files")
        self._studio = studio
        self._people = people
        self._found: list[str] = []

    def contents(self) -> ComposeResult:
        """Search field and its results, or the tree."""
        yield TextField(placeholder="part of a name", compact=True, select_on_focus=False)
        yield OptionList(compact=True)
        yield FileTree(self._list)

    def on_mount(self) -> None:
        """Look for changes made by programs now and then."""
        self.set_interval(REFRESH_SECONDS, self._look_again)

    @property
    def file_tree(self) -> FileTree:
        """The tree."""
        return self.query_one(FileTree)

    def enter(self) -> None:
        """The tree has the focus, or the search while there is one."""
        self.query_one(Input if self.has_class("-searching") else FileTree).focus()

    async def _list(self, path: str) -> list[FileNode]:
        """The contents of a folder, paths relative to the studio's folder."""
        listing = await self._studio.folder(path)
        if not self.notice.has_class("-news"):
            self.notice.clear()
        if listing.truncated:
            self.notice.news(f"{path or 'the folder'} has more files than are shown: / finds them")
        below = f"{path}/" if path else ""
        return [FileNode(below + entry.name, entry.kind) for entry in listing.entries]

    def reload(self) -> None:
        """Read the open folders again."""
        if self._studio.reachable:
            self.file_tree.reload()
            self._ask_git()

    @work(exclusive=True, group="git")
    async def _ask_git(self) -> None:
        """Git's marks are a help: without an answer the tree shows none."""
        with contextlib.suppress(StudioError):
            self.file_tree.show_git(await self._studio.project.marks())

    def _look_again(self) -> None:
        if self.file_tree.is_on_screen and self.app.app_focus:
            self.reload()

    def annotate(self) -> None:
        """Show who looks at which file, and the files' saved marks."""
        looking: dict[str, list[tuple[str, str]]] = {}
        for person in self._people.others:
            if person.gaze.path:
                who = (person.name, self._people.ink(person.name))
                looking.setdefault(person.gaze.path, []).append(who)
        marks = {
            file.path: "●" if file.state == "unsaved" else "!"
            for file in self._studio.document.files.values()
            if file.state != "saved"
        }
        behind = [file.entry.path for file in self._studio.open_files if not file.on_disk]
        marks = dict.fromkeys(behind, "●") | marks
        self.file_tree.annotate(looking, marks)

    # -- keys ---------------------------------------------------------------------------------

    def action_reload(self) -> None:
        """Read the open folders again, and say so when that is not possible."""
        self.file_tree.reload()
        self._ask_git()

    def action_search(self) -> None:
        """Show the search."""
        self.add_class("-searching")
        field = self.query_one(Input)
        field.value = ""
        field.focus()
        self._search("")

    def action_leave_search(self) -> None:
        """Back to the tree; without a search, take the notice away."""
        self.notice.clear()
        if self.has_class("-searching"):
            self.remove_class("-searching")
            self.file_tree.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.has_class("-searching"):
            self._search(event.value)

    @work(exclusive=True, group="search")
    async def _search(self, query: str) -> None:
        with told(self):
            self._found = await self._studio.project.find(query, FOUND)
            results = self.query_one(OptionList)
            results.clear_options()
            width = max(8, self.size.width - 4)
            results.add_options([Option(Content(clip_middle(p, width))) for p in self._found])
            if not self._found:
                results.add_option(Option(Content("no file has that in its name"), disabled=True))
            results.highlighted = 0 if self._found else None

    def on_key(self, event: Any) -> None:
        """In the search field, up and down move through the results."""
        results = self.query_one(OptionList)
        if self.query_one(Input).has_focus and event.key in ("up", "down"):
            event.stop()
            getattr(results, f"action_cursor_{event.key}")()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._found):
            self._choose(self._found[at])

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(self._found[event.option_index])

    def _choose(self, path: str) -> None:
        self.action_leave_search()
        self.post_message(self.FileChosen(path))

    @on(FileTree.Opened)
    def _opened(self, event: FileTree.Opened) -> None:
        event.stop()
        self.post_message(self.FileChosen(event.path))

    # -- what is done to files ----------------------------------------------------------------

    @property
    def _folder(self) -> str:
        """The folder that the cursor is in, with a slash at its end; "" at the top."""
        chosen = self.file_tree.chosen
        if chosen is None:
            return ""
        path = chosen.path if chosen.kind == "dir" else chosen.path.rpartition("/")[0]
        return f"{path}/" if path else ""

    @work(exclusive=True, group="change")
    async def action_new(self) -> None:
        """Make a file or a folder where the cursor is."""
        from studio_tui.app.screens.dialogs import Ask

        hint = "a name that ends with / makes a folder"
        path = await self.app.push_screen_wait(Ask("new file", self._folder, hint, "name.py"))
        if path is None:
            return
        with told(self):
            kind = "dir" if path.endswith("/") else "file"
            await self._studio.project.create(path.rstrip("/"), kind)
            self.reload()
            if kind == "file":
                self.post_message(self.FileChosen(path))

    @work(exclusive=True, group="change")
    async def action_rename(self) -> None:
        """Rename or move what the cursor is on."""
        from studio_tui.app.screens.dialogs import Ask

        chosen = self.file_tree.chosen
        if chosen is None:
            return
        path = await self.app.push_screen_wait(Ask("rename or move to", chosen.path))
        if path is None or path == chosen.path:
            return
        with told(self):
            await self._studio.project.rename(chosen.path, path)
            self.reload()

    @work(exclusive=True, group="change")
    async def action_delete(self) -> None:
        """Delete what the cursor is on, after one question."""
        from studio_tui.app.screens.dialogs import Confirm

        chosen = self.file_tree.chosen
        if chosen is None:
            return
        question = Confirm("delete?", self._what_is_lost(chosen), "delete it", "keep it")
        if await self.app.push_screen_wait(question):
            with told(self):
                await self._studio.project.delete(chosen.path)
                self.reload()
                self.notice.news(f"{chosen.name} is in the trash: t shows what is there")

    @work(exclusive=True, group="change")
    async def action_trash(self) -> None:
        """Show what was deleted, and bring back what is chosen."""
        from studio_tui.app.screens.dialogs import Pick

        with told(self):
            deleted = await self._studio.project.trash()
            if not deleted:
                self.notice.news("the trash is empty")
                return
            choices = [(each.id, _told(each)) for each in deleted]
            hint = "enter: bring it back   esc: leave it"
            id = await self.app.push_screen_wait(Pick("deleted", choices, hint))
            if id is not None:
                path = await self._studio.project.restore(id)
                self.reload()
                self.notice.news(f"{path} is back")

    def _what_is_lost(self, chosen: FileNode) -> str:
        inside = " and everything in it" if chosen.kind == "dir" else ""
        me = self._studio.me
        below = chosen.path + "/"
        others = sorted(
            person.name
            for person in self._studio.people
            if (person.gaze.path == chosen.path or person.gaze.path.startswith(below))
            and (me is None or person.connection != me.connection)
        )
        watched = (
            f"\n{', '.join(others)} look{'s' * (len(others) == 1)} at it now." if others else ""
        )
        return (
            f"{chosen.path}{inside} goes into the trash, for everybody; "
            f"it can be brought back for 30 days.{watched}"
        )


def _told(deleted: Deleted) -> str:
    when = time.strftime("%d.%m. %H:%M", time.localtime(deleted.time))
    return f"{when}  {clip_middle(scrub(deleted.path), 30)}  {clip(scrub(deleted.by), 8)}"
