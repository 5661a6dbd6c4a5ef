"""Letting somebody in: an invite is made as its owner says, and shown once, to be passed on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from studio_tui.app import units
from studio_tui.app.problems import told
from studio_tui.app.screens.dialogs import FRAME, Pick
from studio_tui.app.screens.modal import Modal
from studio_tui.client import relays

if TYPE_CHECKING:
    from studio_tui.app.screens.people_screen import PeopleScreen
    from studio_tui.client.sharing import Invitation

ROLES = (("viewer", "to look on"), ("editor", "to take part: edit, run, type in terminals"))
HERE_ALONE = """
The studio's relay is on this computer, and so must they be. For people elsewhere open it on a \
team's relay: studio-tui open --relay URL"""


class InviteShown(Modal[None]):
    """Shows an invite until it is left.

    Args:
        made: the invite.
        now: Unix time in seconds.
        here_alone: whether it is good on this computer alone.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "copy it", show=False, id="invite.copy"),
        Binding("escape,enter,q", "leave", "leave", show=False, id="invite.leave"),
    ]
    DEFAULT_CSS = f"""
    InviteShown {{
        {FRAME}
        & #command {{ color: $accent; margin: 1 0; }}
        & #hint {{ color: $text-muted; margin-top: 1; }}
    }}
    """

    def __init__(self, made: Invitation, now: float, *, here_alone: bool) -> None:
        super().__init__()
        self._command = f"studio-tui attach '{made.invite}'"
        until = units.moment(made.expires, now)
        self._about = f"Good once, for one {made.role}, until {until}."
        self._about += HERE_ALONE if here_alone else ""

    def compose(self) -> ComposeResult:
        """What they type, and how long it is good."""
        with Vertical() as frame:
            frame.border_title = Content("an invite")
            yield Static("Whom you send this types it in a shell:", markup=False)
            yield Static(self._command, id="command", markup=False)
            yield Static(self._about, markup=False)
            yield Static("c: copy it   esc: leave; it is not shown again", id="hint")

    def action_copy(self) -> None:
        """Into the clipboard of whoever sits here."""
        self.app.copy_to_clipboard(self._command)
        self.query_one("#hint", Static).update("copied   esc: leave; it is not shown again")


async def visit(screen: PeopleScreen) -> None:
    """Ask what the guest may do, make an invite and show it."""
    app, studio = screen.app, screen.studio
    with told(screen.work_pane):
        if (role := await app.push_screen_wait(Pick("invite somebody", ROLES))) is not None:
            made = await studio.guests.invite(role)
            here = relays.on_this_machine(studio.url)
            await app.push_screen_wait(InviteShown(made, time.time(), here_alone=here))
