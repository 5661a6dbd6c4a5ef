"""Bounded reading and writing of the small binary pieces a frame is made of."""

from __future__ import annotations

from studio_tui.errors import StudioError
from studio_tui.terminal.cells import is_clean

_LONGEST_NUMBER = 9


class FrameError(StudioError):
    """A frame no host would send: cut short, too big, out of range, or with control characters."""

    def __init__(self, what: str) -> None:
        super().__init__(f"bad terminal frame: {what}", "Open the terminal again.")


class Writer:
    """Collects numbers (LEB128) and texts (length, then UTF-8)."""

    def __init__(self) -> None:
        self._out = bytearray()

    def number(self, value: int) -> None:
        """Write a whole number from 0 up."""
        while value > 0x7F:
            self._out.append(value & 0x7F | 0x80)
            value >>= 7
        self._out.append(value)

    def text(self, value: str) -> None:
        """Write a text."""
        data = value.encode()
        self.number(len(data))
        self._out += data

    def done(self) -> bytes:
        """Everything written so far."""
        return bytes(self._out)


class Reader:
    """Reads what a `Writer` wrote and raises FrameError for anything else."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, what: str, most: int) -> int:
        """A number from 0 to `most`; `what` names it in the error."""
        value = shift = 0
        for _ in range(_LONGEST_NUMBER):
            if self._at >= len(self._data):
                raise FrameError(f"ends before {what}")
            octet = self._data[self._at]
            self._at += 1
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                if value > most:
                    raise FrameError(f"{what} is {value}, at most {most} allowed")
                return value
            shift += 7
        raise FrameError(f"{what} is too long a number")

    def text(self, what: str, most: int) -> str:
        """A text of at most `most` bytes, free of control characters."""
        length = self.number(f"the length of {what}", most)
        data = self._data[self._at : self._at + length]
        if len(data) < length:
            raise FrameError(f"ends within {what}")
        self._at += length
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise FrameError(f"{what} is not UTF-8") from None
        if not is_clean(text):
            raise FrameError(f"control character in {what}")
        return text

    def end(self) -> None:
        """Raise FrameError unless everything was read."""
        if self._at != len(self._data):
            raise FrameError(f"{len(self._data) - self._at} bytes too many")
