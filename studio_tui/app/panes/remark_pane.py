"""What people leave beside a text, around its editor: comments, marks, and who wrote each line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from studio_tui.app.problems import told
from studio_tui.app.truncate import clip, scrub
from studio_tui.app.widgets.carets import Wash, united
from studio_tui.app.widgets.editor import Editor
from studio_tui.app.widgets.margin import Author, Margin, Sign
from studio_tui.client.file import SharedFile
from studio_tui.client.remarks import Thread
from studio_tui.document.remarks import BOOKMARK, BREAKPOINT, MarkEntry

if TYPE_CHECKING:
    from studio_tui.app.people import People

COMMENT, BREAK, BOOK = "◆", "●", "★"
_CARD_ROWS = 3
_NAME_CELLS = 16


class Card(Static):
    """The comment at the caret, with its answers."""

    DEFAULT_CSS = """
    Card {
        display: none;
        height: auto;
        max-height: 5;
        padding: 0 1;
        background: $panel;
        &.-shown { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.words = ""

    def show(self, content: Content) -> None:
        """Show it; hidden without words."""
        if content.plain != self.words:
            self.words = content.plain
            self.update(content)
            self.set_class(bool(self.words), "-shown")


class RemarkPane(Vertical):
    """Holds an editor between a margin and a card. Subclasses give `editor`.

    Args:
        file: the file that is edited.
        people: in whose colours.
    """

    DEFAULT_CSS = """
    RemarkPane > Horizontal { height: 1fr; }
    """

    def __init__(self, file: SharedFile, people: People) -> None:
        super().__init__()
        self.file = file
        self._people = people
        self._threads: Sequence[Thread] = ()
        self._marks: Sequence[MarkEntry] = ()
        self._stops: list[Callable[[], None]] = []
        self._waiting = False

    @property
    def editor(self) -> Editor:
        """The editor."""
        return self.query_one(Editor)

    def beside(self, editor: Editor) -> ComposeResult:
        """The editor with what stands around it."""
        with Horizontal():
            yield Margin(editor, self._author)
            yield editor
        yield Card()

    def on_mount(self) -> None:
        """Follow what is said about the file."""
        document = self.file.studio.document
        for registry in (document.comments, document.marks, document.files):
            self._stops.append(registry.observe(self._heard))
        self.show_remarks()

    def _heard(self, _ids: set[str]) -> None:
        """Look at it after the transaction, nothing can be written in one; once for a flood."""
        if not self._waiting:
            self._waiting = True
            self.call_later(self.show_remarks)

    def on_unmount(self) -> None:
        """Follow it no longer."""
        while self._stops:
            self._stops.pop()()

    def on_text_area_changed(self) -> None:
        """The signs move with their text."""
        self.query_one(Margin).changed()
        if self._threads or self._marks:
            self.show_remarks()

    def on_text_area_selection_changed(self) -> None:
        """The card tells of the comment at the caret."""
        self._show_card()

    def on_resize(self) -> None:
        """The card's rows are as wide as there is room."""
        self._show_card()

    # -- showing ------------------------------------------------------------------------------

    def signs(self) -> dict[int, Sign]:
        """What else stands beside lines (from 0), where nobody left anything."""
        return {}

    def show_remarks(self) -> None:
        """Show the comments and marks where they are now."""
        self._waiting = False
        if not self.is_attached:
            return
        self._threads = [thread for thread in self.file.comments if thread.open]
        self._marks = self.file.marks
        remarked = {mark.line - 1: self._sign(mark) for mark in self._marks}
        for thread in self._threads:
            if thread.line is not None and thread.line - 1 not in remarked:
                ink = self._people.ink(thread.comment.by)
                remarked[thread.line - 1] = Sign(COMMENT, ink)
        self.query_one(Margin).show(self.signs() | remarked)
        self.editor.refresh()
        self._show_card()

    def _sign(self, mark: MarkEntry) -> Sign:
        return Sign(BREAK if mark.kind == BREAKPOINT else BOOK, self._people.ink(mark.by))

    def washes(self) -> Iterator[Wash]:
        """The ranges in sight that are commented on, those of a colour that touch as one."""
        lines, document = self.editor.lines_in_sight, self.editor.lf_document
        if not (self._threads and lines):
            return
        last = lines[-1]
        top, bottom = (document.byte_at(at) for at in ((lines[0], 0), (last, len(document[last]))))
        shown: dict[str, list[tuple[int, int]]] = {}
        for thread, (start, end) in self._places():
            if start <= bottom and top <= end:
                shown.setdefault(self._people.colour(thread.comment.by), []).append((start, end))
        for colour, ranges in shown.items():
            yield from (Wash(colour, start, end) for start, end in united(ranges))

    def _places(self) -> list[tuple[Thread, tuple[int, int]]]:
        """The open comments that are somewhere, with their bytes as of now."""
        places = self.file.spots.of([thread.comment for thread in self._threads])
        return [(t, place) for t, place in zip(self._threads, places, strict=True) if place]

    def _author(self, line: int) -> Author:
        try:
            name = self.file.author(line + 1)
        except ValueError:
            return Author("")
        if name is None:
            start, end = self.file.range_of(line + 1)
            return Author("?" if str(self.file)[start:end].strip() else "")
        return Author(scrub(name), self._people.ink(name)) if name else Author("")

    @property
    def thread_here(self) -> Thread | None:
        """The open comment on the caret's line; the one that it is in, when there are several."""
        row = self.editor.selection.end[0] + 1
        here = [thread for thread in self._threads if thread.line == row]
        byte = self.editor.lf_document.byte_at(self.editor.selection.end)
        for thread, (start, end) in self._places():
            if start <= byte <= end:
                return thread
        return here[0] if here else None

    def _show_card(self) -> None:
        thread = self.thread_here if self._threads else None
        self.query_one(Card).show(self._card(thread) if thread else Content(""))

    def _card(self, thread: Thread) -> Content:
        """The comment and its last answers, a row each."""
        shown = [thread.comment, *thread.replies][-_CARD_ROWS:]
        shown[0] = thread.comment
        width = max(20, self.size.width - 2)
        rows = []
        for number, entry in enumerate(shown):
            name = clip(scrub(entry.by) or "somebody", _NAME_CELLS)
            lead = f"{COMMENT} " if not number else "  ↳ "
            text = clip(scrub(entry.text), width - len(lead) - len(name) - 2)
            rows.append(
                Content.assemble(lead, (name, f"bold {self._people.colour(entry.by)}"), f"  {text}")
            )
        hidden = len(thread.replies) + 1 - len(shown)
        if hidden > 0:
            rows.insert(1, Content.styled(f"  … {hidden} more", "$text-muted"))
        return Content("\n").join(rows)

    # -- making -------------------------------------------------------------------------------

    @work(exclusive=True, group="remark")
    async def action_comment(self) -> None:
        """Comment on the selection, or else on the line; answer where there is a comment."""
        from studio_tui.app.screens.comment_list import question
        from studio_tui.app.screens.dialogs import Ask

        thread = self.thread_here
        start, end = sorted(self.editor.selection)
        if thread is not None and start == end:
            if said := await self.app.push_screen_wait(question(thread)):
                with told(self):
                    self.file.studio.remarks.reply(thread.comment.id, said)
            return
        if start == end:
            start, end = (start[0], 0), (end[0], len(self.editor.document[end[0]]))
        document, text = self.editor.lf_document, self.file.text
        # What others type meanwhile must not move the range away from what was chosen.
        ends = [text.anchor(document.byte_at(at)) for at in (start, end)]
        lines = (
            f"line {start[0] + 1}" if start[0] == end[0] else f"lines {start[0] + 1}-{end[0] + 1}"
        )
        said = await self.app.push_screen_wait(Ask(f"comment on {lines}", placeholder="for all"))
        places = [text.resolve(anchor) for anchor in ends]
        if said and None not in places:
            with told(self):
                first, last = sorted(text.to_point(place) for place in places if place is not None)
                self.file.comment(first, last, said)

    def action_bookmark(self) -> None:
        """Mark the line for everybody, or take that away."""
        self._mark(BOOKMARK)

    def action_breakpoint(self) -> None:
        """Mark the line as one to stop at, or take that away."""
        self._mark(BREAKPOINT)

    def _mark(self, kind: str) -> None:
        with told(self):
            self.file.mark_line(self.editor.selection.end[0] + 1, kind)

    def action_next_mark(self) -> None:
        """Go to the next line with a mark or a comment, around the end."""
        marked = [mark.line for mark in self._marks]
        lines = sorted({*marked, *(thread.line for thread in self._threads if thread.line)})
        row = self.editor.selection.end[0] + 1
        if lines:
            line = next((line for line in lines if line > row), lines[0])
            self.editor.move_cursor((line - 1, 0), center=True)

    def action_authors(self) -> None:
        """Show who wrote each line, or no longer."""
        margin = self.query_one(Margin)
        margin.name_authors(not margin.named)
