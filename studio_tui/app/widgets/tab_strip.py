"""The tabs of the open files and terminals, drawn as the upper edge of their frame."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from studio_tui.app.truncate import clip

MOODS = {"✓": "good", "●": "wait", "♪": "wait", "🔒": "wait"}
"""By the first character of a mark; what is not here is bad."""


@dataclass(frozen=True, slots=True)
class TabLabel:
    """What a tab shows.

    Args:
        key: its identity.
        title: file name or terminal title; foreign text.
        mark: the saved mark of a file, or what is to be known of a terminal; "" for nothing.
        driver: who has a terminal's keyboard, "" for nobody.
        colour: the driver's colour, "" for none.
        dim: nobody here has looked at it yet.
    """

    key: str
    title: str
    mark: str = ""
    driver: str = ""
    colour: str = ""
    dim: bool = False

    @property
    def text(self) -> str:
        """The whole label."""
        mark = f" {self.mark}" if self.mark else ""
        driver = f" ⌨ {clip(self.driver, 12)}" if self.driver else ""
        return f"{clip(self.title, 36)}{mark}{driver}"


class TabStrip(Widget):
    """One row of tabs. Too many: it scrolls so that the active one is seen."""

    COMPONENT_CLASSES = {
        "tabs--edge", "tabs--tab", "tabs--active", "tabs--good", "tabs--wait", "tabs--bad",
    }  # fmt: skip
    DEFAULT_CSS = """
    TabStrip {
        height: 1;
        width: 1fr;
        & > .tabs--edge { color: $border-blurred; }
        & > .tabs--tab { color: $text-muted; }
        & > .tabs--active { color: $text; text-style: bold underline; }
        & > .tabs--good { color: $text-success; }
        & > .tabs--wait { color: $text-warning; }
        & > .tabs--bad { color: $text-error; text-style: bold; }
    }
    """

    class Selected(Message):
        """A tab was pressed."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class CloseRequested(Message):
        """A tab was pressed with the middle button."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__()
        self.tabs: list[TabLabel] = []
        self.active = ""
        self.edge_colour = ""
        self.framed = True
        self._ranges: list[tuple[int, int, str]] = []

    def show(self, tabs: list[TabLabel], active: str, edge_colour: str = "") -> None:
        """Draw `tabs`; `edge_colour` is that of the terminal's driver, "" for the usual one."""
        state = (tabs, active, edge_colour)
        if state != (self.tabs, self.active, self.edge_colour):
            self.tabs, self.active, self.edge_colour = tabs, active, edge_colour
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        edge = self.get_component_rich_style("tabs--edge")
        if self.edge_colour:
            edge = edge + Style(color=self.edge_colour)
        left, right, line = ("╭─", "─╮", "─") if self.framed else ("", "", " ")
        room = width - len(left) - len(right)
        shown = self._fitting(room)
        segments = [Segment(left, edge)]
        at = len(left)
        self._ranges = []
        for number, tab in enumerate(shown):
            if number:
                segments.append(Segment("│", edge))
                at += 1
            cells = cell_len(tab.text) + 2
            self._ranges.append((at, at + cells, tab.key))
            segments += self._tab(tab)
            at += cells
        segments.append(Segment(line * max(0, width - at - len(right)), edge))
        segments.append(Segment(right, edge))
        return Strip(segments).crop(0, width)

    def _fitting(self, room: int) -> list[TabLabel]:
        """The tabs that fit, the active one among them."""
        shown = list(self.tabs)
        while len(shown) > 1 and sum(cell_len(tab.text) + 3 for tab in shown) - 1 > room:
            shown.pop(-1 if shown[0].key == self.active else 0)
        return shown

    def _tab(self, tab: TabLabel) -> list[Segment]:
        active = tab.key == self.active
        style = self.get_component_rich_style("tabs--active" if active else "tabs--tab")
        if tab.dim and not active:
            style += Style(dim=True)
        segments = [Segment(f" {clip(tab.title, 36)}", style)]
        if tab.mark:
            mood = MOODS.get(tab.mark[0], "bad")
            ink = self.get_component_rich_style(f"tabs--{mood}", partial=True)
            segments.append(Segment(f" {tab.mark}", style + ink))
        if tab.driver:
            ink = Style(color=tab.colour) if tab.colour else Style()
            segments.append(Segment(f" ⌨ {clip(tab.driver, 12)}", style + ink))
        segments.append(Segment(" ", style))
        return segments

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the mouse, or close it with the middle button."""
        for start, end, key in self._ranges:
            if start <= event.x < end:
                kind = self.CloseRequested if event.button == 2 else self.Selected
                self.post_message(kind(key))
