"""The bottom line: what the focused place and the app can do, key by key."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

SHORT = {
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "backslash": "\\",
    "question_mark": "?",
    "enter": "↵",
    "escape": "esc",
    "exclamation_mark": "!",
    "slash": "/",
    "delete": "del",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "space": "space",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}

MODIFIERS = {"ctrl": "^", "shift": "⇧"}


def key_label(key: str) -> str:
    """A key as people write it: "ctrl+p" is "^P", "shift+f6" is "⇧F6"."""
    *modifiers, last = key.split(",")[0].split("+")
    named = SHORT.get(last, last)
    if last[:1] == "f" and last[1:].isdigit() or "ctrl" in modifiers and len(last) == 1:
        named = last.upper()
    return "".join(MODIFIERS.get(modifier, f"{modifier}+") for modifier in modifiers) + named


class KeyHints(Static):
    """One row of keys; those of the focused place come first, what does not fit is left out."""

    DEFAULT_CSS = """
    KeyHints { dock: bottom; height: 1; width: 1fr; background: $panel; color: $text-muted; }
    """

    class Pressed(Message):
        """A hint was pressed."""

        def __init__(self, hint: ActiveBinding) -> None:
            super().__init__()
            self.action = hint.binding.action
            self.node = hint.node

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._ranges: list[tuple[int, int, ActiveBinding]] = []
        self.words = ""
        self.lead = ""

    def on_mount(self) -> None:
        """Follow the keys that are in force."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        """Fit again."""
        self.show()

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.show()

    def tell(self, lead: str) -> None:
        """Words before the keys, "" for none."""
        if lead != self.lead:
            self.lead = lead
            self.show()

    def show(self) -> None:
        """Lay out the hints for the keys in force now."""
        if not self.is_attached:
            return
        parts: list[tuple[str, str]] = []
        self._ranges = []
        at = 0
        if self.lead:
            parts.append((f" {self.lead} ", "$text"))
            at = cell_len(self.lead) + 2
        for hint in self._shown_bindings():
            binding = hint.binding
            key, label = key_label(binding.key), binding.description.lower()
            width = cell_len(key) + cell_len(label) + 3
            if at + width > self.size.width:
                continue
            self._ranges.append((at, at + width, hint))
            parts += [(f" {key}", "bold $accent"), (f" {label} ", "")]
            at += width
        content = Content.assemble(*parts)
        if content.plain != self.words:
            self.words = content.plain
            self.update(content)

    def _shown_bindings(self) -> list[ActiveBinding]:
        """The bindings to show: the place's own, then the workspace's, one key for each action."""
        own: dict[str, ActiveBinding] = {}
        general: dict[str, ActiveBinding] = {}
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if not binding.show or not active.enabled:
                continue
            group = general if active.node in (self.screen, self.app) else own
            shown = active._replace(binding=binding.with_key(key))
            group.setdefault(binding.action, shown)
        leader = general.pop("leader", None)
        return [*([leader] if leader else []), *own.values(), *general.values()]

    def on_click(self, event: events.Click) -> None:
        """Do what the hint under the mouse says."""
        for start, end, hint in self._ranges:
            if start <= event.x < end:
                self.post_message(self.Pressed(hint))
