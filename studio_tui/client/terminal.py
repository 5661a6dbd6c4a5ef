"""A shared terminal: the screen everybody sees, and the driver's seat."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from studio_tui.document.entries import TerminalEntry
from studio_tui.document.framelog import FrameArray
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.terminal.octets import FrameError
from studio_tui.terminal.screen import ALL, Changed, Screen

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.sync.room import Room

Event = dict[str, Any]


class SharedTerminal:
    """A terminal of the studio, as every attached person has it.

    Args:
        studio: the studio it belongs to.
        id: the terminal's id.
        room: its joined room.
    """

    def __init__(self, studio: Studio, id: str, room: Room) -> None:
        self.studio = studio
        self.id = id
        self.room = room
        self.view = Screen()
        self._log = FrameArray(room.replica)
        self._observers: list[Callable[[Changed], None]] = []
        self._seq = 0
        self._take(self._log.frames())
        self._log.observe(self._take)

    # -- what is seen -------------------------------------------------------------------------

    @property
    def entry(self) -> TerminalEntry:
        """The terminal as the studio document has it.

        Raises:
            NotFound: it was closed.
        """
        entry = self.studio.document.terminals.get(self.id)
        if entry is None:
            raise NotFound(f"terminal {self.id} was closed", "open a new one")
        return entry

    @property
    def screen(self) -> list[str]:
        """The visible rows, without trailing blanks."""
        return self.view.text()

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        return self.view.cursor.x, self.view.cursor.y

    @property
    def title(self) -> str:
        """What the program calls itself, else the name the terminal was given."""
        return self.view.title or self.entry.title

    @property
    def driver(self) -> str | None:
        """Name of the person who may type; None while the seat is free."""
        return self.entry.driver

    @property
    def driving(self) -> bool:
        """Whether what is typed here reaches the program: we drive, or the seat is free to take."""
        me, entry = self.studio.me, self.entry
        if me is None or not self.studio.writable or entry.state != "running":
            return False
        return entry.driver_connection in (None, me.connection)

    def observe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call `callback(changed rows)` after each change."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    async def until(self, text: str, timeout: float = 30.0) -> None:
        """Wait until `text` is on the screen.

        Raises:
            StudioError: it was not there after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.studio.until(lambda: any(text in row for row in self.screen))
        except TimeoutError:
            shown = next((row for row in reversed(self.screen) if row), "")
            raise StudioError(
                f"{text!r} did not appear within {timeout:.0f} s",
                f"the last line on the screen is: {shown}",
            ) from None

    async def history(self, start: int, count: int) -> list[str]:
        """Rows `start` to `start + count` of scrollback and screen, 0 the oldest kept."""
        answer = await self.studio.query(
            "terminals.history", terminal=self.id, start=start, count=count
        )
        return [str(row) for row in answer["rows"]]

    def _take(self, frames: list[bytes]) -> None:
        try:
            changed = self._applied(frames)
        except FrameError:
            # Something is missing between two frames: the log itself has it all.
            self.view = Screen()
            self._applied(self._log.frames())
            changed = ALL
        for callback in list(self._observers):
            callback(changed)

    def _applied(self, frames: list[bytes]) -> Changed:
        changed: Changed = frozenset()
        for frame in frames:
            rows = self.view.apply(frame)
            changed = ALL if rows is ALL or changed is ALL else changed | rows
        return changed

    # -- what is done -------------------------------------------------------------------------

    def send(self, events: list[Event]) -> None:
        """Send input as meaning; the host encodes it for the modes the program has set.

        Events: {"key": Textual's key name, "char": str | None}, {"text": str}, {"paste": str},
        {"mouse": {...}}, {"resize": [cols, rows]}. The host ignores what comes from a person who
        does not drive.
        """
        self._seq += 1
        self.studio.session.stream(self.room.name, "input", self._seq, json.dumps(events).encode())

    async def type(self, text: str) -> None:
        """Type `text`; a newline is the Enter key. Takes the driver's seat when it is free.

        Raises:
            Refused: somebody else drives.
        """
        self._check_seat()
        self.send([{"text": text}])

    async def press(self, key: str) -> None:
        """Press one key by its name: "enter", "ctrl+c", "up", "f1"."""
        self._check_seat()
        self.send([{"key": key, "char": None}])

    async def paste(self, text: str) -> None:
        """Paste `text`, bracketed when the program asked for that."""
        self._check_seat()
        self.send([{"paste": text}])

    def _check_seat(self) -> None:
        if not self.driving:
            who = self.driver or "nobody"
            raise Refused(f"{who} drives this terminal", "take the seat first: await term.take()")

    async def take(self) -> None:
        """Take the driver's seat, from whoever has it."""
        await self.studio.command("terminals.take", terminal=self.id)
        me = self.studio.me
        await self.studio.until(
            lambda: me is not None and self.entry.driver_connection == me.connection
        )

    async def hand_over(self, to: str) -> None:
        """Give the driver's seat to the person named `to`."""
        await self.studio.command("terminals.hand_over", terminal=self.id, to=to)

    async def resize(self, cols: int, rows: int) -> None:
        """Set the terminal's size in cells; the driver's right."""
        await self.studio.command("terminals.resize", terminal=self.id, cols=cols, rows=rows)

    async def close(self) -> None:
        """End the program and forget the terminal, for everybody."""
        await self.studio.command("terminals.close", terminal=self.id)
