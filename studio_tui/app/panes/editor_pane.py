"""A file in a tab: the shared editor, who else is in it, and its way to the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from studio_tui.app.bound import bound
from studio_tui.app.open_files import OpenFile
from studio_tui.app.panes.finding_pane import FindingPane
from studio_tui.app.panes.place import StatusChanged
from studio_tui.app.problems import Problem, Solved, told
from studio_tui.app.widgets.carets import Caret, Wash
from studio_tui.app.widgets.editor import Editor
from studio_tui.app.widgets.find_bar import FindBar
from studio_tui.client.file import SharedFile
from studio_tui.document.presence import Gaze
from studio_tui.errors import Away, StudioError

if TYPE_CHECKING:
    from studio_tui.app.people import People

TROUBLE = {
    "missing": "the file is gone from disk; the text is kept here",
    "unsavable": "the file cannot be written",
}


class EditorPane(FindingPane):
    """Edits one shared file.

    Args:
        file: the file.
        people: whose carets are shown, in which colours.
        place: where in it to begin.
        wrap: break long lines at the edge.
        numbers: show the numbers of the lines.
    """

    HELP = """\
### Editor

Everybody who opens this file edits the same text, and sees the others' carets.

- The text is saved by itself. `✓` it is on the disk, `●` it is on its way, `!` it could not be
  written, and the line below says why. **ctrl+s** writes it now.
- **ctrl+z**, **ctrl+y** undo and redo what *you* typed, nobody else's.
- After the leader, **u** lists the people: go to one, or follow them. **j** follows at once.
- After the leader, **c** comments on the selection or line, or answers; **v** lists the comments.
  **m** and **d** set a bookmark or breakpoint that all see, **n** goes to the next of these.
- After the leader, **a** shows who wrote each line: `?` where nobody knows.
- **ctrl+r** runs this file as a job.
- **ctrl+f** finds and replaces, **alt+g** goes to a line, **alt+m** to the other bracket,
  **ctrl+home** and **ctrl+end** to the ends of the text.
- **tab**, **shift+tab** indent selected lines, **ctrl+/** makes them comments, **alt+z** wraps
  long lines, **alt+n** hides the numbers; both stay so the next time.
- `✗` beside a line is an error, `▲` a warning, by the machine's `ruff` where it has one, never by
  the project's own. **alt+e** goes to the next, **alt+l** lists them.
- While the link is down you can go on typing: your edits are merged when it is back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+f", "focus_find", "find", id="editor.find"),
        Binding("alt+g", "go_to_line", "line", id="editor.line"),
    ]
    DEFAULT_CSS = """
    EditorPane Editor {
        height: 1fr;
        border: none;
        padding: 0;
        background: $background;
        scrollbar-size: 0 1;
        &:focus { border: none; }
    }
    """

    def __init__(
        self,
        file: SharedFile,
        people: People,
        place: OpenFile | None = None,
        *,
        wrap: bool = False,
        numbers: bool = True,
    ) -> None:
        super().__init__(file, people)
        self._begin = place
        self._wrap, self._numbers = wrap, numbers
        self._studio = file.studio
        self._told = ""

    def compose(self) -> ComposeResult:
        """The editor, and the search under it."""
        editor = Editor(
            self.file.text,
            path=self.file.path,
            carets=self._carets,
            read_only=not (self._studio.writable and self.file.room.writable),
            soft_wrap=self._wrap,
            show_line_numbers=self._numbers,
        )
        yield from self.beside(editor)
        yield FindBar(editor)

    def on_mount(self) -> None:
        """Tell the others as the view moves."""
        self.watch(self.editor, "scroll_y", self._view_moved, init=False)

    def _view_moved(self) -> None:
        """Look at it later: it may have moved in a transaction of somebody else."""
        self.call_later(self.look)

    def on_show(self) -> None:
        """Begin where this person was the last time; before it is seen nothing can scroll."""
        begin, self._begin = self._begin, None
        if begin is not None:
            self.editor.go_to(begin.line, begin.column)
            document = self.editor.lf_document
            top, head = document.clamp((begin.top - 1, 0)), self.editor.selection.end
            self.editor.show_from(document.byte_at(top), document.byte_at(head))

    @property
    def place(self) -> OpenFile:
        """Where in the file this person is."""
        if self._begin is not None:
            return replace(self._begin, path=self.path)
        row, column = self.editor.selection.end
        return OpenFile(self.path, row + 1, column + 1, self.editor.first_line + 1)

    @property
    def path(self) -> str:
        """Where the file is now, relative to the studio's folder."""
        return self.file.entry.path or self.file.path

    @property
    def status(self) -> Content:
        """What the lower edge of the frame tells."""
        row, column = self.editor.selection.end if self.is_mounted else (0, 0)
        parts: list[tuple[str, str]] = [(f" {self.path} ", ""), (f" {row + 1}:{column + 1} ", "")]
        if self._studio.me is not None and self.editor.read_only:
            parts.append((" read only: you are a viewer ", "$text-warning"))
        if self.is_mounted:
            parts.append(self.finding_here)
        return Content.assemble(*parts)

    def enter(self) -> None:
        """The text has the focus."""
        self.editor.focus()

    def show(self) -> None:
        """Follow what the host says about the file, and the others' carets."""
        entry = self.file.entry
        self.editor.path = self.path
        self.editor.refresh()
        trouble = TROUBLE.get(entry.state, "")
        news = f"{trouble}: {entry.note}" if trouble and entry.note else entry.note or trouble
        if news != self._told:
            self._told = news
            if news:
                hint = f"{bound(self.app, 'save')} tries again" if trouble else ""
                self.post_message(Problem(StudioError(f"{self.path}: {news}", hint)))

    # -- finding one's way --------------------------------------------------------------------

    def action_focus_find(self) -> None:
        """Find and replace in this file."""
        self.query_one(FindBar).enter()

    @work(exclusive=True, group="line")
    async def action_go_to_line(self) -> None:
        """Ask for a line, and go there."""
        from studio_tui.app.screens.dialogs import Ask

        last = self.editor.document.line_count
        given = await self.app.push_screen_wait(Ask(f"go to line, 1 to {last}", placeholder="42"))
        line, _, column = (given or "").partition(":")
        if line.isdecimal():
            self.editor.go_to(int(line), int(column) if column.isdecimal() else 1)

    # -- presence -----------------------------------------------------------------------------

    def _carets(self) -> Sequence[Caret | Wash]:
        """The others who look at this file, what is commented on, and what is searched for."""
        carets: list[Caret | Wash] = [*self.washes(), *self.query_one(FindBar).washes()]
        for person in self._people.others:
            gaze = person.gaze
            if gaze.path != self.path:
                continue
            head = self.file.text.resolve(gaze.head)
            anchor = self.file.text.resolve(gaze.anchor)
            if head is not None:
                colour = self._people.colour(person.name)
                carets.append(Caret(person.name, colour, head if anchor is None else anchor, head))
        return carets

    @on(Editor.SelectionPublished)
    def _looked(self, event: Editor.SelectionPublished) -> None:
        event.stop()
        self.look(event)
        self.post_message(StatusChanged())

    def look(self, event: Editor.SelectionPublished | None = None) -> None:
        """Tell the others where this person is, while this is the tab that is seen."""
        if not self.display:
            return
        text, document = self.file.text, self.editor.lf_document
        start, end = self.editor.selection
        anchor = event.anchor if event else text.anchor(document.byte_at(start))
        head = event.head if event else text.anchor(document.byte_at(end))
        top = text.anchor(document.byte_at((self.editor.first_line, 0)))
        self._studio.look(Gaze(self.path, end[0] + 1, anchor, head, top))

    def join(self, gaze: Gaze) -> None:
        """Put the caret where somebody has theirs, or else on their line."""
        document, head = self.editor.lf_document, self.file.text.resolve(gaze.head)
        line = max(0, gaze.line - 1)
        at = document.clamp((line, 0)) if head is None else document.location_at(head)
        self.editor.move_cursor(at, center=True)

    def show_view(self, gaze: Gaze) -> None:
        """Show what somebody sees, as much of it as fits; their caret in any case."""
        top, head = (self.file.text.resolve(anchor) for anchor in (gaze.top, gaze.head))
        self.editor.show_from(top, head)

    # -- to the disk --------------------------------------------------------------------------

    @on(Editor.SaveRequested)
    def _save_requested(self, event: Editor.SaveRequested) -> None:
        event.stop()
        self.save()

    @work(exclusive=True, group="save")
    async def save(self) -> None:
        """Have the text written to the disk now."""
        with told(self):
            if self._studio.state != "live":
                raise Away(
                    f"{self.path} is not saved: offline",
                    "your edits are kept here and sent when the link is back",
                )
            await self.file.flush()
            self.post_message(Solved())
