"""The one log of a job of several members: their lines in the order in which they came."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path

from studio_tui.settings.private import private_folder

LINE_LIMIT = 64 * 1024
"""So many bytes without an end are a line."""
SEGMENT = 64 << 20
"""Bytes of one of the files that it lies in; a new one is begun between two additions."""
KEPT = 4
"""So many of these files are kept."""

_RANKED = re.compile(rb"\[rank\d+\]:")


class MergedLog:
    """Whole lines, each of which says who wrote it, and how far each member is in them.

    torchrun marks the lines of its processes, `[rank3]: `; what it says itself is marked with the
    machine's name. The lines lie in files that are named by the byte at which they begin; of a long
    log the first are given up. Another file says after each addition what they then hold, so that a
    log whose writer was killed goes on with no line lost and none twice.

    Args:
        path: what the files are called, with a number behind it; the other one lies beside it.
    """

    def __init__(self, path: Path) -> None:
        private_folder(path.parent)
        self._path = path
        self._index = path.with_suffix(".index")
        self.offsets: dict[str, int] = {}
        """Bytes of each member's own log that are in this one."""
        self.size = 0
        self._segments = [0]
        self._torn: dict[str, bytes] = {}
        self._load()

    def add(self, member: str, offset: int, data: bytes, name: str) -> tuple[int, bytes]:
        """Take what a member added to its log at `offset`; returns what is new here, and where.

        Args:
            name: what marks lines that no rank wrote.
        """
        known = self.offsets.get(member, 0) + len(self._torn.get(member, b""))
        data = self._torn.pop(member, b"") + data[max(0, known - offset) :]
        end = len(data) if len(data) > LINE_LIMIT else data.rfind(b"\n") + 1
        self._torn[member] = data[end:]
        return self._append(member, data[:end], name)

    def rest(self, member: str, name: str) -> tuple[int, bytes]:
        """The last line of a member that has ended, if it was not whole."""
        return self._append(member, self._torn.pop(member, b""), name)

    @property
    def start(self) -> int:
        """The first byte that is kept, the start of a line."""
        return self._segments[0]

    def read(self, offset: int, length: int) -> bytes:
        """A stretch of it; nothing from before its start."""
        parts, end = [], min(offset + length, self.size)
        for begin, after in zip(self._segments, [*self._segments[1:], self.size], strict=True):
            low, high = max(offset, begin), min(end, after)
            if low < high:
                with contextlib.suppress(FileNotFoundError), self._file(begin).open("rb") as file:
                    file.seek(low - begin)
                    parts.append(file.read(high - low))
        return b"".join(parts) if offset >= self.start else b""

    def says(self, words: Iterable[bytes]) -> bool:
        """Whether one of these is near its end, in whichever case."""
        end = self.read(max(0, self.size - LINE_LIMIT), LINE_LIMIT).lower()
        return any(word in end for word in words)

    def remove(self) -> None:
        """Forget it."""
        for begin in self._found():
            self._file(begin).unlink(missing_ok=True)
        self._index.unlink(missing_ok=True)

    def _append(self, member: str, data: bytes, name: str) -> tuple[int, bytes]:
        at = self.size
        if not data:
            return at, b""
        text = b"".join(_marked(line, name) for line in data.splitlines(keepends=True))
        if not text.endswith(b"\n"):
            text += b"\n"
        if at - self._segments[-1] >= SEGMENT:
            self._begin_another()
        _add(self._file(self._segments[-1]), text)
        self.size += len(text)
        self.offsets[member] = self.offsets.get(member, 0) + len(data)
        _add(self._index, f"{member} {self.offsets[member]} {self.size}\n".encode())
        return at, text

    def _begin_another(self) -> None:
        """Go on in another file, and say in few words what there is so far."""
        self._segments.append(self.size)
        passing = self._index.with_suffix(".passing")
        passing.unlink(missing_ok=True)
        lines = [f"{member} {offset} {self.size}\n" for member, offset in self.offsets.items()]
        _add(passing, "".join(lines).encode())
        passing.replace(self._index)
        for begin in self._segments[:-KEPT]:
            self._file(begin).unlink(missing_ok=True)
        self._segments = self._segments[-KEPT:]

    def _file(self, begin: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{begin}")

    def _found(self) -> list[int]:
        found = self._path.parent.glob(f"{glob.escape(self._path.name)}.*")
        return sorted(int(file.suffix[1:]) for file in found if file.suffix[1:].isdigit())

    def _load(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            index = self._index.read_bytes()
            whole = index.rfind(b"\n") + 1
            for line in index[:whole].splitlines():
                member, offset, size = line.decode().split()
                self.offsets[member], self.size = int(offset), int(size)
            os.truncate(self._index, whole)
        for begin in self._found():
            if begin > self.size:
                self._file(begin).unlink()
        self._segments = self._found() or [self.size]
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self._file(self._segments[-1]), self.size - self._segments[-1])


def _marked(line: bytes, name: str) -> bytes:
    return line if _RANKED.match(line) else b"[" + name.encode() + b"]: " + line


def _add(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(data)
