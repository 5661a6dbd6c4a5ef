"""Help for one place, in its own words, with the keys that are in force there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Markdown, Static

from studio_tui.app.screens.modal import Modal
from studio_tui.app.widgets.key_hints import key_label


def keys_of(screen: Screen[Any]) -> list[tuple[str, str]]:
    """(key, what it does) of what can be done on a screen now, where its focus is."""
    keys: dict[str, tuple[str, str]] = {}
    for key, active in screen.active_bindings.items():
        binding = active.binding
        # Only the product's own keys have ids; Textual's are those of every text field.
        if active.enabled and binding.id and binding.description:
            keys.setdefault(binding.id, (key, binding.description.lower()))
    return list(keys.values())


class Help(Modal[None]):
    """A page over the workspace.

    Args:
        text: Markdown of the product itself, never foreign text.
        keys: (key, what it does) of everything that can be done now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,question_mark,q,enter", "leave", "leave", id="help.leave"),
    ]
    DEFAULT_CSS = """
    Help {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 84;
            max-width: 94%;
            height: auto;
            max-height: 90%;
            background: $surface;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
        }
        & VerticalScroll { height: auto; max-height: 100%; padding: 0 1; }
        & Markdown { background: $surface; padding: 0 1; margin: 0; }
        & MarkdownBlock > .code_inline { background: $surface; color: $accent; text-style: bold; }
        & #keys { padding: 0 1 1 1; }
    }
    """

    def __init__(self, text: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._text, self._keys = text, keys

    def compose(self) -> ComposeResult:
        """Words, then keys."""
        with Vertical() as frame:
            frame.border_title = Content("help")
            frame.border_subtitle = Content("esc leaves")
            with VerticalScroll():
                yield Markdown(self._text, open_links=False)
                yield Static(self._table(), id="keys", markup=False)

    def on_mount(self) -> None:
        """Arrow keys scroll."""
        self.query_one(VerticalScroll).focus()

    def _table(self) -> Content:
        labels = [(key_label(key), words) for key, words in self._keys]
        width = max((len(label) for label, _ in labels), default=0) + 2
        cells = [
            Content.assemble((label.rjust(width), "bold $accent"), "  ", words.ljust(24)[:24])
            for label, words in labels
        ]
        half = (len(cells) + 1) // 2
        rows = [
            Content.assemble(cells[row], cells[row + half] if row + half < len(cells) else "")
            for row in range(half)
        ]
        return Content("\n").join(rows)
