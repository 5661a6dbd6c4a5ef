"""A text file on disk and back, byte for byte: line ends, byte-order mark, mode, owner."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from typing import NamedTuple

from studio_tui.errors import StudioError

SIZE_CAP = 768 * 1024
"""Bytes of a text that can be shared: its first update must fit into one message."""
LOAD_CAP = 8 * 1024 * 1024
"""Bytes that are read to find out whether a file is what was written."""
SNIFF = 8192
NEW_FILE_MODE = 0o666
PRIVATE_MODE = 0o600

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


class Seen(NamedTuple):
    """A file's bytes, and its stamp from when they were read."""

    data: bytes
    stamp: Stamp


class NotEditable(StudioError):
    """A file that can be looked at but not edited; the message says why."""


class ChangedOnDisk(StudioError):
    """Somebody else has written the file since it was read."""


@dataclass(frozen=True)
class Shape:
    """What a file's bytes have beside its text, so that saving gives the same bytes back."""

    crlf: bool = False
    bom: bool = False

    def encode(self, text: str) -> bytes:
        """The file's bytes for `text`; a file of CRLF lines stays one, whatever was pasted."""
        if self.crlf:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return codecs.BOM_UTF8 + text.encode() if self.bom else text.encode()


@dataclass(frozen=True)
class Image:
    """A file as it was read: its text, its shape, and a digest of its bytes.

    Lines end in LF when all of them end in CRLF on disk; else the text has what the file has.
    """

    text: str
    shape: Shape
    digest: str


def digest(data: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.sha256(data).hexdigest()


def decode(data: bytes) -> Image:
    """The text in a file's bytes.

    Raises:
        NotEditable: too large, binary, or not UTF-8.
    """
    if len(data) > SIZE_CAP:
        raise NotEditable(f"larger than {SIZE_CAP // 1024} KiB", "it is shown read-only")
    if b"\0" in data:
        raise NotEditable("a binary file", "it is shown read-only")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotEditable("not UTF-8 text", "convert it: iconv -t utf-8") from None
    bom = text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    plain, shape = text.replace("\r\n", "\n"), Shape(crlf=True, bom=bom)
    if plain == text or shape.encode(plain) != data:
        # No line, or not every one, ends in CRLF: the carriage returns stay in the text.
        plain, shape = text, Shape(crlf=False, bom=bom)
    return Image(plain, shape, digest(data))


def check_regular(status: os.stat_result) -> None:
    """Refuse what is no file: reading it may block for ever, or do something."""
    if stat.S_ISDIR(status.st_mode):
        raise NotEditable("a folder", "open a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise NotEditable("not a regular file", "use a terminal for it")


def look(spot: Spot) -> Stamp:
    """The file's stamp, for a comparison with an earlier one. Raises OSError."""
    return _stamp(os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False))


def read(spot: Spot) -> Seen:
    """The whole file.

    Raises:
        NotEditable: not a regular file, or larger than `LOAD_CAP`.
        OSError: it is not there, or cannot be read.
    """
    check_regular(os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False))
    with open(os.open(spot.name, _READ, dir_fd=spot.folder), "rb") as file:
        status = os.fstat(file.fileno())
        check_regular(status)
        data = file.read(LOAD_CAP + 1)
    if len(data) > LOAD_CAP:
        raise NotEditable(f"larger than {SIZE_CAP // 1024} KiB", "it is shown read-only")
    return Seen(data, _stamp(status))


def write(spot: Spot, data: bytes, before: Stamp | None) -> Stamp:
    """Make `data` the file's content and return its stamp.

    The file is replaced in one step: after a crash there is the old content or the new one. Mode,
    owner and attributes stay. A file with several names, or in a folder that takes no new file, or
    of another user, is written in place.

    Args:
        before: its stamp when it was last read; None when there was no file.

    Raises:
        ChangedOnDisk: it is not what it was then.
        NotEditable: it is no regular file now.
        OSError: it cannot be written.
    """
    status = _check(spot, before)
    if status is None:
        return _replace(spot, data, before, None, -1)
    # Also where the folder would take a new file: who may not write a file may not replace it.
    number = os.open(spot.name, _WRITE, dir_fd=spot.folder)
    try:
        if status.st_nlink == 1:
            with contextlib.suppress(PermissionError):
                return _replace(spot, data, before, status, number)
        return _overwrite(number, data)
    finally:
        os.close(number)


def _check(spot: Spot, before: Stamp | None) -> os.stat_result | None:
    try:
        status = os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False)
    except FileNotFoundError:
        status = None
    if status is not None:
        check_regular(status)
    if (_stamp(status) if status else None) != before:
        raise ChangedOnDisk("the file has just changed on disk", "save again")
    return status


def _replace(
    spot: Spot, data: bytes, before: Stamp | None, status: os.stat_result | None, old: int
) -> Stamp:
    """Write a new file beside the old one, whose status and number are given, and rename it."""
    draft = f".studio-tui.{secrets.token_hex(6)}"
    flags = _WRITE | os.O_CREAT | os.O_EXCL
    mode = PRIVATE_MODE if status else NEW_FILE_MODE
    number = os.open(draft, flags, mode, dir_fd=spot.folder)
    try:
        if status is not None:
            _dress(number, status, old)
        _put(number, data)
        _check(spot, before)
        os.replace(draft, spot.name, src_dir_fd=spot.folder, dst_dir_fd=spot.folder)
        os.fsync(spot.folder)
        return _stamp(os.fstat(number))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=spot.folder)
        raise
    finally:
        os.close(number)


def _dress(number: int, status: os.stat_result, old: int) -> None:
    """Give a new file the owner, mode and attributes of the old one. PermissionError: it cannot."""
    mine = os.fstat(number)
    if (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(number, status.st_uid, status.st_gid)
    os.fchmod(number, stat.S_IMODE(status.st_mode))
    if hasattr(os, "listxattr"):
        for name in os.listxattr(old):
            with contextlib.suppress(OSError):
                os.setxattr(number, name, os.getxattr(old, name))


def _overwrite(number: int, data: bytes) -> Stamp:
    _put(number, data)
    os.ftruncate(number, len(data))
    os.fsync(number)
    return _stamp(os.fstat(number))


def _put(number: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]
    os.fsync(number)


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)
