"""One shared terminal: the holder's bytes in, frames for everybody out, input from its driver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from relay_server.wire import Sender, Stream
from studio_tui.document.entries import TerminalEntry
from studio_tui.document.framelog import FrameArray
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.seat import Seat
from studio_tui.terminal import holding
from studio_tui.terminal.emulator import Emulator, History
from studio_tui.terminal.frames import FrameEncoder, FrameLog, Replace
from studio_tui.terminal.keys import InputError, KeyEncoder
from studio_tui.terminal.pace import Pace

if TYPE_CHECKING:
    from studio_tui.machines.connection import ByteReader, ByteWriter, Connection

READ_SIZE = 64 * 1024
EVENTS_CAP = 1000
RETRY_SECONDS = 1.0


class Terminal:
    """A terminal on the machine, as its host has it.

    The holder on the machine keeps the pty and its last output; this rebuilds the screen from it
    whenever it is created, so a new host shows what the old one did.

    Args:
        entry: how the studio document lists it.
        socket: path of the holder's socket on the machine.
        connection: reaches the machine.
        log: the terminal's document.
        publish: stores a changed entry in the studio document.
    """

    def __init__(
        self,
        entry: TerminalEntry,
        socket: str,
        connection: Connection,
        log: FrameArray,
        publish: Callable[[TerminalEntry], None],
    ) -> None:
        self.entry = entry
        self.over = asyncio.Event()
        self._socket = socket
        self._connection = connection
        self._log = log
        self._publish_entry = publish
        self._seat = Seat(entry.driver, entry.driver_connection)
        self._screen()
        self._pace = Pace()
        self._timer: asyncio.TimerHandle | None = None
        self._writer: ByteWriter | None = None
        self._stream = holding.HolderStream()
        self._replaying = False
        self._echo = True
        self._input_seq = 0

    # -- output -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the holder until the program is over; attached again whenever that breaks."""
        while self.entry.state == "running":
            try:
                reader, writer = await self._connection.connect(self._socket)
            except NotFound:
                self._exited(None)
                return
            except StudioError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._writer = writer
            try:
                await self._follow(reader, writer)
            except OSError:
                pass
            finally:
                self._writer = None
                writer.close()
            if self.entry.state == "running":
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, reader: ByteReader, writer: ByteWriter) -> None:
        writer.write(self._stream.attach())
        writer.write(holding.encode_resize(self.entry.cols, self.entry.rows))
        while data := await reader.read(READ_SIZE):
            for event in self._stream.feed(data):
                self._take(event)

    def _take(self, event: holding.Event) -> None:
        match event:
            case holding.Output(_, data):
                # What the program asked while an earlier host listened was answered then.
                self._replaying = False
                self._emulator.feed(data)
                self._changed()
            case holding.Gap():
                self._restart()
            case holding.Flags(echo, _):
                self._echo = echo
                self._changed()
            case holding.Exit(code):
                self._exited(code)

    def _restart(self) -> None:
        """Begin with an empty screen: some of the output is gone for good."""
        self._emulator.close()
        self._screen()

    def _screen(self) -> None:
        self._emulator = Emulator(self.entry.cols, self.entry.rows, self._reply)
        self._keys = KeyEncoder(self._emulator)
        self._frames = FrameLog(FrameEncoder(self._emulator))

    def _changed(self) -> None:
        now = asyncio.get_running_loop().time()
        self._pace.changed(now, held=self._emulator.held)
        if self._timer is None:
            self._arm(now)

    def _arm(self, now: float) -> None:
        """Publish at once after a pause, else when the interval is over."""
        due = self._pace.due
        if due is None:
            return
        if due <= now:
            self._publish(now)
        else:
            self._timer = asyncio.get_running_loop().call_later(due - now, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._arm(asyncio.get_running_loop().time())

    def _publish(self, now: float) -> None:
        step = self._frames.publish(echo=self._echo, input_seq=self._input_seq)
        self._pace.published(now)
        if step is None:
            return
        if isinstance(step, Replace):
            self._log.restart(step.frame)
        else:
            self._log.append(step.frame)

    def _exited(self, code: int | None) -> None:
        """The program is over; `code` is negative for a signal, None when nobody knows."""
        exit_code = None if code is None else 128 - code if code < 0 else code
        self._seat = Seat()
        self.over.set()
        self._tell(replace(self._seated(), state="exited", exit_code=exit_code))
        self._changed()

    # -- input --------------------------------------------------------------------------------

    def received(self, message: Stream) -> None:
        """Take input events from a person; only the driver's reach the program."""
        if message.sender is None or message.stream != "input":
            return
        seat = self._seat.typed_in_by(message.sender)
        if seat is None or self.entry.state != "running":
            return
        self._sit(seat)
        self._input_seq = message.seq
        for event in _events(message.data):
            match event:
                case {"resize": [int(cols), int(rows)]}:
                    self.resize(cols, rows)
                case _:
                    self._type(event)

    def _type(self, event: dict[str, object]) -> None:
        try:
            data = self._keys.event(event)
        except InputError:
            return
        if data:
            self._send(holding.encode_input(data))

    def _reply(self, data: bytes) -> None:
        if not self._replaying:
            self._send(holding.encode_input(data))

    def _send(self, frame: bytes) -> None:
        if self._writer is not None:
            self._writer.write(frame)

    def resize(self, cols: int, rows: int) -> None:
        """Change the size for everybody.

        Raises:
            UsageFault: a size that no terminal has.
        """
        if (cols, rows) == (self.entry.cols, self.entry.rows):
            return
        self._emulator.resize(cols, rows)
        self._send(holding.encode_resize(cols, rows))
        self._tell(replace(self.entry, cols=cols, rows=rows))
        self._changed()

    def end(self) -> None:
        """Ask the program to end, then make it."""
        self._send(holding.encode_kill())

    # -- the seat -----------------------------------------------------------------------------

    def take(self, sender: Sender) -> None:
        """Give the seat to `sender`.

        Raises:
            Refused: a viewer.
        """
        self._sit(self._seat.taken_by(sender))

    def hand_over(self, name: str, connection: int) -> None:
        """Give the seat to another person."""
        self._sit(Seat(name, connection))

    def present(self, connections: set[int]) -> None:
        """Free the seat of somebody who has left."""
        self._sit(self._seat.without(connections))

    def _sit(self, seat: Seat) -> None:
        if seat != self._seat:
            self._seat = seat
            self._tell(self._seated())

    def _seated(self) -> TerminalEntry:
        seat = self._seat
        return replace(self.entry, driver=seat.name, driver_connection=seat.connection)

    def _tell(self, entry: TerminalEntry) -> None:
        self.entry = entry
        self._publish_entry(entry)

    def rename(self, title: str) -> None:
        """Give the terminal another name."""
        self._tell(replace(self.entry, title=title))

    def history(self, start: int, count: int) -> History:
        """Rows of scrollback and screen as text."""
        return self._emulator.history(start, count)


def _events(data: bytes) -> list[dict[str, object]]:
    """The input events in a stream frame; what is none is left out."""
    try:
        events = json.loads(data)
    except (ValueError, RecursionError):
        return []
    if not isinstance(events, list):
        return []
    return [event for event in events[:EVENTS_CAP] if isinstance(event, dict)]
