"""Puts what has come where it belongs, one whole file at a time; nothing is destroyed.

What stands in the way, or is to go, is moved into the trash. Every step first looks whether the
file is still what the plan saw; one that is not stays as it is, and is told.

Steps, paths relative to the folder; `before` is a survey's row or null:

    moves    [[from, to, before], ...]                  a file gets another name
    trash    [[path, before], ...]                      a file or link goes
    gone     [path, ...]                                folders go if nothing is in them
    folders  [[path, mode], ...]                        folders are made
    places   [[staged, path, mode, size, mtime_ns, before], ...]
    links    [[path, target, before], ...]              symbolic links are made
    modes    [[path, mode], ...]
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any

from .survey import same_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MODE = 0o777


class Changed(Exception):
    """Something is not what the plan saw."""


class Settlement:
    """Steps in one folder.

    Args:
        root: the folder, resolved.
        stage: where whole files lie that have come.
        trash: where displaced ones go; made when there are any.
    """

    def __init__(self, root: str, stage: str, trash: str) -> None:
        self._root = root
        self._stage = stage
        self._trash = trash
        self._left: list[list[str]] = []
        self._opened: dict[str, int] = {}  # folders made writable, with their mode
        self._sound: set[str] = {root}

    def do(self, steps: Mapping[str, Any]) -> list[list[str]]:
        """Takes every step that can be taken; returns [path, reason] of the others."""
        try:
            for name, deed in self._deeds():
                for step in steps.get(name, ()):
                    self._try(deed, [step] if isinstance(step, str) else step)
        finally:
            for folder, mode in sorted(self._opened.items(), reverse=True):
                with contextlib.suppress(OSError):
                    os.chmod(folder, mode)
        return self._left

    def _deeds(self) -> list[tuple[str, Callable[..., None]]]:
        return [
            ("moves", self._move),
            ("trash", self._discard),
            ("gone", self._remove),
            ("folders", self._make),
            ("places", self._place),
            ("links", self._link),
            ("modes", self._chmod),
        ]

    def _try(self, deed: Callable[..., None], step: list[Any]) -> None:
        try:
            deed(*step)
        except (Changed, OSError) as problem:
            why = getattr(problem, "strerror", None) or str(problem)
            names = {"_move": step[:2], "_place": step[1:2]}.get(deed.__name__, step[:1])
            self._left += [[name, why] for name in names]

    # -- the deeds ----------------------------------------------------------------------------

    def _move(self, path: str, to: str, before: Any) -> None:
        full, target = self._at(path), self._at(to, make=True)
        self._check(full, before)
        self._check(target, None)
        os.rename(full, target)

    def _discard(self, path: str, before: Any) -> None:
        full = self._at(path)
        self._check(full, before)
        os.rename(full, self._trashed(path))

    def _remove(self, path: str) -> None:
        # What nobody carries may be left in it: then it stays.
        with contextlib.suppress(OSError):
            full = self._at(path)
            os.rmdir(full)
            self._sound.discard(full)
            self._opened.pop(full, None)

    def _make(self, path: str, mode: int) -> None:
        full = self._at(path, make=True)
        if not os.path.isdir(full) or os.path.islink(full):
            os.mkdir(full, mode | stat.S_IRWXU)
        os.chmod(full, mode | stat.S_IRWXU)
        self._opened[full] = mode

    def _place(self, staged: str, path: str, mode: int, size: int, mtime: int, before: Any) -> None:
        came = os.path.join(self._stage, staged)
        try:
            status = os.lstat(came)
        except FileNotFoundError:
            raise Changed("it has not come") from None
        whole = stat.S_ISREG(status.st_mode) and status.st_size == size
        if not whole or not same_time(status.st_mtime_ns, mtime):
            raise Changed("it changed while it was carried")
        full = self._at(path, make=True)
        self._check(full, before)
        os.chmod(came, mode)
        self._keep(full, path, before)
        os.replace(came, full)

    def _link(self, path: str, target: str, before: Any) -> None:
        full = self._at(path, make=True)
        self._check(full, before)
        made = os.path.join(self._stage, ".link")
        os.makedirs(self._stage, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(made)
        os.symlink(target, made)
        self._keep(full, path, before)
        os.replace(made, full)

    def _chmod(self, path: str, mode: int) -> None:
        full = self._at(path)
        if os.path.islink(full):
            raise Changed("it became a link")
        if full in self._opened:
            self._opened[full] = mode
        else:
            os.chmod(full, mode)

    # -- what they need -----------------------------------------------------------------------

    def _check(self, full: str, before: Any) -> None:
        """Raises Changed when there is not what a row says; None says that there is nothing."""
        try:
            status = os.lstat(full)
        except (FileNotFoundError, NotADirectoryError):
            if before is not None:
                raise Changed("it is gone") from None
            return
        if before is None:
            raise Changed("it came since")
        if stat.S_ISLNK(status.st_mode):
            same = before[0] == "l" and os.readlink(full) == before[2]
        else:
            same = before[0] == "f" and stat.S_ISREG(status.st_mode)
            same = same and [status.st_size, status.st_mtime_ns] == before[3:5]
        if not same:
            raise Changed("it changed since")

    def _keep(self, full: str, path: str, before: Any) -> None:
        """Leaves what is about to be replaced in the trash, its name never without a file."""
        if before is None:
            return
        kept = self._trashed(path)
        try:
            os.link(full, kept, follow_symlinks=False)
        except OSError:  # a disk without hard links
            os.rename(full, kept)

    def _trashed(self, path: str) -> str:
        kept = os.path.join(self._trash, path)
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        while os.path.lexists(kept):
            kept += "~"
        return kept

    def _at(self, path: str, *, make: bool = False) -> str:
        """Where a path is: in a folder that no link leads out of, and that can be written."""
        full = os.path.join(self._root, path)
        folder = os.path.dirname(full)
        if folder not in self._sound:
            if make:
                os.makedirs(folder, exist_ok=True)
            if os.path.realpath(folder) != folder:
                raise Changed("a link leads out of its folder")
            self._sound.add(folder)
        if folder not in self._opened:
            self._open(folder)
        return full

    def _open(self, folder: str) -> None:
        """Makes a read-only folder of ours writable, until all is done."""
        status = os.stat(folder)
        if status.st_uid == os.geteuid() and status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(folder, status.st_mode & _MODE | stat.S_IRWXU)
            self._opened[folder] = status.st_mode & _MODE
