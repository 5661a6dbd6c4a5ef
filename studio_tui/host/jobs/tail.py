"""A growing file's newest bytes as a stream that cannot flood the relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PIECE = 256 * 1024
BURST = 1024 * 1024
"""Bytes at once; a relay ends a connection that sends tens of megabytes a second."""
RATE = 512 * 1024
"""Bytes per second after that, per file."""
OFFSET_BYTES = 8
SOON = 0.5


class Tail:
    """Sends what is added to one file, each frame its offset (8 bytes, big-endian) and the bytes.

    What comes faster than people can read is left out. Whoever receives the next frame sees by its
    offset that something is missing and asks for it by call; so a frame without bytes follows
    soon after the last that was left out.

    Args:
        send: takes a frame's number and the frame.
    """

    def __init__(self, send: Callable[[int, bytes], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._seq = 0
        self._left = float(BURST)
        self._at = self._loop.time()
        self._end = 0
        self._soon: asyncio.TimerHandle | None = None

    def grew(self, offset: int, data: bytes) -> None:
        """`data` was added to the file at `offset`."""
        self._end = offset + len(data)
        if not self._affords(len(data)):
            if self._soon is None:
                self._soon = self._loop.call_later(SOON, self._tell_end)
            return
        for at in range(0, len(data), PIECE):
            self._frame(offset + at, data[at : at + PIECE])

    def _affords(self, size: int) -> bool:
        now = self._loop.time()
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left <= 0:
            return False
        self._left -= size
        return True

    def _tell_end(self) -> None:
        self._soon = None
        self._frame(self._end, b"")

    def _frame(self, offset: int, data: bytes) -> None:
        self._seq += 1
        self._send(self._seq, offset.to_bytes(OFFSET_BYTES, "big") + data)

    def close(self) -> None:
        """Send nothing more."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
