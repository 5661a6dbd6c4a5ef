"""TCP connections through one room of the relay: the frames, and an end of the tunnel.

One end accepts connections, the other one dials where they lead. Each connection may have
`WINDOW` bytes under way in each direction; more is sent once the other end has written them
out, so that a slow reader holds its own connection up and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum

from studio_tui.errors import StudioError

STREAM = "tcp"
WINDOW = 128 * 1024
"""Bytes; with `CONNECTIONS` of them a tunnel stays below what a relay keeps for one reader."""
CONNECTIONS = 24
CHUNK = 32 * 1024
_HEAD = struct.Struct(">BI")
_COUNT = struct.Struct(">I")

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Kind(IntEnum):
    """What a frame says of its connection."""

    OPEN = 1
    DATA = 2
    MORE = 3  # so many bytes were written out: as many may follow
    END = 4  # nothing more comes from this side
    CLOSE = 5


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: what it says, of which connection, and its bytes."""

    kind: Kind
    connection: int
    data: bytes = b""

    def write(self) -> bytes:
        """The frame as it travels."""
        return _HEAD.pack(self.kind, self.connection) + self.data


def read_frame(data: bytes) -> Frame:
    """The frame in `data`.

    Raises:
        StudioError: it is none.
    """
    try:
        kind, connection = _HEAD.unpack_from(data)
        return Frame(Kind(kind), connection, data[_HEAD.size :])
    except (struct.error, ValueError):
        raise StudioError("what came through the tunnel makes no sense", "open it again") from None


class _Connection:
    """One connection: what may still be sent, and what has come and is not written out."""

    def __init__(self) -> None:
        self.credit = WINDOW
        self.waiting = 0
        self.came: asyncio.Queue[bytes] = asyncio.Queue()
        self.more = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Tunnel:
    """One end of a tunnel.

    Args:
        send: takes each frame for the other end.
        dial: connects to where the tunnel leads; None on the side that accepts.
    """

    def __init__(
        self, send: Callable[[bytes], None], dial: Callable[[], Awaitable[Ends]] | None = None
    ) -> None:
        self._send = send
        self._dial = dial
        self._connections: dict[int, _Connection] = {}
        self._next = 1

    @property
    def busy(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry a connection that was made to this end; one too many is closed."""
        if self.busy >= CONNECTIONS:
            writer.transport.abort()
            return
        number, self._next = self._next, self._next % 0xFFFFFFFF + 1
        self._tell(Kind.OPEN, number)

        async def ready() -> Ends:
            return reader, writer

        self._begin(number, ready)

    def received(self, data: bytes) -> None:
        """A frame came from the other end.

        Raises:
            StudioError: it makes no sense; the tunnel is of no use any more.
        """
        frame = read_frame(data)
        if frame.kind is Kind.OPEN:
            if self._dial is None or frame.connection in self._connections:
                raise StudioError("the tunnel's other end opens what it may not", "open it again")
            if self.busy >= CONNECTIONS:
                self._tell(Kind.CLOSE, frame.connection)
            else:
                self._begin(frame.connection, self._dial)
        elif (known := self._connections.get(frame.connection)) is not None:
            self._heard(frame, known)

    def close(self) -> None:
        """End every connection."""
        for known in list(self._connections.values()):
            if known.task is not None:
                known.task.cancel()

    async def closed(self) -> None:
        """As `close`; returns when they have ended."""
        tasks = [known.task for known in self._connections.values() if known.task is not None]
        self.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _heard(self, frame: Frame, known: _Connection) -> None:
        match frame.kind:
            case Kind.DATA:
                known.waiting += len(frame.data)
                if known.waiting > WINDOW:
                    raise StudioError("the tunnel's other end sends too much", "open it again")
                if frame.data:
                    known.came.put_nowait(frame.data)
            case Kind.END:
                known.came.put_nowait(b"")
            case Kind.MORE if len(frame.data) == _COUNT.size:
                known.credit = min(WINDOW, known.credit + _COUNT.unpack(frame.data)[0])
                known.more.set()
            case _:
                if known.task is not None:
                    known.task.cancel()

    def _begin(self, number: int, ends: Callable[[], Awaitable[Ends]]) -> None:
        known = self._connections[number] = _Connection()
        carrying = self._carry(number, known, ends)
        known.task = asyncio.get_running_loop().create_task(carrying, name=f"tunnel {number}")

    async def _carry(
        self, number: int, known: _Connection, ends: Callable[[], Awaitable[Ends]]
    ) -> None:
        """One connection to its end; the other side is told of one that broke.

        One that ended in both directions is over on either side once that has written all.
        """
        writer, whole = None, False
        try:
            reader, writer = await ends()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._up(number, known, reader))
                both.create_task(self._down(number, known, writer))
            whole = True
        except* (OSError, StudioError):
            pass
        finally:
            self._connections.pop(number, None)
            if not whole:
                self._tell(Kind.CLOSE, number)
            if writer is not None and whole:
                writer.close()
            elif writer is not None:
                writer.transport.abort()

    async def _up(self, number: int, known: _Connection, reader: asyncio.StreamReader) -> None:
        """From here to the other end, as fast as it takes it."""
        while True:
            while not known.credit:
                known.more.clear()
                await known.more.wait()
            data = await reader.read(min(known.credit, CHUNK))
            if not data:
                self._tell(Kind.END, number)
                return
            known.credit -= len(data)
            self._tell(Kind.DATA, number, data)

    async def _down(self, number: int, known: _Connection, writer: asyncio.StreamWriter) -> None:
        """From the other end to here; it is told what was taken."""
        while data := await known.came.get():
            writer.write(data)
            await writer.drain()
            known.waiting -= len(data)
            self._tell(Kind.MORE, number, _COUNT.pack(len(data)))
        if writer.can_write_eof():
            writer.write_eof()

    def _tell(self, kind: Kind, number: int, data: bytes = b"") -> None:
        with contextlib.suppress(StudioError):  # the session is over, and with it the tunnel
            self._send(Frame(kind, number, data).write())
