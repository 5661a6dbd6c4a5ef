"""The row that says whom this person follows; it has the keys meanwhile, and the first ends it."""

from __future__ import annotations

from textual import events
from textual.color import Color
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class FollowBar(Static, can_focus=True):
    """Hidden until somebody is followed. Every key that it gets, and a press, ends that."""

    HELP = """\
### Following somebody

You see the files and terminals that they see, as far as they have scrolled.

- **Any key** of yours ends it, and does nothing else; so does a press of the mouse.
"""
    DEFAULT_CSS = """
    FollowBar {
        display: none;
        height: 1;
        padding: 0 1;
        text-style: bold;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &.-shown { display: block; }
        &:ansi { text-style: bold reverse; }
    }
    """

    class Ended(Message):
        """This person goes their own way again."""

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.words = ""

    def show(self, name: str, where: str, colour: str) -> None:
        """Say whom, and where they are; colour is as CSS has it."""
        at = f" · {where}" if where else ""
        self.words = f"⇢ following {name}{at} · any key ends it"
        self.update(Content(self.words), layout=False)  # one row, whatever it says
        background = Color.parse(colour)
        self.styles.background = background
        self.styles.color = background.get_contrast_text(1.0)
        self.add_class("-shown")

    def hide(self) -> None:
        """Say nothing more."""
        self.words = ""
        self.remove_class("-shown")

    def on_key(self, event: events.Key) -> None:
        """End it; the key does nothing else."""
        event.stop()
        event.prevent_default()
        self.post_message(self.Ended())

    def on_paste(self, event: events.Paste) -> None:
        """A paste ends it as a key does."""
        event.stop()
        self.post_message(self.Ended())
