"""The one log of a job of several members: their lines in the order in which they came."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from studio_tui.settings.private import private_folder

LINE_LIMIT = 64 * 1024
"""So many bytes without an end are a line."""

_RANKED = re.compile(rb"\[rank\d+\]:")


class MergedLog:
    """A file of whole lines, each of which says who wrote it, and how far each member is in it.

    torchrun marks the lines of its processes, `[rank3]: `; what it says itself is marked with the
    machine's name. A second file says after each addition what the first then holds, so that one
    whose writer was killed goes on with no line lost and none twice.

    Args:
        path: the log's file; the second lies beside it.
    """

    def __init__(self, path: Path) -> None:
        private_folder(path.parent)
        self._path = path
        self._index = path.with_suffix(".index")
        self.offsets: dict[str, int] = {}
        """Bytes of each member's own log that are in this one."""
        self.size = 0
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

    def read(self, offset: int, length: int) -> bytes:
        """A stretch of it."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(offset)
            return file.read(max(0, min(length, self.size - offset)))
        return b""

    def says(self, words: Iterable[bytes]) -> bool:
        """Whether one of these is near its end, in whichever case."""
        end = self.read(max(0, self.size - LINE_LIMIT), LINE_LIMIT).lower()
        return any(word in end for word in words)

    def remove(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)
        self._index.unlink(missing_ok=True)

    def _append(self, member: str, data: bytes, name: str) -> tuple[int, bytes]:
        at = self.size
        if not data:
            return at, b""
        text = b"".join(_marked(line, name) for line in data.splitlines(keepends=True))
        if not text.endswith(b"\n"):
            text += b"\n"
        _add(self._path, text)
        self.size += len(text)
        self.offsets[member] = self.offsets.get(member, 0) + len(data)
        _add(self._index, f"{member} {self.offsets[member]} {self.size}\n".encode())
        return at, text

    def _load(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            index = self._index.read_bytes()
            whole = index.rfind(b"\n") + 1
            for line in index[:whole].splitlines():
                member, offset, size = line.decode().split()
                self.offsets[member], self.size = int(offset), int(size)
            os.truncate(self._index, whole)
            os.truncate(self._path, self.size)


def _marked(line: bytes, name: str) -> bytes:
    return line if _RANKED.match(line) else b"[" + name.encode() + b"]: " + line


def _add(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(data)
