"""Cuts a client's bytes into websocket frames: plain ones are read here, the rest is the library's.

Nearly all that clients send is one short, whole, masked binary frame per message. Those are
unmasked here at a tenth of the cost. Anything else (control frames, fragments, big or malformed
frames) is passed on to the library byte for byte; it never sees a plain frame, so it is always at
the border of a frame, or inside one that is its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN: Final = 16 << 10  # bytes of payload; a longer frame is the library's
_WHOLE_BINARY: Final = 0x82
_MASKED: Final = 0x80
_FIN: Final = 0x80
_CONTROL: Final = 0x08  # set in the opcodes of control frames


class FrameCutter:
    """The client's end of one websocket, from its first frame on."""

    __slots__ = ("_fragmented", "_owed", "_rest")

    def __init__(self) -> None:
        self._rest = b""  # the start of a frame whose end is still to come
        self._owed = 0  # bytes of the library's frame that are still to come
        self._fragmented = False  # a message in fragments is under way

    def whole(self, data: bytes) -> bytes | None:
        """The payload when the bytes are one plain frame, short and whole, as of a keystroke."""
        size = len(data) - 6
        if (
            not 0 < size < 126
            or data[1] != _MASKED | size
            or data[0] != _WHOLE_BINARY
            or self._rest
            or self._owed
            or self._fragmented
        ):
            return None
        return apply_mask(data[6:], data[2:6])

    def cut(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yields (payload, True) for a plain frame and (bytes, False) for the library.

        Use it up before the next call.
        """
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, end = 0, len(data)
        while at < end:
            if self._owed:
                piece = data[at : at + self._owed]
                self._owed -= len(piece)
                at += len(piece)
                yield piece, False
                continue
            if end - at > 6 and data[at] == _WHOLE_BINARY and not self._fragmented:
                size = data[at + 1] - _MASKED
                start = at + 6
                if 0 <= size < 126 and start + size <= end:  # the header of nearly every frame
                    at = start + size
                    yield apply_mask(data[start:at], data[start - 4 : start]), True
                    continue
            header = _header(data, at)
            if header is None:
                self._rest = data[at:]
                return
            start, size = header
            if data[at] != _WHOLE_BINARY or not data[at + 1] & _MASKED or size > PLAIN:
                self._follow(data[at])
                self._owed = start + size - at
            elif self._fragmented:
                self._owed = start + size - at  # an offence, for the library to see
            elif start + size > end:
                self._rest = data[at:]
                return
            else:
                at = start + size
                yield apply_mask(data[start:at], data[start - 4 : start]), True

    def _follow(self, first: int) -> None:
        """Notes whether a frame with this first byte leaves a message unfinished."""
        if not first & _CONTROL:
            self._fragmented = not first & _FIN


def _header(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` begins and its size; None when bytes are missing."""
    left = len(data) - at
    if left < 2:
        return None
    size = data[at + 1] & 0x7F
    start = at + 2
    if size == 126:
        start += 2
    elif size == 127:
        start += 8
    if data[at + 1] & _MASKED:
        start += 4
    if start - at > left:
        return None
    if size > 125:
        size = int.from_bytes(data[at + 2 : at + (4 if size == 126 else 10)], "big")
    return start, size
