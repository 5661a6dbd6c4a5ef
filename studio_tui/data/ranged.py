"""A file of a source as a file object: read in blocks, of which the last few are kept."""

from __future__ import annotations

import io
from collections import OrderedDict

from studio_tui.data.source import Entry, Source

BLOCK = 256 << 10
BLOCKS = 64


class Seekable(io.RawIOBase):
    """A file of `size` bytes that can be read from anywhere."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._at = 0

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


class Ranged(Seekable):
    """Reads a file of a source by ranges.

    Args:
        budget: most bytes that are fetched; then reading raises OSError.
    """

    def __init__(self, source: Source, entry: Entry, budget: int) -> None:
        super().__init__(entry.size or 0)
        self._source = source
        self._entry = entry
        self._left = budget
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer, or as much of it as lies in one block."""
        if self._at >= self._size:
            return 0
        number, skip = divmod(self._at, BLOCK)
        piece = self._block(number)[skip : skip + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        if self._left <= 0:
            raise OSError("more of the file is needed than a preview reads")
        data = self._source.read(self._entry, number * BLOCK, BLOCK)
        self._left -= len(data)
        self._blocks[number] = data
        if len(self._blocks) > BLOCKS:
            self._blocks.popitem(last=False)
        return data
