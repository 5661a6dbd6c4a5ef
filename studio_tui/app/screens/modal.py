"""A screen over the others that closes once."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Modal(ModalScreen[Result], Generic[Result]):
    """A dialog for people who type fast.

    Keys that were on their way when it closed are for what lies below. To Textual they are its
    own still, and the second that closes it closes the screen below.
    """

    HELP = """\
### A dialog

It waits for an answer. **up** and **down** go through what it shows, **Esc** leaves it.
"""
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "explain", show=False, id="dialog.help"),
        Binding("pageup", "turn(-1)", show=False, id="dialog.page_up"),
        Binding("pagedown", "turn(1)", show=False, id="dialog.page_down"),
    ]

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

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Bring into sight what lies behind the foot; Textual takes that for seen."""
        event.widget.scroll_visible(animate=False)

    def action_explain(self) -> None:
        """Say what the dialog is for, and which keys it has."""
        from studio_tui.app.screens.help import Help, keys_of

        self.app.push_screen(Help(self.HELP, keys_of(self)))

    def action_turn(self, way: int) -> None:
        """Scroll what does not fit."""
        for frame in self.query_children(Vertical):
            frame.scroll_relative(y=way * max(frame.scrollable_content_region.height - 1, 1))

    async def on_event(self, event: events.Event) -> None:
        """Hand on the keys that came too late."""
        if self._answered and isinstance(event, events.Key):
            self.app.post_message(events.Key(event.key, event.character))
        else:
            await super().on_event(event)
