"""A shared terminal: the screen everybody sees, and the driver's seat."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from studio_tui.client.answer import Answer
from studio_tui.document.entries import TerminalEntry
from studio_tui.document.framelog import FrameArray
from studio_tui.errors import Away, NotFound, Refused, StudioError
from studio_tui.terminal.octets import FrameError
from studio_tui.terminal.past import unpack_lines
from studio_tui.terminal.row import Row
from studio_tui.terminal.screen import ALL, Changed, Screen

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment
    from studio_tui.sync.room import Room

SEAT_SECONDS = 5.0
PIECE = 32 * 1024
"""Characters of input that one message carries, well below the relay's cap in bytes."""
Event = dict[str, Any]


class SharedTerminal:
    """A terminal of the studio, as every attached person has it.

    Args:
        studio: the studio it belongs to.
        id: the terminal's id.
        room: its joined room.
    """

    def __init__(self, studio: Attachment, id: str, room: Room) -> None:
        self.studio = studio
        self.id = id
        self.room = room
        self.view = Screen()
        self._log = FrameArray(room.replica)
        self._observers: dict[object, Callable[[Changed], None]] = {}
        self._seq = 0
        self._take(self._log.frames())
        self._stop_following = self._log.observe(self._take)

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
    def closed(self) -> bool:
        """Whether the terminal is gone, for everybody."""
        return self.id not in self.studio.document.terminals

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
        """The name that somebody gave it, else what the program calls itself, else its command."""
        known = self.studio.document.terminals.get(self.id)
        if known is None:
            return self.view.title
        return known.title if known.named else self.view.title or known.title

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
        if entry.driver_connection is None:
            return entry.access == "open" or (entry.access == "locked" and me.role == "owner")
        return entry.driver_connection == me.connection

    @property
    def input_seq(self) -> int:
        """Number of the last input sent from here; `view.input_seq` tells how far it got."""
        return self._seq

    def observe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call `callback(changed rows)` after each change; the returned function ends it."""
        key = object()
        self._observers[key] = callback

        def stop() -> None:
            self._observers.pop(key, None)

        return stop

    async def until(self, text: str, timeout: float = 30.0) -> None:
        """Wait until `text` is in a row of the screen.

        Raises:
            StudioError: it was not there after `timeout` seconds.
            NotFound: the terminal was closed meanwhile.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.studio.until(lambda: self._shows(text) or self.closed)
        except TimeoutError:
            shown = next((row for row in reversed(self.screen) if row), "")
            raise StudioError(
                f"{text!r} did not appear within {timeout:g} s",
                f"the last line on the screen is: {shown}" if shown else "the screen is empty",
            ) from None
        if not self._shows(text):
            raise NotFound(f"terminal {self.id} was closed before {text!r} appeared")

    def _shows(self, text: str) -> bool:
        return any(text in row for row in self.screen)

    async def history(self, start: int, count: int) -> list[str]:
        """Rows `start` to `start + count` of scrollback and screen, 0 the oldest kept."""
        params = {"terminal": self.id, "start": start, "count": count}
        answer = await self.studio.query("terminals.history", **params)
        return [str(row) for row in Answer("terminals.history", answer).items("rows")]

    async def past(self, start: int, count: int) -> tuple[int, list[Row]]:
        """As `history`, with colours and widths; and the number of the first row that came."""
        params = {"terminal": self.id, "start": start, "count": count}
        answer = Answer("terminals.past", await self.studio.query("terminals.past", **params))
        try:
            return answer.count("first"), unpack_lines(answer.data("lines"))
        except FrameError as problem:
            raise StudioError(
                f"the host's lines cannot be read: {problem}",
                "compare the versions: studio-tui --version",
            ) from None

    def release(self) -> None:
        """Stop following the screen; called when the room is left."""
        self._stop_following()
        self._observers.clear()

    def _take(self, frames: list[bytes]) -> None:
        try:
            changed = self._applied(frames)
        except FrameError:
            changed = self._again()
        for callback in list(self._observers.values()):
            callback(changed)

    def _applied(self, frames: list[bytes]) -> Changed:
        changed: Changed = frozenset()
        for frame in frames:
            rows = self.view.apply(frame)
            changed = ALL if rows is ALL or changed is ALL else changed | rows
        return changed

    def _again(self) -> Changed:
        """Something is missing between two frames: read the log anew, it has it all.

        If that is no use either, the screen shows what it can until the next keyframe.
        """
        self.view = Screen()
        with contextlib.suppress(FrameError):
            self.view.replay(self._log.frames())
        return ALL

    # -- what is done -------------------------------------------------------------------------

    def send(self, events: list[Event]) -> None:
        """Send input as meaning; the host encodes it for the modes the program has set.

        Events: {"key": Textual's key name, "char": str | None}, {"text": str}, {"paste": str},
        {"mouse": {...}}, {"resize": [cols, rows]}. The host ignores what comes from a person who
        does not drive; it is lost while the link is down.
        """
        self._seq += 1
        self.studio.session.stream(self.room.name, "input", self._seq, json.dumps(events).encode())

    async def type(self, text: str) -> None:
        """Type `text`; a newline is the Enter key. Takes the driver's seat when it is free.

        Raises:
            Refused: somebody else drives, or a viewer types.
            NotFound: the studio cannot be reached, or the terminal was closed.
            StudioError: the program has ended.
        """
        for at in range(0, len(text), PIECE):
            self._input({"text": text[at : at + PIECE]})

    async def press(self, key: str) -> None:
        """Press one key by its name: "enter", "ctrl+c", "up", "f1". Raises as `type` does."""
        self._input({"key": key, "char": None})

    async def paste(self, text: str) -> None:
        """Paste `text`, bracketed when the program asked for that. Raises as `type` does."""
        if len(text) > PIECE:
            raise StudioError(
                f"{len(text)} characters are too many to paste, {PIECE} is the most",
                "write them into a file, and have the program read it",
            )
        self._input({"paste": text})

    def _input(self, event: Event) -> None:
        entry = self.entry
        if not self.studio.reachable:
            reason = self.studio.reason or "the studio's host is away"
            raise Away(f"what is typed would be lost: {reason}", "try again in a moment")
        if entry.state != "running":
            raise StudioError("the program in this terminal has ended", "open a new terminal")
        if not self.studio.writable:
            raise Refused("a viewer may not type", "ask the studio's owner for another role")
        if not self.driving:
            raise _not_driving(entry)
        self.send([event])

    async def ask(self) -> None:
        """Ask whoever has the driver's seat for it; `entry.asking` shows everybody who asks.

        Raises:
            Refused: a viewer asks.
        """
        await self.studio.command("terminals.ask", terminal=self.id)

    async def take(self) -> None:
        """Take the driver's seat, from whoever has it; returns once it is ours.

        Raises:
            Refused: a viewer asks, the owner has locked it, or somebody else took it at the same
                moment.
            StudioError: the owner has cut the input.
        """
        await self.studio.command("terminals.take", terminal=self.id)
        try:
            async with asyncio.timeout(SEAT_SECONDS):
                await self.studio.until(self._seated)
        except TimeoutError:
            raise Refused(f"{self.driver or 'somebody'} took the seat", "take it again") from None

    def _seated(self) -> bool:
        me = self.studio.me
        return me is not None and self.entry.driver_connection == me.connection

    async def hand_over(self, to: str) -> None:
        """Give the driver's seat to the person named `to`."""
        await self.studio.command("terminals.hand_over", terminal=self.id, to=to)

    async def free(self) -> None:
        """Get up from the driver's seat. The owner frees it whoever has it, and unlocks it."""
        await self.studio.command("terminals.free", terminal=self.id)

    async def lock(self) -> None:
        """From now on only the owner, who alone may say this, gives the seat to anybody."""
        await self.studio.command("terminals.lock", terminal=self.id)

    async def resize(self, cols: int, rows: int) -> None:
        """Set the terminal's size in cells; the driver's right, and the owner's."""
        await self.studio.command("terminals.resize", terminal=self.id, cols=cols, rows=rows)

    async def rename(self, title: str) -> None:
        """Give it a name for everybody; with "" it is what the program calls itself again."""
        await self.studio.command("terminals.rename", terminal=self.id, title=title)

    async def pin(self, pinned: bool = True) -> None:
        """Have the size stay, whatever the driver's window, or follow that again. As `resize`."""
        await self.studio.command("terminals.pin", terminal=self.id, pinned=pinned)

    async def record(self) -> str:
        """Begin to record what is shown, never what is typed; returns the recording's id.

        Everybody sees that it is done (`entry.recording`); see `studio.recordings` for the file.

        Raises:
            StudioError: it is being recorded already, or the host's disk is full.
        """
        made = await self.studio.command("terminals.record", terminal=self.id)
        return Answer("terminals.record", made).text("recording")

    async def stop_recording(self) -> str:
        """End the recording; returns its id."""
        made = await self.studio.command("terminals.stop_recording", terminal=self.id)
        return Answer("terminals.stop_recording", made).text("recording")

    async def leave(self) -> None:
        """Follow it no more; the program runs on."""
        self.studio.forget(self)

    async def close(self) -> None:
        """End the program and forget the terminal, for everybody."""
        await self.studio.command("terminals.close", terminal=self.id)


def _not_driving(entry: TerminalEntry) -> StudioError:
    """Why what is typed would not reach the program."""
    if entry.access == "cut":
        return Refused("the owner has cut the input of all terminals", "only the owner restores it")
    if entry.driver is None and entry.access == "locked":
        return Refused("the owner has locked this terminal", "ask for the seat: await term.ask()")
    who = entry.driver or "somebody"
    return Refused(f"{who} drives this terminal", "take the seat first: await term.take()")
