"""What is sent into a source, as a file object that tells how far it was read."""

from __future__ import annotations

from studio_tui.data.ranged import Seekable
from studio_tui.data.source import Going, Read


class Outgoing(Seekable):
    """A file of `size` bytes; its progress counts what is read for the first time."""

    def __init__(self, size: int, read: Read, going: Going) -> None:
        super().__init__(size)
        self._fetch, self._going = read, going
        self._furthest = 0

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes. Stopped: the copy was called off."""
        self._going.check()
        left = max(0, self._size - self._at)
        data = self._fetch(self._at, left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        if self._at > self._furthest:
            self._going.step(self._at - self._furthest)
            self._furthest = self._at
        return data
