"""The studio's terminals: made on the machine, found again after a restart."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.document.entries import TerminalEntry
from studio_tui.document.framelog import FrameArray
from studio_tui.document.presence import Person, printable, read_person
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.ids import is_id, new_id
from studio_tui.host.machines.sites import Sites
from studio_tui.host.terminals.holder import Holder, homes
from studio_tui.host.terminals.recordings import Recordings
from studio_tui.host.terminals.seats import Seats
from studio_tui.host.terminals.terminal import Terminal
from studio_tui.sync.session import Session
from studio_tui.terminal.emulator import check_size
from studio_tui.terminal.past import pack_lines
from studio_tui.terminal.row import MAX_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from relay_server.wire import Sender
    from studio_tui.host.terminals.seat import Seat

log = logging.getLogger(__name__)

TERMINAL_CAP = 32
TITLE_CAP = 80
HISTORY_ROWS = 2000
HISTORY_CELLS = 150_000
"""Cells of scrollback in one answer, each of them up to six bytes of it."""
END_SECONDS = 6.0
"""A holder kills what has not ended three seconds after it was asked."""


@dataclass(frozen=True)
class _Kept:
    """A terminal, its holder, and the task that follows it."""

    terminal: Terminal
    holder: Holder
    following: asyncio.Task[None]


class Terminals:
    """Every terminal of one studio, on whichever machine it was opened.

    Args:
        sites: the studio's machines; new terminals are on the one where the studio is.
        document: the studio document.
        session: the host's session with the relay.
        studio: the studio's id.
        state: where this studio's host keeps its own state.
        tasks: owns one following task per terminal.

    Attributes:
        on_key: called with the machine of the terminal that somebody has just typed into.
    """

    def __init__(
        self,
        sites: Sites,
        document: StudioDocument,
        session: Session,
        studio: str,
        state: Path,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._sites = sites
        self._document = document
        self._session = session
        self._studio = studio
        self._tasks = tasks
        self._kept: dict[str, _Kept] = {}
        self._starting: set[str] = set()
        self._seats = Seats(state / "seats.json", self._all, self._running, self._people)
        self._recordings = Recordings(
            state / "recordings", document, self._all, self._running, self._people, time.time
        )
        self.on_key: Callable[[str], None] = lambda machine: None

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("terminals.history", self._history),
            query("terminals.past", self._past),
            command("terminals.create", self._create),
            command("terminals.resize", self._resize),
            command("terminals.pin", self._pin),
            command("terminals.rename", self._rename),
            command("terminals.close", self._close),
            *self._seats.calls(),
            *self._recordings.calls(),
        ]

    async def resume(self) -> None:
        """Take up the terminals that an earlier host left; end those that nobody knows of."""
        for entry in list(self._document.terminals.values()):
            if not _is_sound(entry):
                log.warning("%r is not listed as we list terminals: forgotten", entry.id)
                self._document.terminals.remove(entry.id)
        async with asyncio.TaskGroup() as keeping:
            for entry in self._document.terminals.values():
                # Connections have other numbers now, so nobody drives.
                seat, holder = self._seats.first(entry.id), self._holder(entry.id, entry.machine)
                keeping.create_task(self._keep(entry, holder, seat))
        self._tasks.create_task(self._end_strays(self._sites.here), name="ending strays")

    def present(self) -> None:
        """People came or left: seats become free, recordings are marked."""
        self._seats.present()
        self._recordings.present()

    async def end_all(self) -> int:
        """End every program, forget the terminals; returns how many were running."""
        running = [k for k in self._kept.values() if k.terminal.entry.state == "running"]
        await self._end_each(list(self._kept))
        return len(running)

    async def end_on(self, machine: str) -> None:
        """End the terminals of one machine, as far as they do."""
        on_it = [id for id, k in self._kept.items() if k.terminal.entry.machine == machine]
        await self._end_each(on_it)

    # -- calls --------------------------------------------------------------------------------

    async def _create(self, params: Params) -> Result:
        cols = params.number("cols", 1, MAX_SIDE, 80)
        rows = params.number("rows", 1, MAX_SIDE, 24)
        check_size(cols, rows)
        command_line = params.texts("command")
        if len(self._kept) + len(self._starting) >= TERMINAL_CAP:
            raise StudioError(f"{TERMINAL_CAP} terminals are open", "close one first")
        entry = TerminalEntry(
            id=new_id(),
            title=_title(params) or _name_of(command_line),
            named=bool(_title(params)),
            machine=self._sites.here,
            cols=cols,
            rows=rows,
            created=time.time(),
        )
        self._starting.add(entry.id)
        try:
            await self._start(entry, command_line, params.sender)
        finally:
            self._starting.discard(entry.id)
        return {"terminal": entry.id, "room": self._room(entry.id)}

    async def _start(self, entry: TerminalEntry, command_line: list[str], by: Sender) -> None:
        """Start the program; the room first, because a program without one would be a stray."""
        await self._session.join(self._room(entry.id))
        holder = self._holder(entry.id, entry.machine)
        env = {"STUDIO_ID": self._studio}
        try:
            await holder.start((entry.cols, entry.rows), command_line, env)
            seat = self._seats.first(entry.id)
            await self._keep(entry, holder, seat.typed_in_by(by) or seat, new=True)
        except BaseException:
            self._session.leave(self._room(entry.id))
            raise

    async def _keep(
        self, entry: TerminalEntry, holder: Holder, seat: Seat, *, new: bool = False
    ) -> None:
        """List a terminal and follow its holder."""
        room = await self._session.join(self._room(entry.id))
        put = self._document.terminals.put
        terminal = Terminal(entry, holder, FrameArray(room.replica), put, seat, new=new)
        terminal.on_key = lambda: self.on_key(entry.machine)
        room.on_stream = terminal.received
        if not new:
            await self._recordings.resume(terminal)
        put(terminal.entry)
        following = self._tasks.create_task(terminal.run(), name=f"terminal {entry.id}")
        self._kept[entry.id] = _Kept(terminal, holder, following)

    async def _resize(self, params: Params) -> Result:
        terminal = self._sized_by(params)
        terminal.resize(params.number("cols", 1, MAX_SIDE), params.number("rows", 1, MAX_SIDE))
        return {}

    async def _pin(self, params: Params) -> Result:
        self._sized_by(params).pin(params.flag("pinned"))
        return {}

    async def _rename(self, params: Params) -> Result:
        self._known(params).rename(_title(params))
        return {}

    async def _close(self, params: Params) -> Result:
        await self._end(self._known(params).entry.id)
        return {}

    async def _history(self, params: Params) -> Result:
        terminal, start, count = self._asked_for(params)
        return terminal.history(start, count)._asdict()

    async def _past(self, params: Params) -> Result:
        """The same lines with their colours."""
        terminal, start, count = self._asked_for(params)
        painting = terminal.painted_history(start, min(count, MAX_SIDE))
        frame = await asyncio.to_thread(pack_lines, painting)
        lines = base64.b64encode(frame).decode()
        return {"lines": lines, "first": painting.first, "total": painting.total}

    def _asked_for(self, params: Params) -> tuple[Terminal, int, int]:
        """Which terminal's lines, the first of them, and how many one answer holds of them."""
        terminal = self._known(params)
        rows = max(1, min(HISTORY_ROWS, HISTORY_CELLS // terminal.entry.cols))
        start = params.number("start", -(1 << 31), 1 << 31, 0)
        return terminal, start, min(params.number("count", 0, 1 << 31, rows), rows)

    # -- inside -------------------------------------------------------------------------------

    def _sized_by(self, params: Params) -> Terminal:
        """The terminal, if the sender may say how large it is: its driver, the owner, or anybody
        while it is free."""
        terminal, sender = self._known(params), params.sender
        seat = terminal.seat
        if sender.role != "owner" and not seat.free and seat.connection != sender.connection:
            raise Refused(f"{seat.name} sets this terminal's size", "take the seat first")
        return terminal

    def _all(self) -> list[Terminal]:
        return [kept.terminal for kept in self._kept.values()]

    def _running(self, params: Params) -> Terminal:
        return self._known(params, running=True)

    def _people(self) -> list[Person]:
        states = self._session.room(self._studio).presence.values()
        return [person for state in states if (person := read_person(state)) is not None]

    def _known(self, params: Params, *, running: bool = False) -> Terminal:
        kept = self._kept.get(params.text("terminal", cap=64))
        if kept is None:
            raise NotFound("there is no such terminal", "it may have been closed; open a new one")
        if running and kept.terminal.entry.state != "running":
            raise StudioError("this terminal's program is over", "open a new one")
        return kept.terminal

    async def _end_each(self, ids: Iterable[str]) -> None:
        """End some terminals; one that does not end is left to itself."""
        ended = await asyncio.gather(*(self._end(id) for id in ids), return_exceptions=True)
        for problem in ended:
            if isinstance(problem, BaseException) and not isinstance(problem, StudioError):
                raise problem

    async def _end(self, terminal_id: str) -> None:
        """End a terminal's program and forget the terminal.

        Raises:
            StudioError: it does not end, and is still there.
        """
        kept = self._kept.get(terminal_id)
        if kept is None:
            return
        try:
            async with asyncio.timeout(END_SECONDS):
                await kept.terminal.end()
        except TimeoutError:
            raise StudioError(
                f"the program of terminal {terminal_id} does not end", "close it again"
            ) from None
        if self._kept.pop(terminal_id, None) is not None:
            await self._forget(terminal_id, kept)

    async def _forget(self, terminal_id: str, kept: _Kept) -> None:
        kept.following.cancel()
        await asyncio.wait((kept.following,))
        self._session.room(self._room(terminal_id)).on_stream = None
        kept.terminal.close()
        self._session.leave(self._room(terminal_id))
        self._document.terminals.remove(terminal_id)
        self._seats.forget(terminal_id)
        await kept.holder.remove()

    async def _end_strays(self, machine: str) -> None:
        """End what a host started that was killed before it could tell anybody."""
        with contextlib.suppress(StudioError):
            site = await self._sites.at(machine)
            listed = await site.connection.run(["ls", f"{homes(site)}/{self._studio}"])
            found = filter(is_id, listed.stdout.decode(errors="replace").split())
            strays = set(found) - set(self._kept) - self._starting
            await asyncio.gather(*(self._end_stray(self._holder(id, machine)) for id in strays))

    async def _end_stray(self, holder: Holder) -> None:
        with contextlib.suppress(StudioError, TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                if await holder.running():
                    await holder.kill()
            await holder.remove()

    def _holder(self, terminal_id: str, machine: str) -> Holder:
        at = machine or self._sites.here
        return Holder(lambda: self._sites.at(at), f"{self._studio}/{terminal_id}")

    def _room(self, terminal_id: str) -> str:
        return f"{self._studio}/term/{terminal_id}"


def _is_sound(entry: TerminalEntry) -> bool:
    """Whether a host may have written `entry`; every editor can."""
    try:
        check_size(entry.cols, entry.rows)
    except UsageFault:
        return False
    return is_id(entry.id) and entry.state in ("running", "exited")


def _title(params: Params) -> str:
    return printable(params.text("title", "", TITLE_CAP), TITLE_CAP)


def _name_of(command_line: list[str]) -> str:
    program = command_line[0] if command_line else os.environ.get("SHELL", "sh")
    return printable(os.path.basename(program), TITLE_CAP)
