"""A job's log in stretches of whole lines, from anywhere in it; and the pins on its lines."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.client.answer import Answer
from studio_tui.document.entries import PinEntry
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault

if TYPE_CHECKING:
    from studio_tui.client.job import Job

STRETCH = 256 * 1024 - 1
"""What the host gives at once, less the byte that tells whether a line starts there."""
BEFORE = 16 * 1024
"""How much of what comes before a line is read with it."""
PINS_CAP = 500
LINE_CAP, TEXT_CAP = 200, 500
QUERY_CAP = 200


@dataclass(frozen=True)
class Stretch:
    """Bytes of a log from `offset` on, the start of a line; `size` is that of the whole log."""

    offset: int
    data: bytes
    size: int

    @property
    def end(self) -> int:
        """The byte after the last."""
        return self.offset + len(self.data)


def line_start(data: bytes) -> int:
    """Where the first whole line of `data` starts; of one endless line, its next rewriting."""
    return (data.find(b"\n") + 1) or (data.find(b"\r") + 1)


class JobLog:
    """Reads the log of a job from anywhere, however long it is.

    Every method but `last` raises StudioError at once when the host is away.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    async def last(self) -> Stretch:
        """The end of the log as it is now; waits while the host is away."""
        size = (await self._read(0, 0, patient=True)).size
        return await self._aligned(size - STRETCH, STRETCH, patient=True)

    async def first(self) -> Stretch:
        """The start of the log."""
        return await self._read(0, STRETCH)

    async def before(self, end: int) -> Stretch:
        """What comes before byte `end`, the start of a line; empty at the log's start."""
        offset = max(0, end - STRETCH)
        return await self._aligned(offset, end - offset)

    async def after(self, offset: int) -> Stretch:
        """What comes from byte `offset` on; empty at the log's end."""
        return await self._read(offset, STRETCH)

    async def around(self, offset: int) -> Stretch:
        """The line that starts at byte `offset`, with some of the log before and after it."""
        return await self._aligned(offset - BEFORE, STRETCH)

    async def _aligned(self, offset: int, length: int, *, patient: bool = False) -> Stretch:
        if offset <= 0:
            piece = await self._read(0, length, patient=patient)
            return Stretch(piece.offset, piece.data[: max(0, length - piece.offset)], piece.size)
        # One byte more tells whether a line starts there.
        piece = await self._read(offset - 1, length + 1, patient=patient)
        # What comes before the first line that is kept is not there.
        cut = piece.offset - (offset - 1)
        if cut:
            return Stretch(piece.offset, piece.data[: max(0, length + 1 - cut)], piece.size)
        skipped = line_start(piece.data) or 1
        return Stretch(piece.offset + skipped, piece.data[skipped:], piece.size)

    async def _read(self, offset: int, length: int, *, patient: bool = False) -> Stretch:
        studio = self._job.studio
        ask = studio.ask if patient else studio.query
        answer = Answer(
            "jobs.log", await ask("jobs.log", job=self._job.id, offset=offset, length=length)
        )
        return Stretch(answer.count("offset"), answer.data("data"), answer.count("size"))

    async def find(self, text: str, offset: int, *, back: bool = False) -> int | None:
        """The byte that the next line with `text` in it starts at; None when there is none.

        The machine searches; lower case finds both. Colours inside a word hide it.

        Args:
            offset: look from this byte on, the start of a line; with `back`, before it.
        """
        params = {"job": self._job.id, "text": text[:QUERY_CAP], "offset": offset, "back": back}
        answer = Answer("jobs.find", await self._job.studio.query("jobs.find", **params))
        return None if answer.values.get("offset") is None else answer.count("offset")

    # -- pins ---------------------------------------------------------------------------------

    @property
    def pins(self) -> list[PinEntry]:
        """What people noted at lines of this log, in the log's order."""
        pins = self._job.studio.document.pins.values()
        return sorted(
            (pin for pin in pins if pin.job == self._job.id), key=lambda p: (p.offset, p.time)
        )

    def pin(self, offset: int, line: str, text: str = "") -> PinEntry:
        """Note something at the line that starts at byte `offset`, for everybody to see.

        Raises:
            Refused: this person may only look.
            StudioError: the studio has as many pins as it can hold.
        """
        self._check_writable()
        studio = self._job.studio
        if len(studio.document.pins) >= PINS_CAP:
            raise StudioError(f"there are {PINS_CAP} pins already", "take away some first")
        entry = PinEntry(
            secrets.token_hex(6), self._job.id, offset, line[:LINE_CAP], text[:TEXT_CAP],
            studio.me.name if studio.me else "", time.time(),
        )  # fmt: skip
        studio.document.pins.put(entry)
        return entry

    async def pin_line(self, text: str | None, at: int | None = None, remark: str = "") -> PinEntry:
        """Note something at the last line with `text` in it, or at the one that byte `at` is in.

        Returns once the relay has it on disk.

        Raises:
            NotFound: there is no such line.
            UsageFault: neither is given, or both are.
        """
        if (text is None) == (at is None) or text == "":
            raise UsageFault("which line is meant?", "give a text that is in it, or its byte")
        size = (await self._read(0, 0)).size
        offset = at if text is None else await self.find(text, size, back=True)
        if offset is None or not 0 <= offset < size:
            what = f"line with {text!r}" if text is not None else f"byte {at}"
            raise NotFound(f"there is no {what} in this log", "look at it: studio-tui job logs")
        start = max(0, offset - BEFORE)
        stretch = await self._read(start, STRETCH)
        before, line = stretch.data[: offset - start], stretch.data[offset - start :]
        began = before.rfind(b"\n") + 1 if b"\n" in before or not start else len(before)
        whole = before[began:] + line.split(b"\n", 1)[0]
        entry = self.pin(start + began, whole.decode("utf-8", "replace").strip("\r"), remark)
        studio = self._job.studio
        await studio.until(lambda: not studio.unsaved)
        return entry

    def unpin(self, id: str) -> None:
        """Take a pin away, whoever made it.

        Raises:
            Refused: this person may only look.
            NotFound: it is gone already.
        """
        self._check_writable()
        if id not in self._job.studio.document.pins:
            raise NotFound("this pin is gone already", "look at the list again")
        self._job.studio.document.pins.remove(id)

    def _check_writable(self) -> None:
        if not self._job.studio.writable:
            raise Refused("a viewer cannot change pins", "ask the owner for another invite")
