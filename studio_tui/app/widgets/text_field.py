"""What is typed into takes keys in the order in which they come, however close they are."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widget import Widget
from textual.widgets import Input


class InOrder(Widget):
    """A second base of widgets: does at once what a key is bound to in them, or that leaves them.

    Textual does so when the key has bubbled up to the app. A fast typist, or a slow connection
    that brings keys in bursts, would have what follows on Home typed where the caret was, and what
    follows on Tab typed into the field that was left.
    """

    _restart_blink: Callable[[], None]

    async def on_event(self, event: events.Event) -> None:
        """Keys that come when another widget has the focus already are for that one."""
        if not isinstance(event, events.Key):
            await super().on_event(event)
        elif (heir := self.app.focused or self.app.screen) is not self:
            heir.post_message(event)
        elif event.is_printable or not await self._bound(event.key):
            await super().on_event(event)
        else:
            self._restart_blink()

    async def _bound(self, key: str) -> bool:
        """Whether something is done. What else is bound further up may close this very widget."""
        for place, bindings in self.screen._modal_binding_chain:
            for binding in bindings.key_to_bindings.get(key, ()):
                if place is not self and not _moves(binding.action):
                    return False
                if not binding.priority and await self.app.run_action(binding.action, place):
                    return True
        return False


def _moves(action: str) -> bool:
    """Whether an action does no more than to go to another widget, or bring one into sight."""
    return action.rpartition(".")[2].startswith(("focus_", "scroll_"))


class TextField(Input, InOrder):
    """A line of text to type in; every one of the app is one."""

    DEFAULT_CSS = """
    TextField > .input--placeholder, TextField > .input--suggestion { text-style: italic; }
    """
