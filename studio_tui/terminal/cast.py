"""A recording of a terminal as asciicast v3: lines of JSON, each event with the seconds since the
one before it. Pure: bytes out, and the end of a file in.

https://docs.asciinema.org/manual/asciicast/v3/ describes the format. After each event comes a
comment, which players skip: the number of the next byte of output that is not in the file yet. A
recording that was broken off goes on from there with nothing lost and nothing twice.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Final, NamedTuple

_CHECKPOINT: Final = re.compile(rb"^#(\d+)\n", re.MULTILINE)
LONGEST_RECORD: Final = 1 << 20
"""Bytes at the end of a file among which its last checkpoint is."""


class Checkpoint(NamedTuple):
    """The last whole event of a file: bytes of the file up to it, and the next byte of output."""

    size: int
    offset: int


def header(cols: int, rows: int, moment: float, title: str) -> bytes:
    """The first line; `moment` is a Unix time in seconds."""
    term = {"cols": cols, "rows": rows, "type": "xterm-256color"}
    return _line({"version": 3, "term": term, "timestamp": int(moment), "title": title})


def last_checkpoint(end: bytes, size: int) -> Checkpoint | None:
    """Where a file of `size` bytes that ends with `end` goes on; None when it is no recording."""
    found = list(_CHECKPOINT.finditer(end))
    return Checkpoint(size - len(end) + found[-1].end(), int(found[-1][1])) if found else None


class Cast:
    """The events of one recording, in the order in which they happen.

    Args:
        offset: number of the first byte of output that it is to have.
        moment: when the event before it was, a Unix time in seconds.
    """

    def __init__(self, offset: int, moment: float) -> None:
        self.offset = offset
        self._last = moment
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def output(self, data: bytes, moment: float) -> bytes:
        """What the program wrote; the first bytes of a character wait for its others."""
        self.offset += len(data)
        text = self._decoder.decode(data)
        return self._event("o", text, moment) if text else b""

    def paint(self, data: bytes, moment: float) -> bytes:
        """Bytes that bring the player's screen into the state of ours; no output of the program."""
        return self._event("o", data.decode(errors="replace"), moment)

    def mark(self, text: str, moment: float) -> bytes:
        """Something that happened beside the program; players can jump to it."""
        return self._event("m", text, moment)

    def resize(self, cols: int, rows: int, moment: float) -> bytes:
        """The screen has another size."""
        return self._event("r", f"{cols}x{rows}", moment)

    def exit(self, code: int, moment: float) -> bytes:
        """The program is over."""
        return self._event("x", str(code), moment)

    def skip_to(self, offset: int) -> None:
        """The output before byte `offset` is gone for good."""
        self.offset = offset
        self._decoder.reset()

    def _event(self, code: str, data: str, moment: float) -> bytes:
        seconds = max(0.0, moment - self._last)
        self._last = max(self._last, moment)
        waiting = len(self._decoder.getstate()[0])
        return _line([round(seconds, 6), code, data]) + b"#%d\n" % (self.offset - waiting)


def _line(value: object) -> bytes:
    # ASCII alone, so that the file does nothing to a terminal that it is printed on.
    return json.dumps(value).encode() + b"\n"
