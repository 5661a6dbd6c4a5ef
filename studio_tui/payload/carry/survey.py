"""What the files of a folder are: one row each, with a digest where reading is cheap.

Rows: ["f", path, mode, size, mtime_ns, digest or null, sparse], ["d", path, mode],
["l", path, target].
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGEST_BELOW = 1 << 20
"""Bytes; larger files are told apart by size and time until somebody asks for their digest."""
_SETTLED_NS = 2 * 10**9  # a file this old cannot change again within one tick of its clock
_SECOND_NS = 10**9
_PERMISSIONS = 0o777


def same_time(one: int, other: int) -> bool:
    """Whether two times in ns are one, on disks that may keep whole seconds alone."""
    if one == other:
        return True
    return one // _SECOND_NS == other // _SECOND_NS and 0 in (one % _SECOND_NS, other % _SECOND_NS)


def write_json(path: str, content: object) -> None:
    """The file has the old content or the new one, at any moment."""
    with open(path + ".part", "w", encoding="ascii") as file:
        file.write(json.dumps(content, separators=(",", ":")))
    os.replace(path + ".part", path)


class Digests:
    """Digests of files as they were read, kept in a file; as git's index, by size, times, inode."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fresh: dict[str, Any] = {}
        try:
            with open(path, encoding="ascii") as file:
                self._known: dict[str, Any] = json.load(file)
        except (OSError, ValueError):
            self._known = {}

    def find(self, path: str, status: os.stat_result) -> str | None:
        """The digest of a file that is still as it was when it was read."""
        found = self._known.get(path)
        if found is None or found[:-1] != _identity(status):
            return None
        self._fresh[path] = found
        return str(found[-1])

    def add(self, path: str, status: os.stat_result, digest: str) -> None:
        """Remembers a digest, unless the file could change without a trace."""
        if status.st_ctime_ns + _SETTLED_NS < time.time_ns():
            self._fresh[path] = [*_identity(status), digest]

    def write(self) -> None:
        """Keeps what was found or added, and nothing else."""
        if self._fresh == self._known:
            return
        write_json(self._path, self._fresh)
        self._known = dict(self._fresh)


def _identity(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def rows(
    root: str, paths: Iterable[str], digests: Digests, below: int | None = DIGEST_BELOW
) -> tuple[list[Any], list[str]]:
    """The rows of the paths, and what cannot be carried: unreadable, or no file, folder or link.

    Args:
        below: files of fewer bytes get a digest; None for all.
    """
    found: list[Any] = []
    left: list[str] = []
    for path in paths:
        try:
            row = _row(root, path, digests, below)
        except FileNotFoundError:
            continue  # gone since it was listed
        except OSError:
            row = None
        if row is None:
            left.append(path)
        else:
            found.append(row)
    return found, left


def _row(root: str, path: str, digests: Digests, below: int | None) -> list[Any] | None:
    full = os.path.join(root, path)
    status = os.lstat(full)
    if stat.S_ISLNK(status.st_mode):
        return ["l", path, os.readlink(full)]
    mode = status.st_mode & _PERMISSIONS
    if stat.S_ISDIR(status.st_mode):
        return ["d", path, mode]
    if not stat.S_ISREG(status.st_mode):
        return None
    digest = digests.find(path, status)
    if digest is None:
        if below is None or status.st_size < below:
            digest = _digest(full, path, digests)
        elif not os.access(full, os.R_OK):
            return None
    sparse = status.st_blocks * 512 < status.st_size
    return ["f", path, mode, status.st_size, status.st_mtime_ns, digest, sparse]


def _digest(full: str, path: str, digests: Digests) -> str | None:
    """None when the file changes while it is read: then its time has changed too."""
    found = hashlib.sha256()
    with open(full, "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        while data := file.read(1 << 20):
            found.update(data)
        after = os.fstat(file.fileno())
    if _identity(before) != _identity(after):
        return None
    digests.add(path, after, found.hexdigest())
    return found.hexdigest()
