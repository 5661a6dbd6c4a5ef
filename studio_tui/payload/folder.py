"""Serves the files of one folder, and nothing outside of it, over stdin and stdout.

    python3 folder.py ROOT [PRIVATE...]

Nobody may look into the folders PRIVATE, should they lie in ROOT. The first line of output is
"studio-tui folder"; whatever a login shell printed before it does not count. Then frames, both
ways: length of the head (4 bytes, big-endian), length of the body (4), head (JSON object), body.

    request  {"id", "do", ...}
    reply    {"id", ...}, in any order, or {"id", "error", "message", "hint"}; error is "missing",
             "refused", "usage", "uneditable", "changed" or "other"

    do      with                              gives
    name    path, link                        name
    list    path                              entries, truncated
    read    path, offset, length              size, binary; body: the bytes
    walk    most                              body: paths, a NUL between them
    create  path, kind ("file", "dir")
    rename  path, to, over                    old, new
    delete  path
    load    path, most                        size, stamp; body: the content if that is at most most
    write   path, before; body: the content   stamp
    append  path, offset, sync; body: bytes   size, that of the file then
    stamps  body: paths, a NUL between them   stamps, null for what is not there

Paths are relative to ROOT, "/" between their parts. A stamp is [changed in ns, size, inode]; the
one before a write is null when there was no file. "over" lets a rename take the place of a file, in
one step, but never of a folder. What is appended begins at offset, where the file ends or before
that; a file that is not there is made. Requests are answered at the same time, so a slow one does
not hold up the others. What is no request is answered with the id 0 and is the last.

It ends when stdin does, or on SIGTERM, and lets what it has begun come to its end first.

Standard library only, Python 3.8 and later, Linux and macOS.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import signal
import stat
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELLO = b"studio-tui folder\n"
HEAD_LIMIT = 1 << 20
BODY_LIMIT = 1 << 24
MOST = 32  # requests at the same time
GRACE = 1.5  # seconds for what has begun, once there is nobody to ask for more
ENTRY_CAP = 5000
LISTING_BYTES = 900 * 1024
ENTRY_BYTES = 100
DEPTH_CAP = 128  # folders in folders that a walk enters
SNIFF = 8192
NEW_FILE_MODE = 0o666
PRIVATE_MODE = 0o600
PRIVATE = {".ssh", ".aws", ".gnupg", ".netrc", ".pgpass", ".env"}
"""Names of what holds keys and passwords: a shared text would hand them to everybody."""
SAMPLES = (".example", ".sample", ".template")
SKIPPED = {".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache"}
OURS = {".studio-carry", ".studio-trash"}
"""What a switch keeps in a folder, and what was deleted: in no listing."""
SKIPPED |= OURS

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {stat.S_IFDIR: "dir", stat.S_IFREG: "file"}


class Fault(Exception):
    """Why something is not done, in words for whoever asked for it.

    Args:
        kind: the reply's "error".
        hint: what to do next.
    """

    def __init__(self, kind: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.hint = hint


class Spot(NamedTuple):
    """A name in an opened folder: no link that is put on the way to it leads elsewhere."""

    folder: int
    name: str


class Stamp(NamedTuple):
    """What tells, without reading it, that a file is another one than it was."""

    changed_ns: int
    size: int
    inode: int


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
            opened = os.open(self.root, _FOLDER)
            try:
                for part in folders:
                    if make:
                        with contextlib.suppress(FileExistsError):
                            os.mkdir(part, dir_fd=opened)
                    above, opened = opened, os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
                    os.close(above)
                yield Spot(opened, last)
            finally:
                os.close(opened)

    # -- looking ------------------------------------------------------------------------------

    def entries(self, path: str) -> tuple[list[dict[str, Any]], bool]:
        """The entries of the folder at `path`, by name, and whether some were left out.

        Each is {"name", "kind": "dir" | "file" | "other", "size", "mtime"}; a link is what it
        leads to, "other" when that is nothing or not to be opened here.
        """
        folder = self.name(path)
        with self.at(path) as spot, opened_to_read(spot, os.O_DIRECTORY) as number:
            with os.scandir(number) as found:
                theirs = (entry for entry in found if entry.name not in OURS)
                first = heapq.nsmallest(ENTRY_CAP + 1, theirs, key=lambda entry: entry.name)
            shown: list[dict[str, Any]] = []
            size = 0
            for entry in first[:ENTRY_CAP]:
                size += ENTRY_BYTES + len(json.dumps(entry.name))
                if size > LISTING_BYTES:
                    break
                with contextlib.suppress(FileNotFoundError):  # gone since
                    shown.append(self._entry(f"{folder}/{entry.name}".lstrip("/"), entry))
        return shown, size > LISTING_BYTES or len(first) > ENTRY_CAP

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
        return {"name": shown, "kind": kind, "size": status.st_size, "mtime": status.st_mtime}

    def _shows(self, name: str) -> bool:
        """Whether the last part of `name` may be opened, its folder being one that may."""
        secret = name in self._private or holds_secrets(name.rpartition("/")[2])
        return is_text(name) and not secret

    def piece(self, path: str, offset: int, length: int) -> tuple[os.stat_result, bool, bytes]:
        """Bytes of any regular file, after its status and whether it looks binary."""
        with self.at(path) as spot, opened_to_read(spot) as number:
            status = os.fstat(number)
            check_regular(status)
            binary = b"\0" in os.pread(number, SNIFF, 0)
            return status, binary, os.pread(number, length, offset)

    def walk(self, most: int) -> list[str]:
        """The files below the folder, links included, the first `most` of them that fit."""
        found = Paths(most)
        with told("."):
            opened = os.open(self.root, _FOLDER)
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
                opened = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                try:
                    self._walk(opened, f"{prefix}{part}/", found)
                finally:
                    os.close(opened)

    def stamp(self, path: str) -> Stamp | None:
        """The file's stamp; None when there is none to be seen."""
        try:
            with self.at(path) as spot:
                return look(spot)
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
                    flags = _WRITE | os.O_CREAT | os.O_EXCL
                    os.close(os.open(spot.name, flags, NEW_FILE_MODE, dir_fd=spot.folder))
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
                remove_tree(spot)
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
        self.full = self.full or len(self.names) >= self._most or self._size > BODY_LIMIT
        if not self.full:
            self.names.append(name)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_text(name: str) -> bool:
    """Whether the bytes of a name are UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def holds_secrets(name: str) -> bool:
    """Whether a file or folder of this name, whatever its case, is where people keep secrets."""
    name = name.casefold()
    return name in PRIVATE or (name.startswith(".env.") and not name.endswith(SAMPLES))


def check_showable(path: str) -> None:
    """Refuse a new name that would play tricks on whoever sees it."""
    if not path.isprintable():
        said = f"{path!r} cannot be shown as a name"
        raise Fault("usage", said, "leave out control characters")


def check_not_root(name: str) -> None:
    """Refuse what is done to the folder itself."""
    if not name:
        raise Fault("refused", "this is the studio's own folder", "name something in it")


def check_regular(status: os.stat_result) -> None:
    """Refuse what is no file: reading it may block for ever, or do something."""
    if stat.S_ISDIR(status.st_mode):
        raise Fault("uneditable", "a folder", "open a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise Fault("uneditable", "not a regular file", "use a terminal for it")


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """What the system says, in words: for whoever asked for `name`."""
    try:
        yield
    except FileNotFoundError:
        said = f"there is no {name}"
        raise Fault("missing", said, "it may have been moved or deleted") from None
    except NotADirectoryError:
        raise Fault("usage", f"{name} is not a folder, or not in one", "check the path") from None
    except PermissionError:
        raise Fault("other", f"no permission for {name}", f"check it: ls -ld {name}") from None
    except OSError as problem:
        said = f"{name}: {problem.strerror}"
        raise Fault("other", said, "check it on the studio's machine") from None


# -- one file -------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened_to_read(spot: Spot, flags: int = 0) -> Iterator[int]:
    """The spot's file; a pipe or a device does not hold the opener up."""
    if not flags & os.O_DIRECTORY:
        check_regular(os.lstat(spot.name, dir_fd=spot.folder))
    number = os.open(spot.name, _READ | flags, dir_fd=spot.folder)
    try:
        yield number
    finally:
        os.close(number)


def look(spot: Spot) -> Stamp:
    """The file's stamp, for a comparison with an earlier one. Raises OSError."""
    return stamp_of(os.lstat(spot.name, dir_fd=spot.folder))


def read(spot: Spot, most: int) -> tuple[Stamp, bytes | None]:
    """The whole file and its stamp from before it was read; None when it is larger than `most`.

    Raises:
        Fault: not a regular file.
        OSError: it is not there, or cannot be read.
    """
    with opened_to_read(spot) as number, open(number, "rb", closefd=False) as file:
        status = os.fstat(number)
        check_regular(status)
        data = file.read(most + 1)
    return stamp_of(status), data if len(data) <= most else None


def write(spot: Spot, data: bytes, before: Stamp | None) -> Stamp:
    """Make `data` the file's content and return its stamp.

    The file is replaced in one step: after a crash there is the old content or the new one. Mode,
    owner and attributes stay. A file with several names, or in a folder that takes no new file, or
    of another user, is written in place.

    Args:
        before: its stamp when it was last read; None when there was no file.

    Raises:
        Fault: it is not what it was then, or no regular file now.
        OSError: it cannot be written.
    """
    status = check_unchanged(spot, before)
    if status is None:
        return replace(spot, data, before, None, -1)
    # Also where the folder would take a new file: who may not write a file may not replace it.
    number = os.open(spot.name, _WRITE, dir_fd=spot.folder)
    try:
        if status.st_nlink == 1:
            with contextlib.suppress(PermissionError):
                return replace(spot, data, before, status, number)
        return overwrite(number, data)
    finally:
        os.close(number)


def append(spot: Spot, data: bytes, offset: int, sync: bool) -> int:
    """Put bytes into a file from `offset` on, and return its size; a new one is made.

    Raises:
        Fault: the file ends before `offset`, or is no regular one.
        OSError: it cannot be written.
    """
    flags = _WRITE | os.O_CREAT | os.O_NONBLOCK
    number = os.open(spot.name, flags, NEW_FILE_MODE, dir_fd=spot.folder)
    try:
        status = os.fstat(number)
        check_regular(status)
        if status.st_size < offset:
            raise Fault("changed", "the file became shorter meanwhile", "begin anew")
        os.lseek(number, offset, os.SEEK_SET)
        write_all(number, data)
        if sync:
            os.fsync(number)
        return os.fstat(number).st_size
    finally:
        os.close(number)


def check_unchanged(spot: Spot, before: Stamp | None) -> os.stat_result | None:
    """The file's status, None when there is no file. Fault: it is another than it was."""
    status = None
    with contextlib.suppress(FileNotFoundError):
        status = os.lstat(spot.name, dir_fd=spot.folder)
    if status is not None:
        check_regular(status)
    if (stamp_of(status) if status else None) != before:
        raise Fault("changed", "the file has just changed on disk", "save again")
    return status


def replace(
    spot: Spot, data: bytes, before: Stamp | None, status: os.stat_result | None, old: int
) -> Stamp:
    """Write a new file beside the old one, whose status and number are given, and rename it."""
    draft = f".studio-tui.{os.urandom(6).hex()}"
    flags = _WRITE | os.O_CREAT | os.O_EXCL
    mode = PRIVATE_MODE if status else NEW_FILE_MODE
    number = os.open(draft, flags, mode, dir_fd=spot.folder)
    try:
        if status is not None:
            dress(number, status, old)
        put(number, data)
        check_unchanged(spot, before)
        os.replace(draft, spot.name, src_dir_fd=spot.folder, dst_dir_fd=spot.folder)
        os.fsync(spot.folder)
        return stamp_of(os.fstat(number))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=spot.folder)
        raise
    finally:
        os.close(number)


def dress(number: int, status: os.stat_result, old: int) -> None:
    """Give a new file the owner, mode and attributes of the old one. PermissionError: it cannot."""
    mine = os.fstat(number)
    if (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(number, status.st_uid, status.st_gid)
    os.fchmod(number, stat.S_IMODE(status.st_mode))
    if hasattr(os, "listxattr"):
        for name in os.listxattr(old):
            with contextlib.suppress(OSError):
                os.setxattr(number, name, os.getxattr(old, name))


def overwrite(number: int, data: bytes) -> Stamp:
    """Write an opened file in place."""
    put(number, data)
    os.ftruncate(number, len(data))
    os.fsync(number)
    return stamp_of(os.fstat(number))


def put(number: int, data: bytes) -> None:
    """Write all of it, down to the disk."""
    write_all(number, data)
    os.fsync(number)


def write_all(number: int, data: bytes) -> None:
    """Write all of it."""
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp in a file's status."""
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def remove_tree(spot: Spot) -> None:
    """Delete a folder with all that is in it; no link in it is followed."""
    opened = os.open(spot.name, _FOLDER | os.O_NOFOLLOW, dir_fd=spot.folder)
    try:
        with os.scandir(opened) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_folder in found:
            if is_folder:
                remove_tree(Spot(opened, name))
            else:
                os.unlink(name, dir_fd=opened)
    finally:
        os.close(opened)
    os.rmdir(spot.name, dir_fd=spot.folder)


# -- requests and replies -------------------------------------------------------------------------


class Request:
    """What somebody asks for; every value is looked at before it is used."""

    def __init__(self, head: dict[str, Any], body: bytes) -> None:
        self.id = head.get("id")
        self.do = head.get("do")
        self.body = body
        self._head = head

    def text(self, key: str) -> str:
        """The string under `key`."""
        value = self._head.get(key)
        if not isinstance(value, str) or not is_text(value):
            raise Fault("usage", f"{key} must be a text", "")
        return value

    def number(self, key: str) -> int:
        """The whole number under `key`, 0 or more."""
        value = self._head.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Fault("usage", f"{key} must be a whole number", "")
        return value

    def size(self, key: str) -> int:
        """The number of bytes under `key`, no more than fit into a reply."""
        return min(self.number(key), BODY_LIMIT)

    def flag(self, key: str) -> bool:
        """Whether `key` is set."""
        return self._head.get(key) is True

    def stamp(self, key: str) -> Stamp | None:
        """The stamp under `key`, or None."""
        value = self._head.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 3:
            raise Fault("usage", f"{key} must be a stamp", "")
        return Stamp(*value)

    def paths(self) -> list[str]:
        """The paths in the body."""
        try:
            return self.body.decode().split("\0") if self.body else []
        except UnicodeDecodeError:
            raise Fault("usage", "the paths must be texts", "") from None


class Reply(NamedTuple):
    """The head of an answer, without the id, and its body."""

    head: dict[str, Any]
    body: bytes = b""


def _do_name(folder: Folder, request: Request) -> Reply:
    return Reply({"name": folder.name(request.text("path"), request.flag("link"))})


def _do_list(folder: Folder, request: Request) -> Reply:
    entries, truncated = folder.entries(request.text("path"))
    return Reply({"entries": entries, "truncated": truncated})


def _do_read(folder: Folder, request: Request) -> Reply:
    offset, length = request.number("offset"), request.size("length")
    status, binary, data = folder.piece(request.text("path"), offset, length)
    return Reply({"size": status.st_size, "binary": binary}, data)


def _do_walk(folder: Folder, request: Request) -> Reply:
    return Reply({}, "\0".join(folder.walk(request.number("most"))).encode())


def _do_create(folder: Folder, request: Request) -> Reply:
    folder.create(request.text("path"), request.text("kind"))
    return Reply({})


def _do_rename(folder: Folder, request: Request) -> Reply:
    old, new = folder.rename(request.text("path"), request.text("to"), request.flag("over"))
    return Reply({"old": old, "new": new})


def _do_delete(folder: Folder, request: Request) -> Reply:
    folder.delete(request.text("path"))
    return Reply({})


def _do_load(folder: Folder, request: Request) -> Reply:
    most = request.size("most")
    with folder.at(request.text("path")) as spot:
        stamp, data = read(spot, most)
    size = most + 1 if data is None else len(data)
    return Reply({"size": size, "stamp": stamp}, data or b"")


def _do_write(folder: Folder, request: Request) -> Reply:
    before = request.stamp("before")
    with folder.at(request.text("path"), make=before is None) as spot:
        return Reply({"stamp": write(spot, request.body, before)})


def _do_append(folder: Folder, request: Request) -> Reply:
    check_showable(request.text("path"))
    with folder.at(request.text("path"), make=True) as spot:
        offset, sync = request.number("offset"), request.flag("sync")
        return Reply({"size": append(spot, request.body, offset, sync)})


def _do_stamps(folder: Folder, request: Request) -> Reply:
    return Reply({"stamps": [folder.stamp(path) for path in request.paths()]})


DEEDS: dict[Any, Callable[[Folder, Request], Reply]] = {
    "name": _do_name,
    "list": _do_list,
    "read": _do_read,
    "walk": _do_walk,
    "create": _do_create,
    "rename": _do_rename,
    "delete": _do_delete,
    "load": _do_load,
    "write": _do_write,
    "append": _do_append,
    "stamps": _do_stamps,
}


class Service:
    """Answers requests until there are no more, each in a thread of its own."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._saying = threading.Lock()

    def run(self) -> int:
        """The exit code: 0 when stdin ended, 1 when something on it was no request."""
        write_all(1, HELLO)
        code = 0
        try:
            while (request := receive()) is not None:
                self._begin(request)
        except Fault as fault:
            self._say(0, _reply_of(fault))
            code = 1
        latest = time.monotonic() + GRACE
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(max(0.0, latest - time.monotonic()))
        return code

    def _begin(self, request: Request) -> None:
        if threading.active_count() > MOST:
            raise Fault("usage", f"more than {MOST} requests at the same time", "")
        threading.Thread(target=self._answer, args=(request,), daemon=True).start()

    def _answer(self, request: Request) -> None:
        try:
            deed = DEEDS.get(request.do)
            if deed is None:
                raise Fault("usage", f"nobody can do {request.do!r}", "")
            reply = deed(self._folder, request)
        except Fault as fault:
            reply = _reply_of(fault)
        except Exception as problem:
            # The boundary of a request: whatever it was, the others go on.
            said = f"{request.do} failed: {type(problem).__name__}: {problem}"
            reply = _reply_of(Fault("other", said, "check it on the studio's machine"))
        self._say(request.id, reply)

    def _say(self, request_id: object, reply: Reply) -> None:
        head = json.dumps({"id": request_id, **reply.head}).encode()
        with self._saying, contextlib.suppress(OSError):  # nobody listens: stdin ends, too
            write_all(1, struct.pack(">II", len(head), len(reply.body)) + head)
            write_all(1, reply.body)


def _reply_of(fault: Fault) -> Reply:
    return Reply({"error": fault.kind, "message": str(fault), "hint": fault.hint})


def receive() -> Request | None:
    """The next request on stdin; None when it has ended.

    Raises:
        Fault: what comes is no request, so nobody knows where the next one begins.
    """
    lengths = sys.stdin.buffer.read(8)
    if len(lengths) < 8:
        return None
    head_length, body_length = struct.unpack(">II", lengths)
    if head_length > HEAD_LIMIT or body_length > BODY_LIMIT:
        raise Fault("usage", f"a frame of {head_length} and {body_length} bytes", "")
    content = sys.stdin.buffer.read(head_length + body_length)
    if len(content) < head_length + body_length:
        return None
    try:
        head = json.loads(content[:head_length])
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or not isinstance(head.get("id"), int):
        raise Fault("usage", "a frame whose head is no request", "")
    return Request(head, content[head_length:])


def end_stdin(_number: int, _stack: object) -> None:
    """Have stdin end: whoever reads it, or is about to, reads from nothing."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def main(args: list[str]) -> int:
    """See above."""
    if not args:
        sys.stderr.write("usage: folder.py ROOT [PRIVATE...]\n")
        return 2
    signal.signal(signal.SIGTERM, end_stdin)
    sys.setswitchinterval(0.001)  # a save waits that long for a walk, at every step
    return Service(Folder(args[0], args[1:])).run()


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # a thread that is still at it must not hold up the end
