"""The names of the places in one row, for a screen that shows one of them at a time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from studio_tui.app.bound import bound


class PlaceStrip(Static):
    """Press a name to go there.

    Args:
        places: (id, title); the title is also the id of the command that goes there.
    """

    DEFAULT_CSS = """
    PlaceStrip { height: 1; width: 1fr; background: $surface; color: $text-muted; }
    """

    class Selected(Message):
        """A place was pressed."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        super().__init__("", markup=False)
        self._places = places
        self.current = ""

    def show(self, current: str) -> None:
        """Mark the place that is on the screen."""
        self.current = current
        parts: list[tuple[str, str]] = []
        for place, text in self._labels():
            style = "bold $text on $primary-muted" if place == current else ""
            parts.append((text, style))
        self.update(Content.assemble(*parts))

    def _labels(self) -> list[tuple[str, str]]:
        return [(id, f" {bound(self.app, title)} {title} ") for id, title in self._places]

    def on_click(self, event: events.Click) -> None:
        """Go to the name under the mouse."""
        at = 0
        for place, text in self._labels():
            at += cell_len(text)
            if event.x < at:
                self.post_message(self.Selected(place))
                return
