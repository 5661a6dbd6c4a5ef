"""Covers secret values in what a job writes, however it is cut; offsets stay what they were."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from studio_tui.settings.secrets import SHORTEST_MASKED

STAR = b"*"
SHORTEST_LINE = 8
"""A line of a secret of several, a private key say, is masked by itself from this length on."""

_NUMBER = re.compile(rb"[-+0-9.eE]+")


class Mask:
    """The values of one job that nobody may read; each is covered by asterisks, one a byte.

    Args:
        values: those of fewer than SHORTEST_MASKED characters are not covered.
        rows: cover them in JSON lines: what looks like a number is left, else no row would be one.
    """

    def __init__(self, values: Iterable[str], *, rows: bool = False) -> None:
        found = {form for value in values for form in _forms(value)}
        self._values = sorted(f for f in found if not (rows and _NUMBER.fullmatch(f)))
        self.reach = max(map(len, self._values), default=1) - 1
        """So many bytes before and after a piece decide what is covered in it."""

    def __bool__(self) -> bool:
        return bool(self._values)

    def cover(self, data: bytes) -> bytes:
        """`data` with every value in it covered, overlapping ones whole; of the same length."""
        covered: bytearray | None = None
        for value in self._values:
            at = data.find(value)
            while at >= 0:
                covered = bytearray(data) if covered is None else covered
                covered[at : at + len(value)] = STAR * len(value)
                at = data.find(value, at + 1)
        return data if covered is None else bytes(covered)

    def text(self, text: str) -> str:
        """`text`, covered."""
        return self.cover(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")

    def open_end(self, data: bytes) -> int:
        """How many of the last bytes may be the beginning of a value whose rest is yet to come."""
        return max((_beginning(value, data) for value in self._values), default=0)


class MaskedStream:
    """What is added to a file, covered; the beginning of a value waits for its rest.

    Args:
        mask: what to cover.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._before = b""  # told already
        self._waiting = b""
        self._end = 0

    def feed(self, offset: int, data: bytes) -> tuple[int, bytes]:
        """Takes the bytes that were added at `offset`; returns what can be told, and its offset."""
        self._waiting += data
        self._end = offset + len(data)
        return self._told(self._mask.open_end(self._waiting))

    @property
    def waiting(self) -> int:
        """How many bytes wait for the rest of a value that they may begin."""
        return len(self._waiting)

    def rest(self) -> tuple[int, bytes]:
        """What still waited when the file came to its end."""
        return self._told(0)

    def _told(self, keep: int) -> tuple[int, bytes]:
        at = self._end - len(self._waiting)
        whole = self._before + self._waiting
        end = len(whole) - keep
        told = self._mask.cover(whole)[len(self._before) : end]
        self._waiting = whole[end:]
        self._before = whole[max(0, end - self._mask.reach) : end]
        return at, told


def _beginning(value: bytes, data: bytes) -> int:
    """How many bytes at the end of `data` are the beginning of `value`, and not the whole."""
    at = data.find(value[:1], max(0, len(data) - len(value) + 1))
    while at >= 0 and not value.startswith(data[at:]):
        at = data.find(value[:1], at + 1)
    return len(data) - at if at >= 0 else 0


def _forms(value: str) -> Iterator[bytes]:
    """The value as a log may have it: as it is, line by line, and as JSON writes it."""
    if len(value) < SHORTEST_MASKED:
        return
    lines = [line.strip() for line in value.splitlines()]
    for text in {value, value.strip(), *(line for line in lines if len(line) >= SHORTEST_LINE)}:
        if len(text) < SHORTEST_MASKED:
            continue
        for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield form.encode("utf-8", "surrogateescape")
