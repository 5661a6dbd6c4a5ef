"""The comments of a studio's files: go to one, answer, resolve it, or take it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from studio_tui.app.bound import bound
from studio_tui.app.screens.dialogs import FRAME, Ask
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import clip, clip_middle, scrub
from studio_tui.client.remarks import Thread

if TYPE_CHECKING:
    from studio_tui.app.people import People

Act = Literal["go", "reply", "resolve", "remove"]
_WORDS_CELLS, _PATH_CELLS = 54, 40


@dataclass(frozen=True)
class Chosen:
    """A comment, and what is to be done with it."""

    thread: Thread
    act: Act


EMPTY = """\
no comment yet: {key} in a file comments on the line or what is selected,
for everybody; it moves along with its text"""


class CommentList(Modal[Chosen | None]):
    """Lists comments, two rows each, open ones first; None when it was left with escape.

    Args:
        threads: the comments.
        people: in whose colours.
        left_out: how many more there are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="comments.leave"),
        Binding("r", "choose('reply')", "answer", show=False, id="comments.reply"),
        Binding("x", "choose('resolve')", "resolve", show=False, id="comments.resolve"),
        Binding("delete,d", "choose('remove')", "take away", show=False, id="comments.remove"),
    ]
    DEFAULT_CSS = f"""
    CommentList {{
        {FRAME}
        & OptionList {{ height: auto; max-height: 14; background: $surface; }}
        & #more {{ color: $text-warning; }}
        & #hint {{ color: $text-muted; margin-top: 1; }}
    }}
    """

    def __init__(self, threads: Sequence[Thread], people: People, left_out: int = 0) -> None:
        super().__init__()
        self._left_out = left_out
        self._threads = sorted(threads, key=lambda thread: not thread.open)
        self._people = people

    def compose(self) -> ComposeResult:
        """The list, or how to make a comment."""
        with Vertical() as frame:
            frame.border_title = Content("comments")
            if self._threads:
                rows = (Option(words(thread, self._people)) for thread in self._threads)
                yield OptionList(*rows, compact=True)
                if self._left_out:
                    more = f"… and {self._left_out} more: everybody's newest are listed"
                    yield Static(more, id="more")
                hint = "enter: go there   r: answer   x: resolve   d: take away   esc"
                yield Static(hint, id="hint")
            else:
                yield Static(EMPTY.format(key=bound(self.app, "comment")), id="none")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to this one."""
        event.stop()
        self.dismiss(Chosen(self._threads[event.option_index], "go"))

    def action_choose(self, act: Act) -> None:
        """Do something with the highlighted one."""
        if self._threads and (at := self.query_one(OptionList).highlighted) is not None:
            self.dismiss(Chosen(self._threads[at], act))


def words(thread: Thread, people: People) -> Content:
    """A comment in two rows: who and what, then where and what became of it."""
    first, answers = thread.comment, len(thread.replies)
    said = f"{scrub(first.by) or 'somebody'}: {scrub(first.text)}"
    where = f"{clip_middle(scrub(thread.path), _PATH_CELLS)}:{thread.line or 'gone'}"
    count = f" · {answers} answer{'s' * (answers != 1)}" if answers else ""
    done = f" · ✓ {clip(scrub(first.resolved_by), 16)}" if first.resolved_by else ""
    return Content.assemble(
        ("◆ " if thread.open else "◇ ", people.colour(first.by)),
        clip(said, _WORDS_CELLS),
        "\n  ",
        (f"{where}{count}{done}", "$text-muted"),
    )


def question(thread: Thread) -> Ask:
    """The dialog that asks for an answer to a comment."""
    first = thread.comment
    return Ask("answer", body=f"{scrub(first.by) or 'somebody'}: {scrub(first.text)}")
