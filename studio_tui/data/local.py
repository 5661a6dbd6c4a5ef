"""A file or folder on this computer as the other end of a copy."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from studio_tui.errors import NotFound, StudioError, UsageFault


class Target(Protocol):
    """Where a copy goes: a draft that grows from its start, and becomes the file at the end."""

    def begin(self, mark: str) -> int:
        """Open the draft of the content that `mark` stands for; how many bytes it has already."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the draft."""

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes at the draft's end, which is at `offset`."""

    def finish(self) -> None:
        """The draft is whole, and becomes the file, in place of an earlier one."""

    def discard(self) -> None:
        """The draft is not worth going on with."""

    def close(self) -> None:
        """Let it go; a draft that is neither finished nor discarded stays for the next attempt."""


class Unsent(StudioError):
    """A file cannot be sent as it is; others can."""


class Origin(Protocol):
    """A file that is copied into a source."""

    def size(self) -> int:
        """Its bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of it; called from several threads."""

    def check(self) -> None:
        """Unsent: it has changed since it was opened."""

    def close(self) -> None:
        """Let it go."""


@dataclass(frozen=True)
class Leaf:
    """What is in a folder that is copied into a source.

    Attributes:
        name: its path below the folder.
        size: bytes.
        why: it is not sent; "" of a file that is.
    """

    name: str
    size: int = 0
    why: str = ""


class Tree(Protocol):
    """A folder that is copied into a source."""

    def leaves(self) -> Iterator[Leaf]:
        """All that is below it and no folder with something in it, in no order."""

    def origin(self, name: str) -> Origin:
        """A file of it. NotFound, Refused, UsageFault: it is none any more. Unsent: see there."""


class LocalTarget:
    """A file to be made.

    Args:
        path: where; folders above it are made.
        force: whether it may take the place of another.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self._path = path
        self._force = force
        self._draft = path
        self._number = -1

    def begin(self, mark: str) -> int:
        """See `Target`. UsageFault: something is there already."""
        if self._path.is_dir():
            raise UsageFault(f"{self._path} is a folder", "name a file in it")
        if not self._force and self._path.exists():
            raise UsageFault(f"{self._path} is there already", "--force replaces it")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._draft = self._path.parent / draft_name(self._path.name, mark)
        self._number = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return os.fstat(self._number).st_size

    def read(self, offset: int, length: int) -> bytes:
        """See `Target`."""
        return os.pread(self._number, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        """See `Target`."""
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._number, rest, offset)
            rest, offset = rest[written:], offset + written

    def finish(self) -> None:
        """See `Target`."""
        os.fsync(self._number)
        try:
            os.replace(self._draft, self._path)
        except IsADirectoryError:
            self.discard()
            raise

    def discard(self) -> None:
        """See `Target`."""
        self.close()
        self._draft.unlink(missing_ok=True)

    def close(self) -> None:
        """See `Target`."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1


class LocalOrigin:
    """A file that is copied into a source.

    Raises:
        NotFound: it is not there.
        Unsent: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"there is no {path}", "check the path") from None
        except OSError as problem:
            raise Unsent(f"{path}: {problem.strerror}", f"check it: ls -ld {path}") from None
        if not path.is_file():
            os.close(self._number)
            raise UsageFault(f"{path} is no regular file", "name a file")
        self._stamp = self._look()

    def _look(self) -> tuple[int, int]:
        status = os.fstat(self._number)
        return status.st_size, status.st_mtime_ns

    def size(self) -> int:
        """See `Origin`."""
        return self._stamp[0]

    def read(self, offset: int, length: int) -> bytes:
        """See `Origin`."""
        return os.pread(self._number, length, offset)

    def check(self) -> None:
        """See `Origin`."""
        if self._look() != self._stamp:
            raise Unsent(f"{self._path} changed while it was sent", "send it again")

    def close(self) -> None:
        """See `Origin`."""
        os.close(self._number)


def leaves(listed: Callable[[str], Iterable[tuple[str, Leaf | None]]]) -> Iterator[Leaf]:
    """What is in a folder and the folders in it.

    Args:
        listed: gives what is right in one of them, whose path is "" or ends with "/": the path of
            each thing, and what it is; None for a folder.
    """
    folders = [""]
    while folders:
        below = folders.pop()
        empty = True
        for name, leaf in listed(below):
            empty = False
            if leaf is None:
                folders.append(f"{name}/")
            else:
                yield leaf
        if empty and below:
            yield Leaf(below, why="an empty folder")


class LocalTree:
    """A folder that is copied into a source.

    Links to files below it are sent as these; no other link is followed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = os.path.realpath(path)

    def leaves(self) -> Iterator[Leaf]:
        """See `Tree`. StudioError: a folder in it cannot be read."""
        return leaves(self._listed)

    def _listed(self, below: str) -> Iterator[tuple[str, Leaf | None]]:
        folder = self._path / below
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = below + entry.name
                    is_folder = entry.is_dir(follow_symlinks=False)
                    yield name, None if is_folder else self._leaf(name, entry)
        except OSError as problem:
            raise StudioError(
                f"{folder}: {problem.strerror}", f"check it: ls -ld {folder}"
            ) from None

    def _leaf(self, name: str, entry: os.DirEntry[str]) -> Leaf:
        real = os.path.realpath(entry.path) if entry.is_symlink() else ""
        if real and not real.startswith(f"{self._real.rstrip('/')}/"):
            return Leaf(name, why="a link out of the folder")
        try:
            status = entry.stat()
        except OSError:
            return Leaf(name, why="it cannot be looked at")
        regular = stat.S_ISREG(status.st_mode)
        return Leaf(name, status.st_size) if regular else Leaf(name, why="no regular file")

    def origin(self, name: str) -> LocalOrigin:
        """See `Tree`."""
        return LocalOrigin(self._path / name)


def draft_name(name: str, mark: str) -> str:
    """What a copy is called until it is whole; short enough for every file system."""
    return f".{name[:200]}.{mark}.part"
