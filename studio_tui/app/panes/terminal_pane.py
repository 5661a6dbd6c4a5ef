"""A shared terminal in a tab: who drives it, what it scrolled away, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log, Static

from studio_tui.app.problems import Problem, Solved, told
from studio_tui.app.truncate import clip, scrub
from studio_tui.app.widgets.key_hints import key_label
from studio_tui.app.widgets.terminal_view import TerminalView
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document.entries import TerminalEntry
from studio_tui.document.presence import Gaze
from studio_tui.errors import Refused
from studio_tui.terminal.screen import Changed, Screen

HISTORY_ROWS = 2000


class Seen:
    """The terminal as its view gets it: looking at one that nobody drives does not resize it.

    Any input takes a free seat, and a size is input: only typing may do that.
    """

    def __init__(self, shared: SharedTerminal, mine: Callable[[], bool]) -> None:
        self._shared = shared
        self._mine = mine

    @property
    def view(self) -> Screen:
        """The screen to paint."""
        return self._shared.view

    @property
    def driver(self) -> str | None:
        """Who types."""
        return (
            self._shared.driver
            if self._shared.id in self._shared.studio.document.terminals
            else None
        )

    @property
    def driving(self) -> bool:
        """Whether what is typed here reaches the program."""
        known = self._shared.id in self._shared.studio.document.terminals
        return known and self._shared.studio.state == "live" and self._shared.driving

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send input."""
        if self._mine() or any("resize" not in event for event in events):
            self._shared.send(events)

    def observe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back after each change."""
        return self._shared.observe(callback)


class History(Log):
    """What scrolled out of a terminal. Leaving it goes back to what is there now."""

    HELP = """\
### What scrolled away

The terminal's older lines; the program goes on meanwhile.

- **up**, **down**, **page up**, **page down** and the wheel move; **esc** goes back to now
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back to now", id="history.leave"),
    ]

    def action_leave(self) -> None:
        """Back to what is there now."""
        pane = self.parent
        assert isinstance(pane, TerminalPane)
        pane.leave_history()


class TerminalPane(Vertical):
    """Shows one terminal of the studio.

    Args:
        shared: the terminal.
        leader: the key that the program does not get.
    """

    HELP = """\
### Terminal

Everybody sees this terminal; one person at a time types in it, the name is in the tab.

- While it has the focus **every key goes to the program**, but the leader, `ctrl+]`.
- After the leader: **k** takes the keyboard, **h** hands it over, **w** ends the terminal,
  **q** quits the app. The leader twice sends it to the program.
- The wheel, or the leader and **page up**, shows what scrolled away.
"""
    DEFAULT_CSS = """
    TerminalPane {
        & > TerminalView { height: 1fr; background: $background; }
        & > History { height: 1fr; display: none; background: $surface; }
        & > #over {
            display: none;
            height: 1;
            padding: 0 1;
            background: $panel;
            color: $text-warning;
        }
        &.-history > TerminalView { display: none; }
        &.-history > History { display: block; }
        &.-over > #over { display: block; }
    }
    """

    def __init__(self, shared: SharedTerminal, leader: str) -> None:
        super().__init__()
        self.shared = shared
        self._leader = leader
        self._studio = shared.studio
        self._was_mine = False

    def compose(self) -> ComposeResult:
        """The screen, its history, and how it ended."""
        source = Seen(self.shared, lambda: self.mine)
        yield TerminalView(source, leader=self._leader, on_scroll=self._scrolled)
        yield History(highlight=False)
        yield Static("", id="over", markup=False)

    def on_mount(self) -> None:
        """Begin to follow."""
        self._was_mine = self.mine
        self.show()

    # -- what is known ------------------------------------------------------------------------

    @property
    def entry(self) -> TerminalEntry:
        """The terminal as the host lists it; an ended one when it is gone."""
        known = self._studio.document.terminals.get(self.shared.id)
        return known or TerminalEntry(self.shared.id, state="exited")

    @property
    def title(self) -> str:
        """What the program calls itself, else the name the terminal was given."""
        return scrub(self.shared.view.title or self.entry.title)

    @property
    def driver(self) -> str:
        """Who types, "" while nobody does."""
        return self.entry.driver or ""

    @property
    def mine(self) -> bool:
        """Whether this very app has the keyboard."""
        me = self._studio.me
        return me is not None and self.entry.driver_connection == me.connection

    @property
    def can_take(self) -> bool:
        """Whether the keyboard can be taken."""
        return self.entry.state == "running" and self._studio.writable and not self.mine

    @property
    def status(self) -> Content:
        """What the lower edge of the frame tells."""
        entry, leader = self.entry, key_label(self._leader)
        size = f" {entry.cols}×{entry.rows} "
        if entry.state != "running":
            return Content(f" ended with {entry.exit_code or 0} · {leader} w closes it ")
        if self.mine:
            return Content(f" you type · {leader} leads out {size}")
        if self.driver:
            take = f"· {leader} k takes the keyboard " if self.can_take else ""
            return Content(f" ⌨ {clip(scrub(self.driver), 20)} types {take}{size}")
        return Content(f" nobody types: just type {size}")

    def enter(self) -> None:
        """The program has the keys."""
        inside = History if self.has_class("-history") else TerminalView
        self.query_one(inside).focus()

    def show(self) -> None:
        """Follow what the host lists."""
        if not self.is_mounted:
            return
        entry = self.entry
        over = entry.state != "running"
        self.set_class(over, "-over")
        if over:
            words = f"■ the program ended with {entry.exit_code or 0}"
            self.query_one("#over", Static).update(
                f"{words} · {key_label(self._leader)} w closes the tab"
            )
        mine = self.mine
        if mine and not self._was_mine:
            self.query_one(TerminalView).offer_size()
        self._was_mine = mine

    def look(self) -> None:
        """Tell the others that this person looks here."""
        if self.display:
            self._studio.look(Gaze(terminal=self.shared.id))

    # -- the keyboard -------------------------------------------------------------------------

    @work(exclusive=True, group="seat")
    async def take(self) -> None:
        """Take the keyboard."""
        with told(self):
            await self.shared.take()
            self.post_message(Solved())
            self.enter()

    @work(exclusive=True, group="seat")
    async def hand_over(self, heirs: Sequence[str]) -> None:
        """Give the keyboard to one of `heirs`; ask whom when there are several."""
        from studio_tui.app.screens.dialogs import Pick

        name: str | None = heirs[0]
        if len(heirs) > 1:
            choices = [(heir, scrub(heir)) for heir in heirs]
            name = await self.app.push_screen_wait(Pick("hand the keyboard to", choices))
        if name:
            with told(self):
                await self.shared.hand_over(name)

    @work(exclusive=True, group="end")
    async def end(self) -> None:
        """End the program and forget the terminal, for everybody; ask first while it runs."""
        from studio_tui.app.screens.dialogs import Confirm

        if self.entry.state == "running":
            who = f"{self.driver} types in it. " if self.driver else ""
            body = f"{who}Its program ends, and it is gone for everybody here."
            question = Confirm(f"end the terminal {self.title}?", body, "end it", "keep it")
            if not await self.app.push_screen_wait(question):
                return
        with told(self):
            await self.shared.close()

    def send_leader(self) -> None:
        """Give the program the leader key itself."""
        view = self.query_one(TerminalView)
        view.focus()
        view.send_key(self._leader)

    @on(TerminalView.NotDriving)
    def _not_driving(self, event: TerminalView.NotDriving) -> None:
        event.stop()
        leader = key_label(self._leader)
        if self.entry.state != "running":
            error = Refused(
                "the program has ended", f"{leader} w closes the tab, {leader} t opens another"
            )
        elif self._studio.state != "live":
            error = Refused("offline: nothing can be typed here", "it reconnects by itself")
        elif not self._studio.writable:
            error = Refused("you look on: a viewer may not type", "ask the owner for another role")
        else:
            who = clip(scrub(event.driver or "nobody"), 24)
            error = Refused(f"{who} types here", f"{leader} k takes the keyboard")
        self.post_message(Problem(error))

    @on(TerminalView.Bell)
    def _rang(self, event: TerminalView.Bell) -> None:
        event.stop()
        self.app.bell()

    # -- what scrolled away -------------------------------------------------------------------

    def _scrolled(self, lines: int) -> None:
        if lines < 0 and not self.has_class("-history"):
            self.show_history()

    @work(exclusive=True, group="history")
    async def show_history(self) -> None:
        """Show the older lines, the newest of them first in sight."""
        with told(self):
            rows = await self.shared.recent(HISTORY_ROWS)
            log = self.query_one(History)
            log.clear()
            log.write_lines([scrub(row) for row in rows], scroll_end=True)
            self.add_class("-history")
            self.enter()

    def leave_history(self) -> None:
        """Back to what is there now."""
        self.remove_class("-history")
        self.enter()
