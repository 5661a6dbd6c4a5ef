"""One shared terminal: the holder's bytes in, frames for everybody out, input from its driver."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from relay_server.wire import Stream
from studio_tui.document.entries import TerminalEntry
from studio_tui.document.framelog import FrameArray
from studio_tui.errors import StudioError
from studio_tui.host.terminals.holder import READ_SIZE, Holder
from studio_tui.host.terminals.seat import Seat
from studio_tui.terminal import holding
from studio_tui.terminal.echo import ECHO_SECONDS, EchoAck
from studio_tui.terminal.emulator import Emulator, History, Painting, check_size
from studio_tui.terminal.frames import FrameEncoder, FrameLog, Replace
from studio_tui.terminal.keys import KeyEncoder
from studio_tui.terminal.pace import Pace

if TYPE_CHECKING:
    from studio_tui.host.terminals.recording import Recording
    from studio_tui.machines.connection import ByteReader, ByteWriter

log = logging.getLogger(__name__)

EVENTS_CAP = 1000
INPUT_CAP = 4 * 1024 * 1024
"""Bytes of input that wait for a program which does not read; more is dropped."""
FRAME_CAP = 960 * 1024
"""Bytes of a frame: the relay takes no message above 1 MiB."""
RETRY_SECONDS = 1.0


class Terminal:
    """A terminal on the machine, as its host has it.

    The holder on the machine keeps the pty and its last output; this rebuilds the screen from it
    whenever it is created, so a new host shows what the old one did.

    Args:
        entry: how the studio document lists it.
        holder: its holder on the machine.
        frames: the terminal's document.
        publish: stores a changed entry in the studio document.
        seat: who may type.
        new: whether its program has just been started, so that no host has followed it yet.

    Attributes:
        entry: as it is published.
        seat: who may type, also in the entry.
        recording: what is being made of it, None while nothing is; its id is in the entry.
        over: set once the program is over and its last screen is shown.
        on_key: called after each key, paste or click of the driver's.
    """

    def __init__(
        self,
        entry: TerminalEntry,
        holder: Holder,
        frames: FrameArray,
        publish: Callable[[TerminalEntry], None],
        seat: Seat,
        *,
        new: bool = False,
    ) -> None:
        self.seat = seat if entry.state == "running" else Seat()
        self.entry = _seated(entry, self.seat)
        self.recording: Recording | None = None
        self.over = asyncio.Event()
        self.on_key: Callable[[], None] = lambda: None
        self._holder = holder
        self._shown = frames
        self._publish_entry = publish
        self._stream = holding.HolderStream(live_at=0 if new else None)
        self._pace = Pace()
        self._timer: asyncio.TimerHandle | None = None
        self._writer: ByteWriter | None = None
        self._draining: asyncio.Task[None] | None = None
        self._unsent = bytearray()
        self._waiting = 0
        self._answering = True
        self._password = False
        self._ack = EchoAck()
        self._answered: asyncio.TimerHandle | None = None
        self._screen()

    # -- output -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the holder until the program is over; attached again whenever that breaks."""
        while not self.over.is_set():
            try:
                if self.entry.state == "running" and await self._holder.running():
                    await self._follow()
                else:
                    await self._conclude()
            except (StudioError, OSError) as problem:
                log.info("terminal %s: %s", self.entry.id, problem)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        reader, writer = await self._holder.connect()
        try:
            writer.write(self._stream.attach())
            writer.write(holding.encode_resize(self.entry.cols, self.entry.rows))
            self._writer, self._waiting, unsent = writer, 0, bytes(self._unsent)
            self._unsent.clear()
            self._send(unsent)
            await self._read(reader)
        finally:
            self._writer = None
            if self._draining is not None:
                self._draining.cancel()
            writer.close()

    async def _read(self, reader: ByteReader) -> None:
        while not self.over.is_set() and (data := await reader.read(READ_SIZE)):
            for event in self._stream.feed(data):
                self._take(event)
        if not self.over.is_set():
            raise ConnectionResetError("the holder hung up")

    def _take(self, event: holding.Event) -> None:
        match event:
            case holding.Output(offset, data):
                # A second answer to what an earlier host answered would be typed into the program.
                past = max(0, (self._stream.live_at or 0) - offset)
                self._feed(data[:past], answering=False)
                self._feed(data[past:], answering=True)
                self._recorded(offset, data)
            case holding.Gap():
                self._emulator.close()
                self._screen()
            case holding.Flags():
                self._password = event.password
                self._changed()
            case holding.Exit(code):
                self._exited(code)

    def _feed(self, data: bytes, *, answering: bool) -> None:
        if data:
            self._answering = answering
            self._emulator.feed(data)
            self._changed()

    async def _conclude(self) -> None:
        """The program ended while no host listened: show what it left."""
        remains = await self._holder.remains()
        seen = self._stream.offset
        if 0 < seen < remains.start:
            self._emulator.close()
            self._screen()
        self._feed(remains.output[max(0, seen - remains.start) :], answering=False)
        self._recorded(remains.start, remains.output)
        self._exited(remains.code)

    def _exited(self, code: int | None) -> None:
        """The program is over; `code` is negative for a signal, None when nobody knows."""
        known = self.entry.exit_code if code is None else 128 - code if code < 0 else code
        if self.recording is not None:
            self.recording.exited(known)
            self.record(None)
        self.seat = Seat()
        self._tell(replace(_seated(self.entry, self.seat), state="exited", exit_code=known))
        self._publish()
        self.over.set()

    def _screen(self) -> None:
        """An empty screen: nothing came yet, or some of the output is gone for good."""
        self._emulator = Emulator(self.entry.cols, self.entry.rows, self._reply)
        self._keys = KeyEncoder(self._emulator)
        self._frames = FrameLog(FrameEncoder(self._emulator))

    # -- what is shown ------------------------------------------------------------------------

    def _changed(self) -> None:
        """Publish at once after a pause, else when the interval is over."""
        loop = asyncio.get_running_loop()
        due = self._pace.changed(loop.time(), held=self._emulator.held)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._fire()

    def _fire(self) -> None:
        """Publish if it is time to: the program may have asked to be waited for meanwhile."""
        loop, due = asyncio.get_running_loop(), self._pace.due
        self._timer = None
        if due is not None and due > loop.time():
            self._timer = loop.call_at(due, self._fire)
        elif due is not None:
            self._publish()

    def _publish(self, *, paced: bool = True) -> None:
        """Tell what is new; the next news need not wait for what was not `paced`."""
        now = asyncio.get_running_loop().time()
        step = self._frames.publish(password=self._password, input_seq=self._ack.at(now))
        if paced:
            self._pace.published(now)
        if step is None:
            return
        if len(step.frame) > FRAME_CAP:
            # No relay would carry it. What comes after it starts with a whole screen again.
            self._frames = FrameLog(FrameEncoder(self._emulator))
        elif isinstance(step, Replace):
            self._shown.restart(step.frame)
        else:
            self._shown.append(step.frame)

    # -- input --------------------------------------------------------------------------------

    def received(self, message: Stream) -> None:
        """Take input events from a person; only the driver's reach the program. Never raises."""
        if message.sender is None or message.stream != "input":
            return
        seat = self.seat.typed_in_by(message.sender)
        if seat is None or self.entry.state != "running":
            return
        self.sit(seat)
        self._typed(message.seq)
        for event in _events(message.data):
            with contextlib.suppress(StudioError):  # from a client that is broken, or means harm
                self._input(event)

    def _typed(self, seq: int) -> None:
        """Tell the driver once the program has had time to answer, even if it does not."""
        loop = asyncio.get_running_loop()
        self._ack.typed(seq, loop.time())
        if self._answered is None:
            self._answered = loop.call_later(ECHO_SECONDS, self._tell_answered)

    def _tell_answered(self) -> None:
        loop, due = asyncio.get_running_loop(), self._ack.due
        self._answered = None
        if self._pace.due is None:  # else what is about to be published tells it, too
            self._publish(paced=False)
        if due is not None and due > loop.time():
            self._answered = loop.call_at(due, self._tell_answered)

    def _input(self, event: dict[str, object]) -> None:
        match event:
            case {"resize": [int(cols), int(rows)]}:
                if not self.entry.pinned:
                    self.resize(int(cols), int(rows))
            case _:
                self._send(holding.encode_input(self._keys.event(event)))
                self.on_key()

    def _reply(self, data: bytes) -> None:
        if self._answering:
            self._send(holding.encode_input(data))

    def _send(self, frame: bytes) -> None:
        """Hand a frame to the holder, once it is connected; lost when too many wait already."""
        if not frame or self._waiting > INPUT_CAP:
            return
        self._waiting += len(frame)
        if self._writer is None:
            self._unsent += frame
            return
        self._writer.write(frame)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain(self._writer), name="draining")

    async def _drain(self, writer: ByteWriter) -> None:
        with contextlib.suppress(OSError):  # the reading side finds out, and attaches again
            await writer.drain()
            self._waiting = 0

    def resize(self, cols: int, rows: int) -> None:
        """Change the size for everybody.

        Raises:
            UsageFault: a size that no terminal has.
        """
        check_size(cols, rows)
        if (cols, rows) == (self.entry.cols, self.entry.rows):
            return
        self._emulator.resize(cols, rows)
        if self.recording is not None:
            self.recording.resized(cols, rows)
        self._send(holding.encode_resize(cols, rows))
        self._tell(replace(self.entry, cols=cols, rows=rows))
        self._changed()

    async def end(self) -> None:
        """Ask the program to end, then make it; returns when it is over.

        Raises:
            StudioError: the machine cannot be asked.
        """
        if self._writer is not None:
            self._writer.write(holding.encode_kill())
        elif not self.over.is_set() and await self._holder.running():
            await self._holder.kill()
        await self.over.wait()

    def close(self) -> None:
        """Show nothing more, and free the emulator."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._answered is not None:
            self._answered.cancel()
            self._answered = None
        if self.recording is not None:
            self.recording.close(done=False)
        self._emulator.close()

    # -- the seat -----------------------------------------------------------------------------

    def sit(self, seat: Seat) -> None:
        """Have somebody else in the seat; nobody drives what is over."""
        if seat != self.seat and self.entry.state == "running":
            if self.recording is not None and seat.connection != self.seat.connection:
                self.recording.mark(f"{seat.name or 'nobody'} drives")
            if seat.connection != self.seat.connection:
                self._ack = EchoAck()  # everybody counts their own
            self.seat = seat
            self._tell(_seated(self.entry, seat))

    async def drop_input(self) -> None:
        """Forget what was typed and the program has not read yet.

        Raises:
            StudioError: the machine cannot be reached.
        """
        self._unsent.clear()
        if self._waiting and self._writer is not None:
            # More stands in line on our connection, which ends by this; the next one is empty.
            self._writer = None
            await self._holder.forget_input()
        self._waiting = 0
        self._send(holding.encode_forget())

    # -- being recorded -----------------------------------------------------------------------

    def record(self, recording: Recording | None, marks: Sequence[str] = ()) -> None:
        """Have `recording` go on with what is shown, or end the one there is (None).

        Args:
            marks: what it tells at its beginning.
        """
        ended, self.recording, self._marks = self.recording, recording, marks
        if ended is not None:
            ended.close()
        if recording is not None:
            recording.begin(self._emulator, self.entry.title, self._stream.offset, marks)
            if recording.over:
                ended, self.recording = recording, None
        id = "" if self.recording is None else self.recording.id
        note = "" if self.recording or ended is None else ended.over
        self._tell(replace(self.entry, recording=id, note=note))

    def _recorded(self, offset: int, data: bytes) -> None:
        """Output has been shown; a recording that could not begin yet does so after it."""
        recording = self.recording
        if recording is None:
            return
        recording.output(offset, data)
        recording.begin(self._emulator, self.entry.title, offset + len(data), self._marks)
        if recording.over:
            self.record(None)

    # -- what is listed -----------------------------------------------------------------------

    def _tell(self, entry: TerminalEntry) -> None:
        self.entry = entry
        self._publish_entry(entry)

    def rename(self, title: str) -> None:
        """Give the terminal another name; with "" it has none of its own any more."""
        title, named = title or self.entry.title, bool(title)
        self._tell(replace(self.entry, title=title, named=named))

    def pin(self, pinned: bool) -> None:
        """Have the size stay as it is, whatever the driver's window, or follow that again."""
        self._tell(replace(self.entry, pinned=pinned))

    def history(self, start: int, count: int) -> History:
        """Rows of scrollback and screen as text."""
        return self._emulator.history(start, count)

    def painted_history(self, start: int, count: int) -> Painting:
        """The same rows with their colours."""
        return self._emulator.painted_history(start, count)


def _seated(entry: TerminalEntry, seat: Seat) -> TerminalEntry:
    """The entry, with who may type."""
    return replace(
        entry, driver=seat.name, driver_connection=seat.connection, access=seat.access,
        asking=list(seat.asking),
    )  # fmt: skip


def _events(data: bytes) -> list[dict[str, object]]:
    """The input events in a stream frame; what is none is left out."""
    try:
        events = json.loads(data)
    except (ValueError, RecursionError):
        return []
    if not isinstance(events, list):
        return []
    return [event for event in events[:EVENTS_CAP] if isinstance(event, dict)]
