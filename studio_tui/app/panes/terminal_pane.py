"""A shared terminal in a tab: who drives it, what it scrolled away, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from studio_tui.app import words
from studio_tui.app.absence import absence
from studio_tui.app.keyboard import Keyboard
from studio_tui.app.panes import terminal_questions
from studio_tui.app.panes.place import Marked, StatusChanged
from studio_tui.app.panes.scrollback_pane import ScrollbackPane
from studio_tui.app.problems import News, Problem, Solved, told
from studio_tui.app.truncate import cells, scrub
from studio_tui.app.widgets.key_hints import key_label
from studio_tui.app.widgets.terminal_source import Seen
from studio_tui.app.widgets.terminal_view import TerminalView
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document.entries import TerminalEntry
from studio_tui.document.presence import Gaze
from studio_tui.errors import Refused
from studio_tui.terminal.line import Spot
from studio_tui.terminal.links import links_on
from studio_tui.terminal.screen import Changed

BELL_SECONDS = 1.0
"""A program that rings without end is heard this often."""


class TerminalPane(Vertical):
    """Shows one terminal of the studio.

    Args:
        shared: the terminal.
        leader: the key that the program does not get.
    """

    HELP = """\
### Terminal

Everybody sees this terminal; one person at a time types in it, the name is in the tab.

- While it has the focus **every key goes to the program**, but the leader, `ctrl+]`. The leader
  twice sends it to the program.
- After the leader: **k** takes the keyboard, **a** asks for it, **h** hands it over, **s** lets it
  go; **n** names the terminal, **z** keeps its size, **w** ends it, **q** quits the app.
- The owner: **x** locks the keyboard, **!** cuts all input of everybody, and gives it back.
- The wheel, or the leader and **page up**, shows what scrolled away; the leader and **/** searches
  in it. The mouse selects and copies, with **shift** also where the program listens to it.
- The leader and **c** records what is shown, never what is typed, until it is pressed again.
- The leader and **d** lists the addresses on the screen; **ctrl** and a press follows one.
- Larger than this window? The leader and **shift** with an arrow pans; without the keyboard the
  arrows alone do, and **esc** goes back to the cursor.
"""
    DEFAULT_CSS = """
    TerminalPane {
        & > TerminalView { height: 1fr; background: $background; }
        & > #over {
            display: none;
            height: 1;
            padding: 0 1;
            background: $panel;
            color: $text-warning;
        }
        &.-over > #over { display: block; }
    }
    """

    def __init__(self, shared: SharedTerminal, leader: str) -> None:
        super().__init__()
        self.shared = shared
        self.rang = False
        """Whether the bell rang since somebody last looked here."""
        self._leader = leader
        self._studio = shared.studio
        self._before = self.entry
        self._was_mine = False
        self._password = False
        self._top = 0
        self._quiet_until = 0.0
        self._stop: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        """The screen, its history, and how it ended."""
        yield TerminalView(Seen(self.shared), leader=self._leader, on_scroll=self._scrolled)
        yield ScrollbackPane(self.shared.past, lambda: self.shared.view.top - self._top)
        yield Static("", id="over", markup=False)

    def on_mount(self) -> None:
        """Begin to follow."""
        self._was_mine = self.keyboard.mine
        self._stop = self.shared.observe(self._changed)
        self.show()

    def on_unmount(self) -> None:
        """Stop following."""
        self._stop()

    # -- what is known ------------------------------------------------------------------------

    @property
    def view(self) -> TerminalView:
        """The screen."""
        return self.query_one(TerminalView)

    @property
    def entry(self) -> TerminalEntry:
        """The terminal as the host lists it; an ended one when it is gone."""
        known = self._studio.document.terminals.get(self.shared.id)
        return known or TerminalEntry(self.shared.id, state="exited")

    @property
    def keyboard(self) -> Keyboard:
        """Whose the keyboard is."""
        me = self._studio.me
        leader = key_label(self._leader)
        if me is None:
            return Keyboard(self.entry, None, "", "", leader)
        return Keyboard(self.entry, me.connection, me.name, me.role, leader)

    @property
    def title(self) -> str:
        """The name that somebody gave the terminal, else what the program calls itself."""
        return scrub(self.shared.title)

    @property
    def mark(self) -> str:
        """What the tab tells beside the title."""
        return words.terminal(self.entry, rang=self.rang, password=self._password)

    @property
    def driver(self) -> str:
        """Who types, "" while nobody does."""
        return self.entry.driver or ""

    @property
    def status(self) -> Content:
        """What the lower edge of the frame tells."""
        entry, keyboard = self.entry, self.keyboard
        if (away := absence(self._studio)) is not None:
            return Content(f" {away.message} ")
        parts = ["🔒 a password is read"] * self.shared.view.modes.password
        parts.append(keyboard.who)
        if self.is_mounted and self.view.held:
            parts.append("panned, esc follows")
        size = f"{entry.cols}×{entry.rows}" + " pinned" * entry.pinned
        if self.is_mounted and self.view.cropped:
            width, height = self.view.size
            size += f", seen {width}×{height}"
        parts += [size, *filter(None, [keyboard.hint]), *(["◉ recorded"] * bool(entry.recording))]
        while len(parts) > 1 and cells(" · ".join(parts)) > self.size.width - 6:
            parts.pop()
        return Content(f" {' · '.join(parts)} ")

    def enter(self) -> None:
        """The program has the keys."""
        back = self.query_one(ScrollbackPane)
        if back.display:
            back.enter()
        else:
            self.view.focus()

    def show(self) -> None:
        """Follow what the host lists."""
        if not self.is_mounted:
            return
        entry = self.entry
        over = self._over
        self.set_class(bool(over), "-over")
        self.query_one("#over", Static).update(Content(over))
        mine = self.keyboard.mine
        if mine and not self._was_mine:
            self.view.offer_size()
        self._was_mine = mine
        before, self._before = self._before, entry
        if asked := self.keyboard.asked(before):
            self.post_message(News(asked))
        elif before.recording and not entry.recording and entry.note:
            self.post_message(News(f"no longer recorded: {scrub(entry.note)}"))
        elif before.asking and not entry.asking:
            self.post_message(Solved())

    @property
    def _over(self) -> str:
        """Why nothing moves on the screen, and what to do about that; "" while it may."""
        entry = self.entry
        if entry.state != "running":
            said = f"■ the program ended with {entry.exit_code or 0}"
            return f"{said} · {key_label(self._leader)} w closes the tab"
        away = absence(self._studio)
        return "" if away is None else f"◐ {away.message} · {away.hint}"

    def look(self) -> None:
        """Tell the others that this person looks here."""
        self.rang = False
        if self.display:
            self._studio.look(Gaze(terminal=self.shared.id))

    # -- the keyboard -------------------------------------------------------------------------

    @work(exclusive=True, group="seat")
    async def take(self) -> None:
        """Take the keyboard."""
        with told(self):
            await self.shared.take()
            self.post_message(Solved())
            if self.is_on_screen:
                self.enter()

    @work(exclusive=True, group="seat")
    async def hand_over(self, heirs: Sequence[str]) -> None:
        """Give the keyboard to one of `heirs`; ask whom when there are several."""
        heirs = sorted(heirs, key=lambda heir: heir not in self.entry.asking)
        name: str | None = heirs[0]
        if len(heirs) > 1:
            name = await self.app.push_screen_wait(terminal_questions.heir(heirs))
        if name:
            with told(self):
                await self.shared.hand_over(name)

    @work(exclusive=True, group="seat")
    async def ask(self) -> None:
        """Ask for the keyboard."""
        with told(self):
            await self.shared.ask()
            self.post_message(News(self.keyboard.request))

    @work(exclusive=True, group="seat")
    async def free(self) -> None:
        """Let the keyboard go; the owner unlocks it, too."""
        with told(self):
            await self.shared.free()

    @work(exclusive=True, group="seat")
    async def lock_keyboard(self) -> None:
        """From now on only the owner says who types here."""
        with told(self):
            await self.shared.lock()

    @work(exclusive=True, group="seat")
    async def pin(self) -> None:
        """Keep the size as it is, or have it follow the driver's window again."""
        with told(self):
            pinned = not self.entry.pinned
            await self.shared.pin(pinned)
            if not pinned:
                self.view.offer_size()

    @work(exclusive=True, group="name")
    async def rename(self) -> None:
        """Ask what the terminal is to be called by everybody."""
        name = await self.app.push_screen_wait(terminal_questions.name(self.title))
        if name is not None:
            with told(self):
                await self.shared.rename(name)

    @work(exclusive=True, group="record")
    async def record(self) -> None:
        """Record what is shown, or stop that; everybody sees it on the tab."""
        with told(self):
            if self.entry.recording:
                id = await self.shared.stop_recording()
                said = f"the recording: studio-tui record get {self._studio.id} {id} > work.cast"
                self.post_message(News(said))
            else:
                await self.shared.record()

    @work(exclusive=True, group="end")
    async def end(self) -> None:
        """End the program and forget the terminal, for everybody; ask first while it runs."""
        if self.entry.state == "running":
            question = terminal_questions.end(self.title, self.driver)
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
        self.post_message(Problem(self.keyboard.refusal(absence(self._studio)), brief=True))

    @on(TerminalView.Panned)
    def _panned(self, event: TerminalView.Panned) -> None:
        event.stop()
        self.post_message(StatusChanged())

    @on(TerminalView.Bell)
    def _rang(self, event: TerminalView.Bell) -> None:
        """A badge, and a sound that no program can make into a din."""
        event.stop()
        self.rang = True
        self.post_message(Marked())
        if (now := monotonic()) >= self._quiet_until:
            self._quiet_until = now + BELL_SECONDS
            self.app.bell()

    # -- what is asked first ------------------------------------------------------------------

    @on(TerminalView.LinesPasted)
    @work(exclusive=True, group="paste")
    async def _lines_pasted(self, event: TerminalView.LinesPasted) -> None:
        """The program would take every line as typed: ask before it runs them all."""
        if await self.app.push_screen_wait(terminal_questions.paste(event.text)):
            self.view.send_paste(event.text)

    @on(TerminalView.PasteTooLong)
    def _paste_too_long(self, event: TerminalView.PasteTooLong) -> None:
        event.stop()
        error = Refused("that is too much to paste", "write it into a file, and use that")
        self.post_message(Problem(error))

    @on(TerminalView.LinkPressed)
    def _link_pressed(self, event: TerminalView.LinkPressed) -> None:
        event.stop()
        self.follow_link(event.link)

    @work(exclusive=True, group="link")
    async def choose_link(self) -> None:
        """Ask which of the addresses on the screen to follow."""
        links = links_on(self.shared.view.rows)
        if not links:
            self.post_message(News("there is no address on this screen"))
        elif address := await self.app.push_screen_wait(terminal_questions.addresses(links)):
            self.follow_link(address)

    @work(exclusive=True, group="follow")
    async def follow_link(self, address: str) -> None:
        """Show where a link leads, and ask what to do with it; the program does not decide that."""
        match await self.app.push_screen_wait(terminal_questions.follow(address)):
            case "open":
                self.app.open_url(address)
            case "copy":
                self.app.copy_to_clipboard(address)

    # -- what scrolled away -------------------------------------------------------------------

    def _scrolled(self, lines: int) -> None:
        if lines < 0:
            self.look_back(lines)

    def show_history(self) -> None:
        """Look back by a page."""
        self.look_back(-max(1, self.size.height - 1))

    def look_back(self, lines: int = 0, *, search: bool = False) -> None:
        """Show what scrolled away, `lines` (negative) of it at once; or ask what to search for."""
        back, screen = self.query_one(ScrollbackPane), self.shared.view
        if not screen.lines:
            return
        if not back.display:
            self._top = screen.top
            self.view.display = False
            at = Spot(screen.cursor.y, screen.cursor.x)
            back.open(screen.rows, screen.cols, self.view.pan, at)
        if lines:
            back.view.scroll(lines)
        if search:
            back.view.action_ask()
        self.enter()

    @on(TerminalView.Dragged)
    def _dragged(self, event: TerminalView.Dragged) -> None:
        """What the mouse selects on the screen stays put while it does."""
        event.stop()
        self.look_back()
        self.query_one(ScrollbackPane).view.drag(Spot(event.start.y, event.start.x))

    @on(ScrollbackPane.Left)
    def _back_to_now(self, event: ScrollbackPane.Left) -> None:
        event.stop()
        back = self.query_one(ScrollbackPane)
        had = back.has_focus_within
        back.display = False
        self.view.display = True
        if had:
            self.view.focus()

    def _changed(self, changed: Changed) -> None:
        """Follow what is told beside the picture."""
        password = self.shared.view.modes.password
        if password != self._password:
            self._password = password
            self.post_message(Marked())
        back = self.query_one(ScrollbackPane)
        if back.display:
            back.show()
