"""What is sent into a source, as a file object that tells how far it was read."""

from __future__ import annotations

import io

from studio_tui.data.source import Going, Read


class Outgoing(io.RawIOBase):
    """A file of `size` bytes; its progress counts what is read for the first time."""

    def __init__(self, size: int, read: Read, going: Going) -> None:
        super().__init__()
        self._size, self._fetch, self._going = size, read, going
        self._at = self._furthest = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

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
