"""One file, or one folder to delete, found by a name in an opened folder."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from .faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_FILE_MODE = 0o666
PRIVATE_MODE = 0o600
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""What a folder is opened with."""
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Spot(NamedTuple):
    """A name in an opened folder: no link that is put on the way to it leads elsewhere."""

    folder: int
    name: str


class Stamp(NamedTuple):
    """What tells, without reading it, that a file is another one than it was."""

    changed_ns: int
    size: int
    inode: int


def check_regular(status: os.stat_result) -> None:
    """Refuse what is no file: reading it may block for ever, or do something."""
    if stat.S_ISDIR(status.st_mode):
        raise Fault("uneditable", "a folder", "open a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise Fault("uneditable", "not a regular file", "use a terminal for it")


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


def create(spot: Spot) -> None:
    """Make an empty file. FileExistsError: something is there already."""
    flags = _WRITE | os.O_CREAT | os.O_EXCL
    os.close(os.open(spot.name, flags, NEW_FILE_MODE, dir_fd=spot.folder))


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
    opened = os.open(spot.name, FOLDER | os.O_NOFOLLOW, dir_fd=spot.folder)
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
