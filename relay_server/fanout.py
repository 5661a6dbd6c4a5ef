"""Turns of the event loop: rooms that are due are flushed, then every connection is written once.

The leading edge goes out in the turn it came in; a room that was flushed less than its window ago
waits for the rest of it. So a quiet room has no delay, and a busy one costs its members one write
per window. The window is as long as `WRITE` for each member: writing to many is what costs, and a
small room hardly waits.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from relay_server.room import Room


WRITE: Final = 10e-6  # seconds of window per member; one write takes a third of it
LULL: Final = 200e-6  # seconds after which what is read need not wait for others in its turn


class Outlet(Protocol):
    """A connection that has something to write."""

    def write_out(self) -> None:
        """Writes everything that waits, in one go."""


class Turns:
    """Schedules flushes and writes.

    Args:
        loop: the event loop.
        window: seconds between two flushes of a busy room, at most.
        flush: flushes a room.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, window: float, flush: Callable[[Room], None]
    ) -> None:
        self._loop = loop
        self._window = window
        self._flush = flush
        self._flushed: dict[Room, float] = {}
        self._timers: dict[Room, asyncio.TimerHandle] = {}
        self._due: dict[Room, None] = {}
        self._dirty: list[Outlet] = []
        self._turn: asyncio.Handle | None = None
        self._ran = -math.inf
        self._busy = False  # no turn need be asked for: what comes now is seen at its end

    def take_in(self, read: Callable[[bytes], None], data: bytes, now: float) -> None:
        """Calls `read(data)`. After a lull what that leads to is done at once, not a turn later."""
        self._busy = True
        try:
            read(data)
        finally:
            self._busy = False
            if self._due or self._dirty:
                if self._turn is None and now - self._ran >= LULL:
                    self.run()
                else:
                    self._wake()

    def flush_soon(self, room: Room) -> None:
        """Has a room flushed in this turn, or when its window is over."""
        if room in self._timers or room in self._due:
            return
        window = min(self._window, len(room.members) * WRITE)
        wait = self._flushed.get(room, -math.inf) + window - self._loop.time()
        if wait > 0:
            self._timers[room] = self._loop.call_later(wait, self._make_due, room)
        else:
            self._due[room] = None
            if not self._busy:
                self._wake()

    def write_soon(self, outlet: Outlet) -> None:
        """Has a connection written at the end of the turn; call once until it was."""
        self._dirty.append(outlet)
        if not self._busy:
            self._wake()

    def forget(self, room: Room) -> None:
        """Drops what is known of a room."""
        self._flushed.pop(room, None)
        timer = self._timers.pop(room, None)
        if timer is not None:
            timer.cancel()

    def run(self) -> None:
        """One turn."""
        self._turn = None
        self._busy = True
        try:
            due, self._due = self._due, {}
            now = self._ran = self._loop.time()
            for room in due:
                self._flushed[room] = now
                self._flush(room)
            dirty, self._dirty = self._dirty, []
            for outlet in dirty:
                outlet.write_out()
        finally:
            self._busy = False
            if self._due or self._dirty:
                self._wake()

    def close(self) -> None:
        """Runs what waits, now, and cancels every timer."""
        waiting, self._timers = self._timers, {}
        for room, timer in waiting.items():
            timer.cancel()
            self._due[room] = None
        self.run()
        if self._turn is not None:
            self._turn.cancel()
            self.run()

    def _make_due(self, room: Room) -> None:
        self._timers.pop(room, None)
        self._due[room] = None
        self._wake()

    def _wake(self) -> None:
        if self._turn is None and not self._busy:
            self._turn = self._loop.call_soon(self.run)


_SHORT: Final = [bytes((0x82, size)) for size in range(126)]


def binary_frame(*payload: bytes) -> bytes:
    """A final, unmasked binary websocket frame of a payload in parts, which are copied once."""
    size = sum(map(len, payload))
    if size < 126:
        head = _SHORT[size]
    elif size < 65536:
        head = struct.pack("!BBH", 0x82, 126, size)
    else:
        head = struct.pack("!BBQ", 0x82, 127, size)
    return b"".join((head, *payload))
