"""Putting a log together from chunks that come by offset: no byte lost, none twice."""

from __future__ import annotations


class LogTail:
    """What has been received of a byte log, as one contiguous range that grows at its end.

    A chunk that starts where the range ends extends it, one that overlaps is trimmed, and one
    that starts later shows that something was missed: `missing` says from where to ask.

    Args:
        offset: where the range starts.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self.missing: int | None = None

    def feed(self, offset: int, data: bytes) -> bytes:
        """Take a chunk; returns the part of it that is new, b"" when it cannot be used yet."""
        if offset > self.offset:
            self.missing = self.offset
            return b""
        fresh = data[self.offset - offset :]
        self.offset += len(fresh)
        if fresh:
            self.missing = None
        return fresh


def split_lines(rest: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    """The complete lines of `rest + data`, and the incomplete one after them."""
    *lines, rest = (rest + data).split(b"\n")
    return lines, rest
