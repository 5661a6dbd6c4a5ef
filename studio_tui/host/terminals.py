"""The studio's terminals: made on the machine, found again after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from studio_tui.document.entries import TerminalEntry
from studio_tui.document.framelog import FrameArray
from studio_tui.document.presence import read_person
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.terminal import Terminal
from studio_tui.sync.session import Session
from studio_tui.terminal.emulator import check_size

if TYPE_CHECKING:
    from studio_tui.machines.connection import Connection

TERMINAL_CAP = 32
HISTORY_CAP = 2000
END_SECONDS = 5.0


class Terminals:
    """Every terminal of one studio on one machine.

    Args:
        connection: reaches the machine.
        payload: the payload's folder there.
        machine: the machine's id.
        folder: the studio's folder there; shells start in it.
        python: an interpreter there for the holders.
        document: the studio document.
        session: the host's session with the relay.
        studio: the studio's id.
        tasks: owns one following task per terminal.
    """

    def __init__(
        self,
        connection: Connection,
        payload: str,
        machine: str,
        folder: str,
        python: str,
        document: StudioDocument,
        session: Session,
        studio: str,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._connection = connection
        self._holder = f"{payload}/hold.py"
        self._machine = machine
        self._folder = folder
        self._python = python
        self._document = document
        self._session = session
        self._studio = studio
        self._tasks = tasks
        self._terminals: dict[str, Terminal] = {}

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("terminals.history", self._history),
            command("terminals.create", self._create),
            command("terminals.take", self._take),
            command("terminals.hand_over", self._hand_over),
            command("terminals.resize", self._resize),
            command("terminals.rename", self._rename),
            command("terminals.close", self._close),
        ]

    async def resume(self) -> None:
        """Take up the terminals that an earlier host left on the machine."""
        for entry in list(self._document.terminals.values()):
            try:
                await self._start(replace(entry, driver=None, driver_connection=None), [])
            except StudioError:
                self._document.terminals.put(replace(entry, state="exited"))

    def present(self, connections: set[int]) -> None:
        """Free the seats of people who have left."""
        for terminal in self._terminals.values():
            terminal.present(connections)

    async def end_all(self) -> int:
        """End every program, forget the terminals; returns how many were running."""
        running = [t for t in self._terminals.values() if t.entry.state == "running"]
        for terminal in running:
            terminal.end()
        await self._ended(running)
        for terminal_id in list(self._terminals):
            await self._forget(terminal_id)
        return len(running)

    # -- calls --------------------------------------------------------------------------------

    async def _create(self, params: Params) -> Result:
        if len(self._terminals) >= TERMINAL_CAP:
            raise StudioError(f"{TERMINAL_CAP} terminals are open", "close one first")
        cols = params.number("cols", 1, 1000, 80)
        rows = params.number("rows", 1, 1000, 24)
        check_size(cols, rows)
        command_line = params.texts("command")
        entry = TerminalEntry(
            id=secrets.token_hex(3),
            title=params.text("title", "", 80) or _name_of(command_line),
            machine=self._machine,
            driver=params.sender.name,
            driver_connection=params.sender.connection,
            cols=cols,
            rows=rows,
            created=time.time(),
        )
        terminal = await self._start(entry, command_line)
        self._document.terminals.put(terminal.entry)
        return {"terminal": entry.id, "room": self._room(entry.id)}

    async def _start(self, entry: TerminalEntry, command_line: list[str]) -> Terminal:
        """Start the holder, or find it again: it starts nothing twice in one folder."""
        argv = [self._python, self._holder, "start", self._home(entry.id)]
        argv += [str(entry.cols), str(entry.rows), "--cwd", self._folder]
        argv += ["--", *command_line] if command_line else []
        done = await self._connection.run(argv, env={"STUDIO_ID": self._studio})
        said = json.loads(done.check("starting a terminal").stdout)
        room = await self._session.join(self._room(entry.id))
        terminal = Terminal(
            entry,
            said["socket"],
            self._connection,
            FrameArray(room.replica),
            self._document.terminals.put,
        )
        room.on_stream = terminal.received
        self._terminals[entry.id] = terminal
        self._tasks.create_task(terminal.run(), name=f"terminal {entry.id}")
        return terminal

    async def _take(self, params: Params) -> Result:
        self._known(params).take(params.sender)
        return {}

    async def _hand_over(self, params: Params) -> Result:
        terminal, to = self._known(params), params.text("to", cap=80)
        entry = terminal.entry
        mine = entry.driver_connection == params.sender.connection
        if not mine and params.sender.role != "owner":
            raise Refused(f"{entry.driver or 'nobody'} drives this terminal", "take the seat first")
        for state in self._session.room(self._studio).presence.values():
            person = read_person(state)
            if person is not None and person.name == to and person.role in ("owner", "editor"):
                terminal.hand_over(person.name, person.connection)
                return {}
        raise NotFound(f"nobody called {to} who may type is here", "see who is: studio-tui status")

    async def _resize(self, params: Params) -> Result:
        terminal = self._known(params)
        if terminal.entry.driver_connection not in (None, params.sender.connection):
            raise Refused(
                f"{terminal.entry.driver} sets this terminal's size", "take the seat first"
            )
        terminal.resize(params.number("cols", 1, 1000), params.number("rows", 1, 1000))
        return {}

    async def _rename(self, params: Params) -> Result:
        self._known(params).rename(params.text("title", cap=80))
        return {}

    async def _close(self, params: Params) -> Result:
        terminal = self._known(params)
        terminal.end()
        await self._ended([terminal])
        await self._forget(terminal.entry.id)
        return {}

    async def _history(self, params: Params) -> Result:
        start = params.number("start", 0, 1 << 31, 0)
        count = params.number("count", 0, HISTORY_CAP, HISTORY_CAP)
        return self._known(params).history(start, count)._asdict()

    # -- inside -------------------------------------------------------------------------------

    def _known(self, params: Params) -> Terminal:
        terminal = self._terminals.get(params.text("terminal", cap=64))
        if terminal is None:
            raise NotFound("there is no such terminal", "it may have been closed; open a new one")
        return terminal

    async def _ended(self, terminals: Iterable[Terminal]) -> None:
        """Wait until the programs are over; a holder kills what does not end when asked."""
        waiting = list(terminals)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                for terminal in waiting:
                    await terminal.over.wait()

    async def _forget(self, terminal_id: str) -> None:
        self._terminals.pop(terminal_id, None)
        self._session.leave(self._room(terminal_id))
        self._document.terminals.remove(terminal_id)
        await self._connection.run(["rm", "-rf", self._home(terminal_id)])

    def _home(self, terminal_id: str) -> str:
        return f"{self._connection.root}/terminals/{terminal_id}"

    def _room(self, terminal_id: str) -> str:
        return f"{self._studio}/term/{terminal_id}"


def _name_of(command_line: list[str]) -> str:
    program = command_line[0] if command_line else os.environ.get("SHELL", "sh")
    return os.path.basename(program)[:80]
