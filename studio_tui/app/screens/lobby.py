"""The first screen of a bare `studio-tui`: my studios, this folder, or somebody else's studio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from studio_tui.app import layout as layouts
from studio_tui.app.safe_app import SafeApp
from studio_tui.app.truncate import clip_middle, left, scrub
from studio_tui.app.widgets.key_hints import KeyHints
from studio_tui.settings import joined, load, studios
from studio_tui.settings.joined import Joined
from studio_tui.settings.studios import StudioRecord

Choice = Path | str
"""A folder to open a studio in, or the id of one to join."""


class LobbyApp(SafeApp[Choice]):
    """Asks which studio to go to.

    Args:
        records: this user's studios.
        running: ids of those whose host runs.
        folder: the current folder.
        theme: name of a theme.
        visited: studios of others that this user joined.
    """

    TITLE = "studio-tui"

    def __init__(
        self,
        records: Sequence[StudioRecord],
        running: frozenset[str],
        folder: Path,
        theme: str | None = None,
        visited: Sequence[Joined] = (),
    ) -> None:
        super().__init__(theme)
        self._lobby = Lobby(records, running, folder, visited)

    def get_default_screen(self) -> Screen[None]:
        """The lobby."""
        return self._lobby


class Lobby(Screen[None]):
    """A list of places to go to; see `LobbyApp`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "go there", id="lobby.go"),
        Binding("o", "open", "open this folder", id="lobby.open"),
        Binding("f", "folder", "another folder", id="lobby.folder"),
        Binding("j", "join", "join a studio", id="lobby.join"),
        Binding("q,escape", "app.leave", "quit", id="lobby.quit"),
    ]
    DEFAULT_CSS = """
    Lobby {
        align: center middle;
        background: $background;
        & > Vertical { width: 78; max-width: 96%; height: auto; max-height: 90%; }
        & #title { color: $accent; text-style: bold; padding: 0 2; }
        & #about { color: $text-muted; padding: 0 2 1 2; }
        & OptionList {
            height: auto;
            max-height: 20;
            border: round $border;
            border-title-color: $text-muted;
            background: $background;
            padding: 0 1;
            &:focus { border: round $border; background-tint: transparent; }
        }
    }
    """

    def __init__(
        self,
        records: Sequence[StudioRecord],
        running: frozenset[str],
        folder: Path,
        visited: Sequence[Joined],
    ) -> None:
        super().__init__()
        self._records = sorted(records, key=lambda record: record.id not in running)
        own = {record.id for record in records}
        self._visited = {each.id: each for each in visited if each.id not in own}
        self._alive = running
        self._folder = folder

    def compose(self) -> ComposeResult:
        """A title, the studios, the other ways in."""
        with Vertical():
            yield Static("studio-tui", id="title")
            yield Static("A studio that a team owns, in the terminal.", id="about")
            places = OptionList(*self._options(), compact=False)
            places.border_title = Content("where to?")
            yield places
        hints = KeyHints()
        hints.lead = "↵ go there"
        yield hints

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one(OptionList).focus()

    @on(KeyHints.Pressed)
    async def _hint_pressed(self, event: KeyHints.Pressed) -> None:
        await self.app.run_action(event.action, event.node)

    def _options(self) -> list[Option]:
        options = [Option(self._studio(record), id=record.id) for record in self._records]
        options += [Option(_others(each), id=id) for id, each in self._visited.items()]
        known = next((r for r in self._records if r.dir == str(self._folder)), None)
        if known is None:
            here = clip_middle(scrub(str(self._folder)), 40)
            words = Content.assemble(
                ("+ ", "$text-success"), "open a studio in this folder  ", (here, "$text-muted")
            )
            options.append(Option(words, id="/open"))
        options.append(Option(Content("+ open a studio in another folder"), id="/folder"))
        options.append(Option(Content("→ join somebody's studio by its id or invite"), id="/join"))
        return options

    def _studio(self, record: StudioRecord) -> Content:
        if record.id in self._alive:
            return _place("●", record.id, "running", "$text-success", record.dir)
        return _place("○", record.id, "stopped", "$text-muted", record.dir)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        match event.option.id:
            case "/open":
                self.action_open()
            case "/folder":
                self.action_folder()
            case "/join":
                self.action_join()
            case str() as studio if studio in self._visited:
                self.app.exit(studio)
            case studio:
                record = next(record for record in self._records if record.id == studio)
                self.app.exit(record.id if record.id in self._alive else record.folder)

    def action_go(self) -> None:
        """Go to what is highlighted."""
        self.query_one(OptionList).action_select()

    def action_open(self) -> None:
        """Open a studio in the current folder."""
        self.app.exit(self._folder)

    @work(exclusive=True)
    async def action_folder(self) -> None:
        """Ask for a folder, and open a studio in it."""
        from studio_tui.app.screens.dialogs import Ask

        folder = await self.app.push_screen_wait(Ask("folder", f"{self._folder}/"))
        if folder:
            self.app.exit(Path(folder).expanduser())

    @work(exclusive=True)
    async def action_join(self) -> None:
        """Ask for an id or an invite."""
        from studio_tui.app.screens.dialogs import Ask

        studio = await self.app.push_screen_wait(
            Ask("join a studio", placeholder="its id or invite: calm-otter, wss://…#…")
        )
        if studio:
            self.app.exit(studio)


def _others(studio: Joined) -> Content:
    """A studio of others; nobody is asked whether it runs now."""
    return _place("→", studio.id, studio.role or "joined", "$text-muted", studio.relay)


def _place(mark: str, id: str, state: str, colour: str, where: str) -> Content:
    return Content.assemble(
        (f"{mark} ", colour),
        (left(scrub(id), 18), "bold"),
        (f" {left(scrub(state), 9)}", colour),
        (clip_middle(scrub(where), 38), "$text-muted"),
    )


def choose() -> Choice | None:
    """Ask the person at the terminal where to go; None when they left.

    Raises:
        StudioError: the app ended unexpectedly.
    """
    records = studios.records()
    running = frozenset(record.id for record in records if studios.alive(record))
    theme = load.load().settings.theme or layouts.load().theme
    visited = joined.all_joined()
    app = LobbyApp(records, running, Path.cwd().resolve(), theme, visited)
    choice = app.run()
    app.check()
    return choice
