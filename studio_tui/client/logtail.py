"""Putting a log together from chunks that come by offset: no byte lost, none twice."""

from __future__ import annotations

import codecs

LINE_CAP = 64 * 1024
"""Characters after which a line is given in parts: a progress bar may never end its line."""


class LogTail:
    """What has been received of a byte log, as one contiguous range that grows at its end.

    Args:
        offset: where the range starts, in bytes.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset

    def feed(self, offset: int, data: bytes) -> bytes | None:
        """Take the chunk that starts at `offset`.

        Returns:
            The part of it that is new, b"" when nothing is; None when it starts later than the
            range ends: what lies between was missed, and is to be asked for.
        """
        if offset > self.offset:
            return None
        fresh = data[self.offset - offset :]
        self.offset += len(fresh)
        return fresh

    def skip(self, offset: int) -> None:
        """What comes before `offset` is kept no more."""
        self.offset = max(self.offset, offset)


class Lines:
    """Lines of UTF-8 text out of bytes that are cut anywhere. Only LF ends a line."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, without their ends."""
        *lines, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        if len(self._rest) > LINE_CAP:
            lines.append(self._rest)
            self._rest = ""
        return lines

    def rest(self) -> list[str]:
        """The last line, if it has no end: call it when nothing more comes."""
        last = self._rest + self._decoder.decode(b"", final=True)
        self._rest = ""
        return [last] if last else []
