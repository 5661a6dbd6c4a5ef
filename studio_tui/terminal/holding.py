"""The terminal holder's protocol as the host speaks it (pure: bytes in, events out).

The other end is `payload/hold`, where the frames are described.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from studio_tui.errors import StudioError

_LARGEST_FRAME = 1 << 20
_INPUT_PER_FRAME: Final = 1 << 16
_ECHO, _CANONICAL = 1, 2


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes the program wrote; the first of them is number `offset`."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Output from byte `start` to byte `end` is gone for good: start the emulator anew."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Flags:
    """What the pty does with input: echoes it, edits lines."""

    echo: bool
    canonical: bool

    @property
    def password(self) -> bool:
        """Whether a line is read unseen. A program that edits lines itself echoes none either."""
        return self.canonical and not self.echo


@dataclass(frozen=True, slots=True)
class Exit:
    """The program is over; a negative code is the signal that ended it."""

    code: int


Event = Output | Gap | Flags | Exit


class HolderError(StudioError):
    """The holder said something that no holder says."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the terminal's holder {what}", "Close the terminal and open a new one.")


def encode_attach(offset: int) -> bytes:
    """Ask for the output from byte `offset` on; 0 for all that is kept."""
    return _frame(b"A", struct.pack(">Q", offset))


def encode_input(data: bytes) -> bytes:
    """Type `data`, of any length."""
    pieces = range(0, len(data), _INPUT_PER_FRAME)
    return b"".join(_frame(b"D", data[at : at + _INPUT_PER_FRAME]) for at in pieces)


def encode_resize(cols: int, lines: int) -> bytes:
    """Set the size in cells."""
    return _frame(b"R", struct.pack(">HH", cols, lines))


def encode_forget() -> bytes:
    """Forget all input that the program has not read yet."""
    return _frame(b"C", b"")


def encode_kill() -> bytes:
    """End the program: hang up, and kill what has not ended a few seconds later."""
    return _frame(b"K", b"")


def _frame(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack(">I", len(payload)) + payload


class HolderStream:
    """What one connection after the other brings, joined into one gapless count of bytes.

    Attributes:
        offset: number of the next byte of output; attach with it after a lost connection.
        live_at: number of the first byte of output that nobody can have followed before; 0 for a
            new terminal, else where the output ended when this stream was first attached. What the
            program asked before it has been answered, or is answered too late.
    """

    def __init__(self, offset: int = 0, live_at: int | None = None) -> None:
        self.offset = offset
        self.live_at = live_at
        self._inbox = bytearray()

    def attach(self) -> bytes:
        """What to send first on a new connection. Forgets the half frame of the old one."""
        self._inbox.clear()
        return encode_attach(self.offset)

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes as they arrive; return what they complete. HolderError on nonsense."""
        inbox = self._inbox
        inbox += data
        events = []
        while len(inbox) >= 5:
            (length,) = struct.unpack_from(">I", inbox, 1)
            if length > _LARGEST_FRAME:
                raise HolderError(f"sent a frame of {length} bytes")
            if len(inbox) < 5 + length:
                break
            kind, payload = bytes(inbox[:1]), bytes(inbox[5 : 5 + length])
            del inbox[: 5 + length]
            event = self._understand(kind, payload)
            if event is not None:
                events.append(event)
        return events

    def _understand(self, kind: bytes, payload: bytes) -> Event | None:
        match kind, len(payload):
            case b"D", size:
                self.offset += size
                return Output(self.offset - size, payload)
            case b"O", 16:
                before, (self.offset, end) = self.offset, struct.unpack(">QQ", payload)
                self.live_at = end if self.live_at is None else self.live_at
                return Gap(before, self.offset) if self.offset != before else None
            case b"E", 1:
                return Flags(bool(payload[0] & _ECHO), bool(payload[0] & _CANONICAL))
            case b"X", 4:
                return Exit(struct.unpack(">i", payload)[0])
        raise HolderError(f"sent {kind!r} with {len(payload)} bytes")
