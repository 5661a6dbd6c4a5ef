"""Who may type in the studio's terminals: asked for, handed over, locked, or cut by the owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.document.presence import Person
from studio_tui.errors import NotFound, Refused
from studio_tui.host.calls import Method, Params, Result, command
from studio_tui.host.terminals.seat import CUT, LOCKED, MAY_DRIVE, OPEN, Seat
from studio_tui.settings.private import read_json, write_json

if TYPE_CHECKING:
    from studio_tui.host.terminals.terminal import Terminal

NAME_CAP = 80


class Seats:
    """The seats of all terminals, and what the owner has decided about them.

    That is kept in the host's own file: the document that everybody reads, every editor can write.

    Args:
        note: the file.
        terminals: all there are.
        find: the one that a call names, whose program must run.
        people: who is in the studio.
    """

    def __init__(
        self,
        note: Path,
        terminals: Callable[[], Iterable[Terminal]],
        find: Callable[[Params], Terminal],
        people: Callable[[], Iterable[Person]],
    ) -> None:
        self._note = note
        self._terminals = terminals
        self._find = find
        self._people = people
        kept = read_json(note)
        self._cut = bool(kept.get("cut"))
        self._locked = {str(id) for id in kept.get("locked", ())}

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            command("terminals.ask", self._ask),
            command("terminals.take", self._take),
            command("terminals.hand_over", self._hand_over),
            command("terminals.lock", self._lock),
            command("terminals.free", self._free),
            command("terminals.cut", self._cut_all),
            command("terminals.restore", self._restore),
        ]

    def first(self, terminal_id: str) -> Seat:
        """The seat of a terminal that is new, or new to this host: nobody has it."""
        locked = LOCKED if terminal_id in self._locked else OPEN
        return Seat(access=CUT if self._cut else locked)

    def present(self) -> None:
        """Free the seats of people who have left, or may not type any more."""
        drivers = {p.connection: p.name for p in self._people() if p.role in MAY_DRIVE}
        for terminal in self._terminals():
            terminal.sit(terminal.seat.among(drivers))

    def forget(self, terminal_id: str) -> None:
        """A terminal is gone."""
        if terminal_id in self._locked:
            self._locked.discard(terminal_id)
            self._keep()

    # -- calls --------------------------------------------------------------------------------

    async def _ask(self, params: Params) -> Result:
        terminal = self._find(params)
        terminal.sit(terminal.seat.asked_for_by(params.sender))
        return {}

    async def _take(self, params: Params) -> Result:
        terminal = self._find(params)
        terminal.sit(terminal.seat.taken_by(params.sender))
        return {}

    async def _hand_over(self, params: Params) -> Result:
        terminal, to = self._find(params), params.text("to", cap=NAME_CAP)
        seat = terminal.seat
        if params.sender.role != "owner":
            if seat.connection != params.sender.connection:
                who = seat.name or "nobody"
                raise Refused(f"{who} drives this terminal", "take the seat first")
            if seat.access == LOCKED:
                raise Refused("the owner has locked this terminal", "only the owner hands it over")
        for person in self._people():
            if person.name == to and person.role in ("owner", "editor"):
                terminal.sit(seat.given_to(person.name, person.connection))
                return {}
        raise NotFound(f"nobody called {to} who may type is here", "see who is: studio-tui status")

    async def _lock(self, params: Params) -> Result:
        """From now on only the owner says who types here; the driver stays."""
        _check_owner(params, "locks a terminal")
        terminal = self._find(params)
        self._locked.add(terminal.entry.id)
        self._keep()
        if not self._cut:
            terminal.sit(replace(terminal.seat, access=LOCKED))
        return {}

    async def _free(self, params: Params) -> Result:
        """The driver gets up; when the owner says so the terminal is locked no more, too."""
        terminal = self._find(params)
        seat, sender = terminal.seat, params.sender
        if sender.role != "owner":
            if seat.connection != sender.connection:
                raise Refused("only the owner frees somebody else's seat", "ask for the keyboard")
            terminal.sit(seat.left())
            return {}
        self._locked.discard(terminal.entry.id)
        self._keep()
        terminal.sit(self.first(terminal.entry.id))
        return {}

    async def _cut_all(self, params: Params) -> Result:
        """The owner's panic: nobody has a seat, and nothing typed reaches any program."""
        _check_owner(params, "cuts the input")
        self._cut = True
        for terminal in self._terminals():
            terminal.sit(Seat(access=CUT))
        dropping = (terminal.drop_input() for terminal in self._terminals())
        await asyncio.gather(*dropping, return_exceptions=True)  # a machine may be out of reach
        self._keep()  # last: a full disk stops no panic
        return {}

    async def _restore(self, params: Params) -> Result:
        """All seats are free, and those that were locked are so again."""
        _check_owner(params, "gives the input back")
        self._cut = False
        self._keep()
        for terminal in self._terminals():
            terminal.sit(self.first(terminal.entry.id))
        return {}

    def _keep(self) -> None:
        write_json(self._note, {"cut": self._cut, "locked": sorted(self._locked)})


def _check_owner(params: Params, what: str) -> None:
    if params.sender.role != "owner":
        raise Refused(f"only the owner {what}", "ask the owner of the studio")
