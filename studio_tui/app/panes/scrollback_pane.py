"""Looking back in a terminal: the lines, and under them where one is and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import Static

from studio_tui.app.truncate import clip
from studio_tui.app.widgets.scrollback_view import Ask, ScrollbackView
from studio_tui.app.widgets.text_field import TextField
from studio_tui.app.words import plural
from studio_tui.terminal.line import Spot
from studio_tui.terminal.row import Row

LONGEST_COPY = 1 << 20
"""Characters that are copied at once: many terminals take no more, some less."""


class Needle(TextField):
    """What is searched for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave the search", show=False, id="needle.leave")
    ]

    class Left(Message):
        """Nothing is to be searched for after all."""

    def action_leave(self) -> None:
        """Search for nothing."""
        self.post_message(self.Left())


class ScrollbackPane(Vertical):
    """Hidden until it is opened over the terminal.

    Args:
        ask: fetches older lines.
        printed: lines that the terminal printed since it was opened.
    """

    DEFAULT_CSS = """
    ScrollbackPane {
        display: none;
        height: 1fr;
        & > ScrollbackView { background: $background; }
        & > Horizontal { height: 1; background: $panel; }
        & #where { width: 1fr; color: $text-muted; padding: 0 1; }
        & Needle { display: none; width: 1fr; background: $panel; padding: 0 1; border: none; }
        &.-asking #where { display: none; }
        &.-asking Needle { display: block; }
    }
    """

    class Left(Message):
        """Somebody goes back to now."""

    def __init__(self, ask: Ask, printed: Callable[[], int]) -> None:
        super().__init__()
        self._printed = printed
        self._view = ScrollbackView(ask, printed)
        self._told = ""
        self._shown = ""

    def compose(self) -> ComposeResult:
        """The lines and the bar."""
        yield self._view
        with Horizontal():
            yield Static("", id="where", markup=False)
            yield Needle(placeholder="search back for", compact=True, select_on_focus=False)

    @property
    def view(self) -> ScrollbackView:
        """The lines."""
        return self._view

    def open(self, rows: list[Row], cols: int, corner: Offset, cursor: Spot) -> None:
        """Show the rows of the screen, and what is older."""
        self._told = ""
        self.remove_class("-asking")
        self.display = True
        self._view.open(rows, cols, corner, cursor)

    def enter(self) -> None:
        """The lines have the keys."""
        (self.query_one(Needle) if self.has_class("-asking") else self._view).focus()

    def show(self) -> None:
        """Say where one is."""
        text = self.words
        if text != self._shown:
            self._shown = text
            self.query_one("#where", Static).update(Content(text), layout=False)

    @property
    def words(self) -> str:
        """Where one is, then what was done, then the way out."""
        view = self._view
        back = view.back
        place = f"▲ line {view.reading.cursor.line - back.first + 1}"
        place += f" of {back.end - back.first}{'' if back.complete else '+'}"
        parts = [place]
        if below := view.reading.below + self._printed():
            parts.append(f"▼ {below} below")
        if self._told:
            parts.append(self._told)
        elif view.missed and view.pattern is not None:
            parts.append("found nothing")
        if view.pattern is not None:
            parts.append("n older N newer")
        return " · ".join([*parts, "esc back to now"])

    # -- messages -----------------------------------------------------------------------------

    @on(ScrollbackView.Moved)
    def _moved(self, event: ScrollbackView.Moved) -> None:
        event.stop()
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        """Say it again."""
        self.show()

    @on(ScrollbackView.Left)
    def _left(self, event: ScrollbackView.Left) -> None:
        event.stop()
        self.post_message(self.Left())

    @on(ScrollbackView.Searched)
    def _searched(self, event: ScrollbackView.Searched) -> None:
        event.stop()
        self._told = ""
        self.add_class("-asking")
        self.enter()

    @on(Needle.Submitted)
    def _submitted(self, event: Needle.Submitted) -> None:
        event.stop()
        self._done_asking()
        self._view.search(event.value)

    @on(Needle.Left)
    def _nothing_asked(self, event: Needle.Left) -> None:
        event.stop()
        self._done_asking()

    def _done_asking(self) -> None:
        self.remove_class("-asking")
        self._view.focus()

    @on(ScrollbackView.Copied)
    def _copied(self, event: ScrollbackView.Copied) -> None:
        """Into the clipboard of whoever sits here; nobody else's hears of it."""
        event.stop()
        text = event.text
        if len(text) > LONGEST_COPY:
            self._told = f"not copied: more than {LONGEST_COPY} characters"
        else:
            self.app.copy_to_clipboard(text)
            lines = text.count("\n") + 1
            self._told = f"copied {plural(lines, 'line') if lines > 1 else clip(text, 24)}"
        self.show()
        if event.done:
            self.post_message(self.Left())
