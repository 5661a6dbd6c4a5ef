"""One recording of a terminal: a file on the host's disk that grows with what is shown."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from studio_tui.jobs.mask import Mask, MaskedStream
from studio_tui.terminal import cast
from studio_tui.terminal.cast import Cast
from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.painting import painting

log = logging.getLogger(__name__)

RECORDING_CAP = 256 << 20
"""Bytes after which a recording ends by itself."""
RESET = b"\x1bc"
"""Empties the player's screen, as ours is when output was lost."""


class Recording:
    """An asciicast v3 file. What is typed is never in it; known secrets in the output are covered.

    It begins once the terminal is between two sequences, and the file is there from then on. One
    that is there already goes on where it was broken off.

    Args:
        path: the file; its stem is the recording's id.
        mask: what to cover.
        clock: the Unix time in seconds.

    Attributes:
        id: the recording's id.
        over: why it ended by itself; "" while it goes on.
    """

    def __init__(self, path: Path, mask: Mask, clock: Callable[[], float]) -> None:
        self.id = path.stem
        self.over = ""
        self._path = path
        self._mask = mask
        self._clock = clock
        self._cast: Cast | None = None
        self._file: BinaryIO | None = None
        self._size = 0

    def resume(self) -> bool:
        """Go on with a file that an earlier host left; False when there is nothing to go on with.

        Raises:
            OSError: it cannot be read, or written to.
        """
        try:
            file = self._path.open("r+b", buffering=0)
        except FileNotFoundError:
            return False
        written = os.fstat(file.fileno())
        file.seek(max(0, written.st_size - cast.LONGEST_RECORD))
        found = cast.last_checkpoint(file.read(cast.LONGEST_RECORD), written.st_size)
        if found is None:
            file.close()
            return False
        file.truncate(found.size)
        file.seek(found.size)
        self._file, self._size = file, found.size
        self._cast = Cast(found.offset, written.st_mtime)
        self._masked = MaskedStream(self._mask)
        return True

    def begin(self, emulator: Emulator, title: str, offset: int, marks: Sequence[str]) -> None:
        """Write what is shown now, unless that is done, or a sequence is under way.

        Args:
            offset: number of the next byte of output.
            marks: what to tell at the beginning.
        """
        if self._cast is not None or self.over or not emulator.settled:
            return
        now = self._clock()
        made = self._cast = Cast(offset, now)
        self._masked = MaskedStream(self._mask)
        first = cast.header(emulator.cols, emulator.lines, now, self._mask.text(title))
        first += made.paint(self._mask.cover(painting(emulator)), now)
        for mark in marks:
            first += made.mark(mark, now)
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(descriptor, "wb", buffering=0)
        except OSError as problem:
            self._end(f"the recording could not be made: {problem.strerror}")
            return
        self._write(first)

    def output(self, offset: int, data: bytes) -> None:
        """The program wrote `data`, from byte `offset` on; what is in the file is skipped."""
        made = self._cast
        if made is None or self.over:
            return
        waited = self._masked
        known = made.offset + waited.waiting
        if offset > known:
            made.skip_to(offset)
            waited = self._masked = MaskedStream(self._mask)
            self._write(made.mark("output was lost here", self._clock()))
            self._write(made.paint(RESET, self._clock()))
            known = offset
        if fresh := data[known - offset :]:
            _, told = waited.feed(max(offset, known), fresh)
            self._write(made.output(told, self._clock()))

    def mark(self, text: str) -> None:
        """Something happened beside the program."""
        if self._cast is not None and not self.over:
            self._write(self._cast.mark(text, self._clock()))

    def resized(self, cols: int, rows: int) -> None:
        """The terminal has another size."""
        if self._cast is not None and not self.over:
            self._write(self._cast.resize(cols, rows, self._clock()))

    def exited(self, code: int | None) -> None:
        """The program is over; None when nobody knows how."""
        if self._cast is not None and not self.over:
            self._rest()
            if code is not None:
                self._write(self._cast.exit(code, self._clock()))

    def close(self, *, done: bool = True) -> None:
        """Write no more; `done` is False when the next host goes on with it."""
        if done and self._cast is not None and not self.over:
            self._rest()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rest(self) -> None:
        """What waited for the rest of a secret was none."""
        assert self._cast is not None
        _, told = self._masked.rest()
        self._write(self._cast.output(told, self._clock()))

    def _write(self, data: bytes) -> None:
        """Add to the file; a disk that is full ends the recording, and nothing else."""
        if self._file is None or not data:
            return
        if self._size + len(data) > RECORDING_CAP:
            self._end(f"the recording ended at {RECORDING_CAP >> 20} MiB")
            return
        try:
            if self._file.write(data) != len(data):
                raise OSError(0, "No space left on device")
            self._size += len(data)
        except OSError as problem:
            self._end(f"the recording ended: {problem.strerror}")

    def _end(self, why: str) -> None:
        log.warning("recording %s: %s", self.id, why)
        self.over = why
        if self._file is not None:
            try:
                self._file.truncate(self._size)  # half an event is none
            except OSError as problem:
                log.warning("recording %s: %s", self.id, problem)
        self.close(done=False)
