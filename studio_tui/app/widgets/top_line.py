"""The line that never scrolls away: studio, machine, saved mark, link, people."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from studio_tui.app import words
from studio_tui.app.people import People
from studio_tui.app.truncate import cells, clip
from studio_tui.app.widgets.people_bar import PeopleBar, people_text
from studio_tui.client.studio import Studio

STYLES = {"good": "$text-success", "wait": "$text-warning", "bad": "bold $text-error", "calm": ""}


class MachineButton(Static):
    """The machine the studio is on; a press asks for another one."""

    class Pressed(Message):
        """The person wants to see the machines."""

    def on_click(self) -> None:
        """Tell that it was pressed."""
        self.post_message(self.Pressed())


class TopLine(Horizontal):
    """State of the studio in one row, whatever else the screen shows."""

    DEFAULT_CSS = """
    TopLine {
        dock: top;
        height: 1;
        background: $panel;
        & > Static { width: auto; height: 1; padding: 0 1; text-wrap: nowrap; }
        & > #studio { text-style: bold; color: $accent; }
        & > #machine:hover { background: $accent 20%; }
        & > #hardware { color: $text-muted; }
        & > #gap { width: 1fr; padding: 0; }
        & > #saved, & > #link { text-overflow: ellipsis; max-width: 50%; }
        & > PeopleBar { height: 1; padding: 0 1; }
    }
    """

    def __init__(self, studio: Studio, people: People) -> None:
        super().__init__()
        self._studio = studio
        self._people = people
        self._shown: dict[str, Content] = {}

    def compose(self) -> ComposeResult:
        """The parts, from left to right."""
        yield Static("", id="studio", markup=False)
        yield MachineButton("", id="machine", markup=False)
        yield Static("", id="hardware", markup=False)
        yield Static("", id="gap", markup=False)
        yield Static("", id="saved", markup=False)
        yield Static("", id="link", markup=False)
        yield PeopleBar(self._people.palette)

    def on_mount(self) -> None:
        """Show what is known already."""
        self.show()

    def on_resize(self) -> None:
        """Share the line out again."""
        self.show()

    def show(self) -> None:
        """Show the studio as it is now."""
        studio = self._studio
        info = studio.document.info
        machine = studio.document.machines.get(info.machine)
        self._put("studio", Content(clip(info.name or studio.id, 24)))
        known = bool(info.dir) or machine is not None
        self._put("machine", Content(words.place(studio) if known else ""))
        roomy = self.size.width >= 120
        self._put("hardware", Content(words.hardware(machine) if roomy else ""))
        joined = studio.me is not None or studio.state == "offline"
        self._mark("saved", words.saved(studio) if joined else words.Mark("", "calm"))
        self._mark("link", words.link(studio))
        me = studio.me
        titles = {entry.id: entry.title for entry in studio.document.terminals.values()}
        bar = self.query_one(PeopleBar)
        mine = me.connection if me else None
        bar.show(studio.people, mine, titles)
        room = self.size.width - 2 - sum(_width(part) for part in self._shown.values())
        wanted = cells(people_text(studio.people, mine, max(room, 0), titles))
        bar.styles.width = wanted + 2 if wanted else 0

    def _mark(self, id: str, mark: words.Mark) -> None:
        self._put(id, Content.styled(mark.text, STYLES[mark.mood]))

    def _put(self, id: str, content: Content) -> None:
        """Change a part only when it reads differently: each change is a new layout."""
        if self._shown.get(id) != content:
            self._shown[id] = content
            part = self.query_one(f"#{id}", Static)
            part.update(content)
            part.display = bool(content.plain) or id == "gap"


def _width(part: Content) -> int:
    """Cells of a part with the space around it; nothing for an empty one."""
    return part.cell_length + 2 if part.plain else 0
