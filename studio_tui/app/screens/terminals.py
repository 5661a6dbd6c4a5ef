"""What keys do to the terminal that is seen, and to the keyboards of all of them."""

from __future__ import annotations

from textual import events, work

from studio_tui.app.layout import Layout
from studio_tui.app.panes.terminal_pane import TerminalPane
from studio_tui.app.problems import News, told
from studio_tui.app.screens.people_screen import PeopleScreen
from studio_tui.app.widgets.key_hints import KeyHints, key_label
from studio_tui.app.widgets.terminal_view import TerminalView
from studio_tui.client.studio import Studio

PAN_CELLS = 8
"""Columns, and half as many rows, that panning moves."""


class TerminalsScreen(PeopleScreen):
    """A screen whose middle may show a terminal.

    Args:
        studio: whose terminals they are.
        layout: how this person likes the screen.
        leader: the key that a focused terminal does not get, by Textual's name.
    """

    def __init__(self, studio: Studio, layout: Layout | None, leader: str) -> None:
        super().__init__(studio, layout)
        self.leader = leader

    @property
    def terminal(self) -> TerminalPane | None:
        """The terminal that is seen."""
        return self.work_pane.terminal if self.ready.is_set() else None

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say where keys go in a focused terminal."""
        self.show_keyboard()

    def show_keyboard(self) -> None:
        """Say in the bottom line where keys go, while a terminal has them."""
        inside = isinstance(self.focused, TerminalView) and self.terminal is not None
        lead = self.terminal.keyboard.lead if inside and self.terminal else ""
        self.query_one(KeyHints).tell(lead)

    @property
    def _owner(self) -> bool:
        me = self.studio.me
        return me is not None and me.role == "owner"

    @property
    def _heirs(self) -> list[str]:
        return sorted({p.name for p in self.people.others if p.role in ("owner", "editor")})

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether something can be done now."""
        terminal = self.terminal
        match action:
            case "take" | "ask" | "hand" | "free" | "lock" | "pin":
                return terminal is not None and self._allowed(action, terminal)
            case "history" | "look_back" | "link":
                return terminal is not None
            case "rename" | "record":
                return terminal is not None and self.studio.writable
            case "pan":
                return terminal is not None and terminal.view.cropped
            case "cut":
                return self._owner and bool(self.studio.document.terminals)
            case "invite":
                return self._owner
            case _:
                return True

    def _allowed(self, action: str, terminal: TerminalPane) -> bool:
        keyboard = terminal.keyboard
        allowed = {
            "take": keyboard.can_take,
            "ask": keyboard.can_ask,
            "hand": keyboard.can_give and bool(self._heirs),
            "free": keyboard.can_free,
            "lock": keyboard.can_lock,
            "pin": keyboard.can_size,
        }
        return allowed[action]

    def action_terminal(self) -> None:
        """Open a new terminal."""
        self.action_go("work")
        self.work_pane.new_terminal()

    def action_rename(self) -> None:
        """Name the terminal that is seen."""
        if self.terminal is not None:
            self.terminal.rename()

    def action_record(self) -> None:
        """Record the terminal that is seen, or stop that."""
        if self.terminal is not None:
            self.terminal.record()

    def action_history(self) -> None:
        """Show what scrolled out of the terminal that is seen."""
        if self.terminal is not None:
            self.terminal.show_history()

    def action_look_back(self) -> None:
        """Search in what the terminal that is seen has printed."""
        if self.terminal is not None:
            self.terminal.look_back(search=True)

    def action_link(self) -> None:
        """Follow an address on the terminal that is seen."""
        if self.terminal is not None:
            self.terminal.choose_link()

    def action_pan(self, x: int, y: int) -> None:
        """Show another part of a terminal that is larger than the window."""
        if self.terminal is not None:
            self.terminal.view.pan_by(x * PAN_CELLS, y * PAN_CELLS // 2)

    # -- the keyboard -------------------------------------------------------------------------

    def action_take(self) -> None:
        """Drive the terminal that is seen."""
        if self.terminal is not None:
            self.terminal.take()

    def action_ask(self) -> None:
        """Ask for the keyboard of the terminal that is seen."""
        if self.terminal is not None:
            self.terminal.ask()

    def action_hand(self) -> None:
        """Give the keyboard of the terminal that is seen to somebody else."""
        if self.terminal is not None and self._heirs:
            self.terminal.hand_over(self._heirs)

    def action_free(self) -> None:
        """Let the keyboard of the terminal that is seen go."""
        if self.terminal is not None:
            self.terminal.free()

    def action_lock(self) -> None:
        """Have only the owner say who types in the terminal that is seen."""
        if self.terminal is not None:
            self.terminal.lock_keyboard()

    def action_pin(self) -> None:
        """Keep the size of the terminal that is seen, or have it follow the driver's again."""
        if self.terminal is not None:
            self.terminal.pin()

    @work(exclusive=True, group="seat")
    async def action_cut(self) -> None:
        """The owner's panic: nobody types anywhere; done again, they can. Asks nothing first."""
        with told(self.work_pane):
            if any(entry.access == "cut" for entry in self.studio.document.terminals.values()):
                await self.studio.restore_input()
                self.work_pane.notice.clear()
            else:
                await self.studio.cut_input()
                words = f"nobody types in any terminal now · {key_label(self.leader)} ! undoes it"
                self.work_pane.post_message(News(words))
