"""An outbox: what waits to be written to one client, which may not let too much wait.

Frames are joined and written once per turn. A client that reads too slowly is dropped, and heals
when it comes back: the others never wait for it, and nothing is skipped.
"""

from __future__ import annotations

import fcntl
import struct
import sys
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from relay_server.fanout import Turns
    from relay_server.health import Counters


class Outbox:
    """The outgoing side of one connection.

    Args:
        turns: write it at the end of a turn.
        counters: are told what is sent.
        budget: bytes that may wait to be read by the client, room states aside.
        late: called when more than that waits.
    """

    __slots__ = (
        "_allowed",
        "_budget",
        "_counters",
        "_delivered",
        "_frames",
        "_full",
        "_late",
        "_sent",
        "_transport",
        "_turns",
        "closed",
    )

    def __init__(
        self, turns: Turns, counters: Counters, budget: int, late: Callable[[], None]
    ) -> None:
        self.closed = False  # takes no more
        self._turns = turns
        self._counters = counters
        self._budget = budget
        self._late = late
        self._transport: asyncio.Transport
        self._frames: list[bytes] = []
        self._full = False  # the transport holds more than it likes
        self._allowed = 0  # bytes of room states that may wait on top of the budget
        self._sent = 0
        self._delivered = 0

    def open(self, transport: asyncio.Transport) -> None:
        """Where to write to; before anything else."""
        self._transport = transport

    def send(self, frames: bytes) -> None:
        """Has frames written at the end of the turn."""
        if self.closed:
            return
        waiting = self._frames
        if not waiting:
            self._turns.write_soon(self)
        waiting.append(frames)

    def allow(self, size: int) -> None:
        """Lets that much wait on top of the budget: the state of a room that was asked for."""
        self._allowed += size

    def write_out(self) -> None:
        """Writes what waits, in one go."""
        waiting = self._frames
        if not waiting:
            return
        blob = waiting[0] if len(waiting) == 1 else b"".join(waiting)
        waiting.clear()
        if self._transport.is_closing():
            return
        self._counters.sent_bytes += len(blob)
        self.write(blob)
        if self._full and self._transport.get_write_buffer_size() > self._budget + self._allowed:
            self._late()

    def write(self, data: bytes) -> None:
        """Writes now, ahead of what waits: what belongs to the websocket itself."""
        self._sent += len(data)
        self._transport.write(data)

    def fill(self) -> None:
        """The client reads slower than it is written to."""
        self._full = True

    def drain(self) -> None:
        """The client has caught up."""
        self._full = False
        self._allowed = 0

    def moves(self) -> bool:
        """Whether the client's machine takes what is written to it, and there is still more.

        A client on a thin line answers a ping only after everything before it.
        """
        waiting = self._transport.get_write_buffer_size() + self._in_kernel()
        before, self._delivered = self._delivered, self._sent - waiting
        return waiting > 0 and self._delivered > before

    def _in_kernel(self) -> int:
        if sys.platform != "linux":
            return 0
        socket = self._transport.get_extra_info("socket")
        try:
            raw = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        except OSError:
            return 0
        return int(struct.unpack("i", raw)[0])
