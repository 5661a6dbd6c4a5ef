"""A place of the workspace: a titled frame with its own keys, help and line for problems."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from studio_tui.app.problems import News, Problem, Solved
from studio_tui.app.widgets.notice import Notice


class StatusChanged(Message):
    """What the lower edge of the frame tells has changed."""


class Marked(Message):
    """What the tab tells has changed: its name or its mark."""


class Place(Vertical):
    """What every place has. Subclasses give `contents`, `TITLE`, `HELP` and `enter`."""

    TITLE: ClassVar[str] = ""
    HELP = ""
    DEFAULT_CSS = """
    Place {
        border: round $border-blurred;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        background: $background;
    }
    Place:focus-within {
        border: round $border;
        border-title-color: $block-cursor-foreground;
        border-title-background: $block-cursor-background;
        border-title-style: bold;
    }
    """

    def compose(self) -> ComposeResult:
        """The contents, then the notice."""
        yield from self.contents()
        yield Notice()

    def contents(self) -> ComposeResult:
        """The widgets of the place."""
        yield from ()

    def on_mount(self) -> None:
        """Name the place."""
        self.border_title = Content(self.TITLE)

    def enter(self) -> None:
        """Give the focus to what a person wants here first."""
        for widget in self.query("*").results():
            if widget.focusable:
                widget.focus()
                return

    @property
    def notice(self) -> Notice:
        """The place's line for problems and news."""
        return self.query_one(Notice)

    def on_solved(self, event: Solved) -> None:
        """Take away what went wrong before."""
        event.stop()
        self.notice.clear()

    def on_problem(self, event: Problem) -> None:
        """Show what went wrong here."""
        event.stop()
        self.notice.problem(event.error)
        if event.brief:
            self.notice.fade()

    def on_news(self, event: News) -> None:
        """Show what is worth knowing here."""
        event.stop()
        self.notice.news(event.words)
        self.notice.fade()
