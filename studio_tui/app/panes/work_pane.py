"""The middle of the workspace: tabs of open files and of the studio's terminals."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from studio_tui.app import words
from studio_tui.app.open_files import OpenFile
from studio_tui.app.panes.place import Marked, Place, StatusChanged
from studio_tui.app.panes.welcome import Welcome
from studio_tui.app.problems import told
from studio_tui.app.truncate import clip
from studio_tui.app.widgets.tab_strip import TabLabel, TabStrip
from studio_tui.client.studio import Studio
from studio_tui.document.presence import Gaze
from studio_tui.errors import NotFound, Refused, StudioError

if TYPE_CHECKING:
    from studio_tui.app.layout import Layout
    from studio_tui.app.panes.editor_pane import EditorPane
    from studio_tui.app.panes.terminal_pane import TerminalPane
    from studio_tui.app.people import People
    from studio_tui.app.widgets.code_area import CodeArea

FILE, TERMINAL = "file:", "terminal:"
ATTEMPTS, AGAIN_SECONDS = 3, 0.5
"""To open a file of the last time, while the host answers, before it counts as gone."""


class Tab(Protocol):
    """What stands in a tab: an editor, a pager or a terminal."""

    HELP: str

    @property
    def status(self) -> Content:
        """What the lower edge of the frame tells."""

    def enter(self) -> None:
        """Give the focus to what a person wants here first."""

    def show(self) -> None:
        """Follow the studio document."""

    def look(self) -> None:
        """Tell the others that this is what the person looks at."""


class WorkPane(Place):
    """Open files and terminals, one seen at a time.

    Terminals belong to the studio, so each of them has a tab here from its start to its end;
    it is joined when somebody looks at it. Files have a tab when this person opened them.
    """

    HELP = """\
### Files and terminals

Open files and the studio's terminals share this place, one tab each.

- **ctrl+o** finds a file, **ctrl+t** opens a terminal that everybody can see
- **ctrl+page down**, **ctrl+page up** go from tab to tab; after the leader **tab** does
- after the leader, **w** closes the tab
"""
    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    WorkPane {
        width: 1fr;
        border: none;
        &:focus-within { border: none; }
        & > #deck {
            height: 1fr;
            border: round $border-blurred;
            border-top: none;
            border-subtitle-color: $text-muted;
        }
        /* Over a terminal's frame and not beside it: it must not resize that for everybody. */
        layers: base notice;
        &.-terminal > Notice { layer: notice; dock: bottom; }
        &.-terminal.-bare > Notice { dock: top; }
        &:focus-within > #deck { border: round $border; border-top: none; }
    }
    """

    @dataclass
    class TabsChanged(Message):
        """Another tab is seen, or one came or went."""

    def __init__(self, studio: Studio, people: People, leader: str, layout: Layout) -> None:
        super().__init__(id="work")
        self._studio = studio
        self._people = people
        self._leader = leader
        self._wrap, self._numbered = layout.wrap, layout.numbers
        self._files: list[str] = []
        self._left: dict[str, OpenFile] = {}  # where files are open that have no pane yet
        self._panes: dict[str, Widget] = {}
        self._numbers = itertools.count(1)
        self._joining: set[str] = set()
        self.active = ""

    def contents(self) -> ComposeResult:
        """The tabs, and under them what they hold."""
        yield TabStrip()
        with ContentSwitcher(id="deck", initial="welcome"):
            yield Welcome(self._studio)

    def on_mount(self) -> None:
        """The frame has the tabs for a title."""
        self.show()

    @property
    def deck(self) -> ContentSwitcher:
        """What holds the panes."""
        return self.query_one("#deck", ContentSwitcher)

    # -- what is open -------------------------------------------------------------------------

    @property
    def keys(self) -> list[str]:
        """The tabs, from left to right: files as they were opened, terminals as they were made."""
        terminals = sorted(
            self._studio.document.terminals.values(), key=lambda entry: (entry.created, entry.id)
        )
        return [*self._files, *(TERMINAL + entry.id for entry in terminals)]

    @property
    def pane(self) -> Tab | None:
        """What the active tab holds."""
        return cast("Tab | None", self._panes.get(self.active))

    @property
    def editor(self) -> EditorPane | None:
        """The editor, if one is seen."""
        from studio_tui.app.panes.editor_pane import EditorPane

        pane = self._panes.get(self.active)
        return pane if isinstance(pane, EditorPane) else None

    @property
    def terminal(self) -> TerminalPane | None:
        """The terminal, if one is seen."""
        if not self.active.startswith(TERMINAL):
            return None
        return cast("TerminalPane | None", self._panes.get(self.active))

    @property
    def open_files(self) -> list[OpenFile]:
        """The files that are open here, and where in them this person is."""
        seen = self.active if self.active in self._files else "".join(self._files[-1:])
        return [replace(self._place_in(key), seen=key == seen) for key in self._files]

    def _place_in(self, key: str) -> OpenFile:
        pane: Any = self._panes.get(key)
        known = self._left.get(key) or OpenFile(key.removeprefix(FILE))
        return cast(OpenFile, getattr(pane, "place", known))

    @property
    def path(self) -> str:
        """The file that is seen, "" when none is."""
        return str(getattr(self.pane, "path", ""))

    # -- showing ------------------------------------------------------------------------------

    def show(self) -> None:
        """Follow the studio document: tabs, marks, drivers."""
        if not self.is_mounted:
            return
        keys = self.keys
        for gone in [key for key in self._panes if key not in keys]:
            self._forget(gone)
        for pane in self._panes.values():
            cast(Tab, pane).show()
        self.query_one(Welcome).show()
        if self.active not in (keys or [""]):
            latest = self._files[-1:] or keys[-1:] or [""]
            self.activate(latest[0], focus=False)
        self._draw(keys)

    def _draw(self, keys: list[str]) -> None:
        driver = self.terminal.driver if self.terminal else ""
        edge = self._people.ink(driver) if driver else ""
        self.query_one(TabStrip).show([self._label(key) for key in keys], self.active, edge)
        deck = self.deck
        colour = self._people.colour(driver) if driver else None
        for side in ("border_left", "border_right", "border_bottom"):
            setattr(deck.styles, side, ("round", colour) if colour and self._framed else None)
        deck.border_subtitle = self.pane.status if self.pane else None

    @property
    def _framed(self) -> bool:
        return not self.screen.has_class("-narrow")

    def _label(self, key: str) -> TabLabel:
        if key.startswith(FILE):
            pane: Any = self._panes.get(key)
            path = getattr(pane, "path", key.removeprefix(FILE))
            file = getattr(pane, "file", None)
            return TabLabel(key, path.rsplit("/", 1)[-1], mark=file.mark if file else "")
        entry = self._studio.document.terminals[key.removeprefix(TERMINAL)]
        pane = self._panes.get(key)
        title = getattr(pane, "title", "") or entry.title or "terminal"
        here = self._studio.document.info.machine
        away = f" @{entry.machine}" if entry.machine not in ("", here) else ""
        driver = entry.driver or ""
        colour = self._people.ink(driver) if driver else ""
        mark = getattr(pane, "mark", "") or words.terminal(entry)
        return TabLabel(key, f"▸ {clip(title, 24)}{away}", mark, driver, colour, dim=pane is None)

    def frame(self, framed: bool) -> None:
        """Draw the frame around the tabs, or leave it out on a small screen."""
        self.set_class(not framed, "-bare")
        strip = self.query_one(TabStrip)
        if strip.framed != framed:
            strip.framed = framed
            strip.refresh()
        self._draw(self.keys)

    # -- opening and closing ------------------------------------------------------------------

    def activate(self, key: str, *, focus: bool = True) -> None:
        """Show a tab; a terminal is joined when it is looked at for the first time.

        Who had the keyboard here, or nowhere, has it in what is seen then, `focus` or not.
        """
        focus = focus or self.has_focus_within or (self.screen.focused is None and self.display)
        if key != self.active:
            self.active = key
            self.notice.clear()
        self.set_class(key.startswith(TERMINAL), "-terminal")
        pane = self._panes.get(key)
        if pane is not None:
            self.deck.current = pane.id
            cast(Tab, pane).look()
            if focus:
                self.call_after_refresh(self.enter)
        else:
            self.deck.current = "welcome"
            welcome = self.query_one(Welcome)
            welcome.wait_for(key.removeprefix(FILE) if key.startswith(FILE) else "")
            if focus:
                welcome.focus()
            if key.startswith(TERMINAL):
                self._join(key)
            self._studio.look(Gaze())
        self._draw(self.keys)
        self.post_message(self.TabsChanged())

    def enter(self) -> None:
        """What is seen has the focus."""
        if self.pane is not None:
            self.pane.enter()
        else:
            self.query_one(Welcome).focus()

    def step(self, by: int) -> None:
        """Go `by` tabs to the right, around the end."""
        keys = self.keys
        if keys:
            at = keys.index(self.active) if self.active in keys else 0
            self.activate(keys[(at + by) % len(keys)])

    def key_of(self, path: str) -> str | None:
        """The tab of the file that is at `path` now; None when it has none."""
        panes = self._panes
        return next((k for k in panes if getattr(panes[k], "path", "") == path), None)

    @work(group="open")
    async def open_file(self, path: str, *, focus: bool = True, line: int = 0) -> None:
        """Open a file, or go to its tab; at a line, from 1 on, if one is given."""
        with told(self):
            await self.bring(path, focus=focus, line=line)

    async def bring(self, path: str, *, focus: bool = True, line: int = 0) -> None:
        """As `open_file`; when the file is being opened already, that goes on.

        Raises:
            StudioError: it cannot be opened.
        """
        key = self.key_of(path) or FILE + path
        if key in self._files:
            self.activate(key, focus=focus)
        elif key not in self._joining:
            self._joining.add(key)
            try:
                pane = await self._opened(path)
                self._files.append(key)
                await self._add(key, pane)
                self.activate(key, focus=focus)
            finally:
                self._joining.discard(key)
        if line and self.active == key and self.editor is not None:
            self.editor.editor.go_to(line)

    def reserve(self, files: Sequence[OpenFile]) -> None:
        """Give the files of the last time their tabs; what is in them comes with `reopen`."""
        self._left = {FILE + file.path: file for file in files}
        self._files = list(self._left)
        if files:
            self.activate(FILE + next((f for f in files if f.seen), files[-1]).path)

    def reopen(self) -> None:
        """Open the files whose tabs are reserved, each as soon as the host gives it."""
        for key in self._left:
            self._reopen(key)

    @work(group="reopen")
    async def _reopen(self, key: str) -> None:
        with told(self):
            try:
                pane = await self._found(key)
            except StudioError:
                if key in self._files and self._studio.reachable:
                    self.close_file(key)  # it is gone, and not only out of reach
                raise
            if key in self._files and key not in self._panes:
                await self._add(key, pane)
            self._left.pop(key, None)

    async def _found(self, key: str) -> Widget:
        """What is in a file; a host that is away or busy gives it later."""
        attempts, place = ATTEMPTS, self._left[key]
        while True:
            try:
                return await self._opened(place.path, place)
            except NotFound:
                attempts -= self._studio.reachable
                if not attempts:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)
            await self._studio.until(lambda: self._studio.reachable)

    async def _opened(self, path: str, place: OpenFile | None = None) -> Widget:
        """An editor for the file, or a pager when it cannot be edited."""
        try:
            file = await self._studio.file(path)
        except (NotFound, Refused):
            raise
        except StudioError as error:
            from studio_tui.app.panes.pager_pane import PagerPane

            return PagerPane(self._studio, path, error.message)
        from studio_tui.app.panes.editor_pane import EditorPane

        return EditorPane(file, self._people, place, wrap=self._wrap, numbers=self._numbered)

    @work(group="open")
    async def _join(self, key: str) -> None:
        if key in self._joining:
            return
        self._joining.add(key)
        try:
            with told(self):
                shared = await self._studio.terminal(key.removeprefix(TERMINAL))
                from studio_tui.app.panes.terminal_pane import TerminalPane

                await self._add(key, TerminalPane(shared, self._leader))
        finally:
            self._joining.discard(key)

    @work(group="open")
    async def new_terminal(self) -> None:
        """Open a new terminal as large as this place."""
        with told(self):
            size = self.deck.content_size
            shared = await self._studio.terminal(cols=max(20, size.width), rows=max(5, size.height))
            self.activate(TERMINAL + shared.id)

    async def _add(self, key: str, pane: Widget) -> None:
        pane.id = f"tab-{next(self._numbers)}"
        pane.display = False
        await self.deck.mount(pane)
        self._panes[key] = pane
        if key == self.active:
            self.activate(key, focus=False)

    def close(self) -> None:
        """Close the file that is seen, or end the terminal for everybody."""
        if self.terminal is not None:
            self.terminal.end()
        elif self.active.startswith(FILE):
            self.close_file(self.active)

    def close_file(self, key: str) -> None:
        """Close a file's tab; its text stays with the studio."""
        keys = self.keys
        at = keys.index(key)
        self._files.remove(key)
        self._forget(key)
        if key == self.active:
            left = self.keys
            self.activate(left[min(at, len(left) - 1)] if left else "", focus=False)
        self.show()
        self.post_message(self.TabsChanged())

    def _forget(self, key: str) -> None:
        pane = self._panes.pop(key, None)
        if pane is not None:
            if self.deck.current == pane.id:
                self.deck.current = "welcome"
            pane.remove()

    # -- messages -----------------------------------------------------------------------------

    def on_status_changed(self, event: StatusChanged) -> None:
        """Tell it at the lower edge."""
        event.stop()
        self.deck.border_subtitle = self.pane.status if self.pane else None

    def on_code_area_lines_toggled(self, event: CodeArea.LinesToggled) -> None:
        """Show the lines of every file like that, those opened later too."""
        from studio_tui.app.widgets.editor import Editor

        self._wrap, self._numbered = event.wrap, event.numbers
        for editor in self.query(Editor):
            editor.soft_wrap, editor.show_line_numbers = event.wrap, event.numbers

    @on(Marked)
    def _marked(self, event: Marked) -> None:
        event.stop()
        if self.has_focus_within and self.pane is not None:
            self.pane.look()  # the bell of what somebody looks at is no news
        self._draw(self.keys)

    @on(TabStrip.Selected)
    def _selected(self, event: TabStrip.Selected) -> None:
        event.stop()
        self.activate(event.key)

    @on(TabStrip.CloseRequested)
    def _close_requested(self, event: TabStrip.CloseRequested) -> None:
        event.stop()
        self.activate(event.key)
        self.close()
