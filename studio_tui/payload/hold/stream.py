"""What goes through a terminal: frames, the last output, and how far each client has come."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

RING = 2 << 20  # bytes of output kept
CHUNK = 1 << 16
FRAME_LIMIT = 1 << 20


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return kind + struct.pack(">I", len(payload)) + payload


class Ring:
    """The last bytes of a stream, each known by its offset from the stream's beginning."""

    def __init__(self, capacity: int = RING) -> None:
        self._capacity = capacity
        self._data = bytearray()
        self.end = 0

    @property
    def start(self) -> int:
        """Offset of the oldest byte kept."""
        return self.end - len(self._data)

    def add(self, data: bytes) -> None:
        """Append; the oldest bytes fall off. The slack makes cutting rare."""
        self._data += data
        self.end += len(data)
        if len(self._data) > self._capacity + CHUNK:
            del self._data[: len(self._data) - self._capacity]

    def read(self, offset: int, most: int) -> bytes:
        """Up to `most` bytes from `offset`, which must lie within start..end."""
        at = offset - self.start
        return bytes(self._data[at : at + most])


class Client:
    """One connection: what came and is not yet understood, what is to go and not yet sent."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.sock = sock
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.position = 0  # offset of the next byte of output that goes into the outbox
        self.asked_at = 0  # offset of the end of the output when the client asked for it
        self.attached = False
        self.flags = -1
        self.told_exit = False
        self.moved_at = now
        self.behind_since: float | None = None
        self.stalled_input = False
