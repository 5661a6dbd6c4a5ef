"""A file in a tab: the shared editor, who else is in it, and its way to the disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from studio_tui.app.panes.place import StatusChanged
from studio_tui.app.problems import Problem, Solved, told
from studio_tui.app.widgets.carets import Caret
from studio_tui.app.widgets.editor import Editor
from studio_tui.client.file import SharedFile
from studio_tui.document.presence import Gaze
from studio_tui.errors import NotFound, StudioError

if TYPE_CHECKING:
    from studio_tui.app.people import People

TROUBLE = {
    "missing": "the file is gone from disk; the text is kept here",
    "unsavable": "the file cannot be written",
}


class EditorPane(Vertical):
    """Edits one shared file.

    Args:
        file: the file.
        people: whose carets are shown, in which colours.
    """

    HELP = """\
### Editor

Everybody who opens this file edits the same text, and sees the others' carets.

- The text is saved by itself. `✓` it is on the disk, `●` it is on its way, `!` it could not be
  written, and the line below says why. **ctrl+s** writes it now.
- **ctrl+z**, **ctrl+y** undo and redo what *you* typed, nobody else's.
- **ctrl+r** runs this file as a job.
- While the link is down you can go on typing: your edits are merged when it is back.
"""
    DEFAULT_CSS = """
    EditorPane > Editor {
        height: 1fr;
        border: none;
        padding: 0;
        background: $background;
        scrollbar-size: 0 1;
        &:focus { border: none; }
    }
    """

    def __init__(self, file: SharedFile, people: People) -> None:
        super().__init__()
        self.file = file
        self._people = people
        self._studio = file.studio
        self._told = ""

    def compose(self) -> ComposeResult:
        """The editor."""
        yield Editor(
            self.file.text,
            path=self.file.path,
            carets=self._carets,
            read_only=not (self._studio.writable and self.file.room.writable),
        )

    @property
    def editor(self) -> Editor:
        """The editor."""
        return self.query_one(Editor)

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
        return Content.assemble(*parts)

    def enter(self) -> None:
        """The text has the focus."""
        self.editor.focus()

    def go_to(self, line: int) -> None:
        """Put the caret at the start of a line, from 1 on; past the end at the last one."""
        last = self.editor.document.line_count
        self.editor.move_cursor((min(max(line, 1), last) - 1, 0), center=True)

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
                hint = "^S tries again" if trouble else ""
                self.post_message(Problem(StudioError(f"{self.path}: {news}", hint)))

    # -- presence -----------------------------------------------------------------------------

    def _carets(self) -> Sequence[Caret]:
        """The others who look at this file, where they are."""
        carets = []
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
        self._studio.look(Gaze(path=self.path, line=end[0] + 1, anchor=anchor, head=head))

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
                raise NotFound(
                    f"{self.path} is not saved: offline",
                    "your edits are kept here and sent when the link is back",
                )
            await self.file.flush()
            self.post_message(Solved())
