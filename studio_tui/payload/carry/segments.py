"""Files as a stream of segments, out of a folder and into another one; see frames."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, BinaryIO

from . import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PART = ".studio-part"
"""Ends the name of a file that is not whole yet."""


def pack(root: str, wanted: Sequence[Any], send: Callable[[bytes], object]) -> list[str]:
    """Sends the files, and the end. Returns those that are not what they are said to be any more.

    Args:
        wanted: [path, mode, size, mtime_ns] each; its place in the list is a file's number.
    """
    changed: list[str] = []
    chunk = bytearray()
    ended = 0
    for number, (path, _, size, mtime) in enumerate(wanted):
        try:
            for offset, data in _pieces(os.path.join(root, path), size, mtime):
                chunk += frames.SEGMENT.pack(number, offset, len(data))
                chunk += data
                if len(chunk) >= frames.CHUNK_BYTES:
                    send(frames.CHUNK.pack(len(chunk), ended) + chunk)
                    chunk, ended = bytearray(), 0
        except OSError:
            changed.append(path)
        ended += 1
    if chunk:
        send(frames.CHUNK.pack(len(chunk), ended) + chunk)
    send(frames.END)
    return changed


def _pieces(full: str, size: int, mtime: int) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of what is no hole, and an empty one at the file's end: it is whole."""
    number = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(number, "rb", buffering=0) as file:
        _check(number, size, mtime)
        for start, end in _extents(number, size):
            file.seek(start)
            while start < end:
                data = file.read(min(end - start, frames.CHUNK_BYTES))
                if not data:
                    raise OSError("it became shorter")
                yield start, data
                start += len(data)
        _check(number, size, mtime)
    yield size, b""


def _check(number: int, size: int, mtime: int) -> None:
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode) or (status.st_size, status.st_mtime_ns) != (size, mtime):
        raise OSError("it changed")


def _extents(number: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file's data is; all of it where the system cannot tell."""
    if not hasattr(os, "SEEK_DATA") or os.fstat(number).st_blocks * 512 >= size:
        yield 0, size
        return
    end = 0
    while end < size:
        try:
            start = os.lseek(number, end, os.SEEK_DATA)
        except OSError:  # nothing but a hole from here on
            return
        end = min(os.lseek(number, start, os.SEEK_HOLE), size)
        yield start, end


def unpack(root: str, wanted: Sequence[Any], read: Callable[[int], bytes]) -> None:
    """Takes a stream until its end. A file gets its name when it is whole.

    Args:
        wanted: as for pack.

    Raises:
        OSError: it cannot be written; the rest of the stream has not been read.
        EOFError: the stream ends in the middle.
    """
    writer = _Writer(root, wanted)
    try:
        while True:
            length, _ = frames.CHUNK.unpack(read(frames.CHUNK.size))
            if not length:
                return
            writer.take(memoryview(read(length)))
    finally:
        writer.close()


class _Writer:
    """The one file that is being written."""

    def __init__(self, root: str, wanted: Sequence[Any]) -> None:
        self._root = root
        self._wanted = wanted
        self._number = -1
        self._file: BinaryIO | None = None
        self._made = {root}

    def take(self, chunk: memoryview) -> None:
        """Writes every segment of a chunk."""
        while chunk:
            number, offset, length = frames.SEGMENT.unpack_from(chunk)
            data = chunk[frames.SEGMENT.size : frames.SEGMENT.size + length]
            chunk = chunk[frames.SEGMENT.size + length :]
            file = self._opened(number)
            if length:
                file.seek(offset)
                while data:  # a full disk takes a part first, and says so at the next
                    data = data[file.write(data) :]
            elif offset == self._wanted[number][2]:
                self._finish(file, offset)

    def _opened(self, number: int) -> BinaryIO:
        if self._file is None or number != self._number:
            self.close()
            path = self._full(number)
            folder = os.path.dirname(path)
            if folder not in self._made:
                os.makedirs(folder, exist_ok=True)
                self._made.add(folder)
            self._file, self._number = open(path + PART, "wb", buffering=0), number  # noqa: SIM115
        return self._file

    def _finish(self, file: BinaryIO, size: int) -> None:
        _, mode, _, mtime = self._wanted[self._number]
        path = self._full(self._number)
        file.truncate(size)
        os.fchmod(file.fileno(), mode)
        os.utime(file.fileno(), ns=(mtime, mtime))
        file.close()
        os.replace(path + PART, path)
        self._file, self._number = None, -1

    def _full(self, number: int) -> str:
        return os.path.join(self._root, self._wanted[number][0])

    def close(self) -> None:
        """Drops a file that is not whole."""
        if self._file is not None:
            self._file.close()
            os.unlink(self._file.name)
            self._file = None
