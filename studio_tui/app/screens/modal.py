"""A screen over the others that closes once."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Modal(ModalScreen[Result], Generic[Result]):
    """A dialog for people who type fast.

    Keys that were on their way when it closed are for what lies below. To Textual they are its
    own still, and the second that closes it closes the screen below.
    """

    def __init__(self) -> None:
        super().__init__()
        self._answered = False

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close with a result; only the first counts."""
        if self._answered:
            return AwaitComplete()
        self._answered = True
        return super().dismiss(result)

    def action_leave(self) -> None:
        """Close with nothing."""
        self.dismiss(None)

    async def on_event(self, event: events.Event) -> None:
        """Hand on the keys that came too late."""
        if self._answered and isinstance(event, events.Key):
            self.app.post_message(events.Key(event.key, event.character))
        else:
            await super().on_event(event)
