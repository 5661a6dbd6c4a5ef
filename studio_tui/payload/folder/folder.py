"""The files in one folder, and nothing outside of it."""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import stat
from typing import TYPE_CHECKING, Any

from . import disk
from .disk import FOLDER, Spot, Stamp
from .faults import Fault, told
from .names import OURS, SKIPPED, check_not_root, check_showable, holds_secrets, is_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRY_CAP = 5000
LISTING_BYTES = 900 * 1024
ENTRY_BYTES = 100
WALK_BYTES = 1 << 24
DEPTH_CAP = 128  # folders in folders that a walk enters
SNIFF = 8192

_KINDS = {stat.S_IFDIR: "dir", stat.S_IFREG: "file"}


class Folder:
    """The files in `root`. Every path that comes from outside goes through `at`.

    Args:
        private: folders that nobody may look into: what a token in them opens is more than its
            reader may do.
    """

    def __init__(self, root: str, private: list[str]) -> None:
        self.root = os.path.realpath(root)
        inside = (self._inside(os.path.realpath(path)) for path in private)
        self._private = [name for name in inside if name]

    # -- where things are ---------------------------------------------------------------------

    def name(self, path: str, link: bool = False) -> str:
        """The one name of what is at `path`: relative to the folder, links resolved.

        Args:
            link: when the last part is a symbolic link, name the link and not its target.

        Raises:
            Fault: it leads out of the folder, by ".." or through a link, or it is private.
        """
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if "\0" in path or path.startswith("/") or ".." in parts:
            said = f"{path!r} is outside of the studio's folder"
            raise Fault("refused", said, "use a path inside of it")
        full = os.path.join(self.root, *parts)
        if link and parts:
            real = os.path.join(os.path.realpath(os.path.dirname(full)), parts[-1])
        else:
            real = os.path.realpath(full)
        name = self._inside(real)
        if name is None:
            said = f"{path!r} is a link out of the studio's folder"
            raise Fault("refused", said, "copy the file into it")
        if self._is_private(name):
            said = f"{path!r} is not shared: it may hold secrets"
            raise Fault("refused", said, "use a terminal for it")
        if not is_text(name):
            raise Fault("usage", f"{path!r} leads to a name that is not UTF-8", "rename that")
        return name

    def _inside(self, real: str) -> str | None:
        """The part of a resolved path below the folder; None when it is not in it."""
        above = self.root.rstrip("/") + "/"
        if real == self.root:
            return ""
        return real[len(above) :] if real.startswith(above) else None

    def _is_private(self, name: str) -> bool:
        if any(name == private or name.startswith(private + "/") for private in self._private):
            return True
        return any(holds_secrets(part) for part in name.split("/"))

    @contextlib.contextmanager
    def at(self, path: str, link: bool = False, make: bool = False) -> Iterator[Spot]:
        """Where `path` is, for as long as the block runs.

        The folders on the way are opened one by one and no link is followed any more: one that is
        put there between the look and the deed leads nowhere.

        Args:
            link: as for `name`.
            make: create the folders on the way that are missing.

        Raises:
            Fault: as for `name`; a folder on the way is missing, or cannot be entered; and what
                the system says to what is done in the block.
        """
        with told(path or "."):
            *folders, last = [part for part in self.name(path, link).split("/") if part] or ["."]
            opened = os.open(self.root, FOLDER)
            try:
                for part in folders:
                    if make:
                        with contextlib.suppress(FileExistsError):
                            os.mkdir(part, dir_fd=opened)
                    above, opened = opened, os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=opened)
                    os.close(above)
                yield Spot(opened, last)
            finally:
                os.close(opened)

    # -- looking ------------------------------------------------------------------------------

    def entries(self, path: str, after: str = "") -> tuple[list[dict[str, Any]], str]:
        """The entries of the folder at `path`, by name; the last one's name if some were left out.

        Each is {"name", "kind": "dir" | "file" | "other", "size", "mtime"}; a link has "link", too,
        and is what it leads to, "other" when that is nothing or not to be opened here.

        Args:
            after: only those that come after this name.
        """
        folder = self.name(path)
        with self.at(path) as spot, disk.opened_to_read(spot, os.O_DIRECTORY) as number:
            with os.scandir(number) as found:
                theirs = (e for e in found if e.name not in OURS and e.name > after)
                first = heapq.nsmallest(ENTRY_CAP + 1, theirs, key=lambda entry: entry.name)
            shown: list[dict[str, Any]] = []
            size, last = 0, ""
            for entry in first[:ENTRY_CAP]:
                size += ENTRY_BYTES + len(json.dumps(entry.name))
                if size > LISTING_BYTES:
                    break
                last = entry.name
                with contextlib.suppress(FileNotFoundError):  # gone since
                    shown.append(self._entry(f"{folder}/{entry.name}".lstrip("/"), entry))
        return shown, last if size > LISTING_BYTES or len(first) > ENTRY_CAP else ""

    def _entry(self, name: str, entry: os.DirEntry[str]) -> dict[str, Any]:
        status, kind = entry.stat(follow_symlinks=False), "other"
        with contextlib.suppress(Fault, OSError):
            if entry.is_symlink():
                with self.at(name) as spot:
                    status = os.lstat(spot.name, dir_fd=spot.folder)
            if self._shows(name):
                kind = _KINDS.get(stat.S_IFMT(status.st_mode), "other")
        # A name that is not UTF-8 has no place in a message: it is shown, not openable.
        shown = entry.name.encode("utf-8", "replace").decode()
        link = {"link": True} if entry.is_symlink() else {}
        size, modified = status.st_size, status.st_mtime
        return {"name": shown, "kind": kind, "size": size, "mtime": modified, **link}

    def _shows(self, name: str) -> bool:
        """Whether the last part of `name` may be opened, its folder being one that may."""
        secret = name in self._private or holds_secrets(name.rpartition("/")[2])
        return is_text(name) and not secret

    def piece(self, path: str, offset: int, length: int) -> tuple[os.stat_result, bool, bytes]:
        """Bytes of any regular file, after its status and whether it looks binary."""
        with self.at(path) as spot, disk.opened_to_read(spot) as number:
            status = os.fstat(number)
            disk.check_regular(status)
            binary = b"\0" in os.pread(number, SNIFF, 0)
            return status, binary, os.pread(number, length, offset)

    def walk(self, most: int) -> list[str]:
        """The files below the folder, links included, the first `most` of them that fit."""
        found = Paths(most)
        with told("."):
            opened = os.open(self.root, FOLDER)
            try:
                self._walk(opened, "", found)
            finally:
                os.close(opened)
        return found.names

    def _walk(self, folder: int, prefix: str, found: Paths) -> None:
        below = []
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = prefix + entry.name
                if not self._shows(name):
                    continue
                if not _leads_to_folder(entry):
                    found.add(name)
                elif entry.name not in SKIPPED and not entry.is_symlink():
                    below.append(entry.name)
        for part in below if prefix.count("/") < DEPTH_CAP else ():
            if found.full:
                return
            with contextlib.suppress(OSError):  # gone since, or not to be entered
                opened = os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                try:
                    self._walk(opened, f"{prefix}{part}/", found)
                finally:
                    os.close(opened)

    def stamp(self, path: str) -> Stamp | None:
        """The file's stamp; None when there is none to be seen."""
        try:
            with self.at(path) as spot:
                return disk.look(spot)
        except Fault:
            return None

    # -- changing -----------------------------------------------------------------------------

    def create(self, path: str, kind: str) -> None:
        """Make an empty file, or a folder, and the folders above it.

        Raises:
            Fault: something is there already, or the name cannot be shown.
        """
        check_showable(path)
        with self.at(path, link=True, make=True) as spot:
            try:
                if kind == "dir":
                    os.mkdir(spot.name, dir_fd=spot.folder)
                else:
                    disk.create(spot)
            except FileExistsError:
                said = f"{path or '.'} exists already"
                raise Fault("usage", said, "open it, or choose another name") from None

    def rename(self, path: str, to: str, over: bool = False) -> tuple[str, str]:
        """Give a file or folder another name, or another place in the folder.

        Args:
            over: it may take the place of a file or a link, but never of a folder.

        Returns:
            What it was called, and is called now.

        Raises:
            Fault: it is not there, or something else has the new name.
        """
        check_showable(to)
        old, new = self.name(path, link=True), self.name(to, link=True)
        check_not_root(old)
        with self.at(path, link=True) as source, self.at(to, link=True, make=True) as target:
            with told(path):
                os.lstat(source.name, dir_fd=source.folder)
            with contextlib.suppress(FileNotFoundError):
                there = os.lstat(target.name, dir_fd=target.folder)
                if not over or stat.S_ISDIR(there.st_mode):
                    said = f"{to} exists already"
                    raise Fault("usage", said, "choose another name, or delete it first")
            os.rename(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder)
        return old, new

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; of a link the link alone.

        Raises:
            Fault: it is not there.
        """
        check_not_root(self.name(path, link=True))
        with self.at(path, link=True) as spot:
            if stat.S_ISDIR(os.lstat(spot.name, dir_fd=spot.folder).st_mode):
                disk.remove_tree(spot)
            else:
                os.unlink(spot.name, dir_fd=spot.folder)


class Paths:
    """Paths that were found, as many as are wanted and fit into a reply."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self.names: list[str] = []
        self.full = False

    def add(self, name: str) -> None:
        """Keep `name`, if there is place for it."""
        self._size += len(name.encode()) + 1
        self.full = self.full or len(self.names) >= self._most or self._size > WALK_BYTES
        if not self.full:
            self.names.append(name)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
