"""A text file on disk and back, byte for byte: line ends, byte-order mark, mode."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from studio_tui.errors import NotFound, StudioError

SIZE_CAP = 768 * 1024
SNIFF = 8192
NEW_FILE_MODE = 0o666


class NotEditable(StudioError):
    """A file that can be looked at but not edited; the message says why."""


@dataclass(frozen=True)
class Shape:
    """What a file's bytes have beside its text, so that saving gives the same bytes back."""

    crlf: bool = False
    bom: bool = False

    def encode(self, text: str) -> bytes:
        """The file's bytes for `text`, whose lines end in LF."""
        body = (text.replace("\n", "\r\n") if self.crlf else text).encode()
        return codecs.BOM_UTF8 + body if self.bom else body


@dataclass(frozen=True)
class Image:
    """A file as it was read: its text with LF line ends, its shape, and a digest of its bytes."""

    text: str
    shape: Shape
    digest: str


def digest(data: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.sha256(data).hexdigest()


def read(path: Path) -> Image:
    """Read a text file.

    Raises:
        NotFound: it is not there, or not a regular file.
        NotEditable: binary, too large, or not UTF-8.
        StudioError: no permission.
    """
    try:
        if not path.is_file():
            raise NotFound(f"there is no file {path.name}", "it may have been moved or deleted")
        if path.stat().st_size > SIZE_CAP:
            raise NotEditable(f"larger than {SIZE_CAP // 1024} KiB", "it is shown read-only")
        data = path.read_bytes()
    except PermissionError:
        raise StudioError(f"{path.name} cannot be read", "check its permissions: ls -l") from None
    return decode(data)


def decode(data: bytes) -> Image:
    """The text in a file's bytes; see `read` for what it refuses."""
    if b"\0" in data[:SNIFF]:
        raise NotEditable("a binary file", "it is shown read-only")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotEditable("not UTF-8 text", "convert it: iconv -t utf-8") from None
    bom = text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    shape = Shape(crlf=True, bom=bom)
    plain = text.replace("\r\n", "\n")
    if plain == text or shape.encode(plain) != data:
        # No line, or not every one, ends in CRLF: the carriage returns stay in the text.
        return Image(text, Shape(crlf=False, bom=bom), digest(data))
    return Image(plain, shape, digest(data))


def write(path: Path, data: bytes) -> None:
    """Replace the file's content in one step: after a crash there is the old or the new one.

    A symbolic link is followed, the mode kept. Where the folder takes no new file the content is
    written in place.

    Raises:
        StudioError: it cannot be written, with the reason.
    """
    target = path.resolve()
    try:
        try:
            _replace(target, data)
        except PermissionError:
            if not (target.exists() and os.access(target, os.W_OK)):
                raise
            target.write_bytes(data)
    except PermissionError:
        raise StudioError(
            f"no permission to write {path.name}", f"check: ls -l {path.name}"
        ) from None
    except OSError as problem:
        raise StudioError(
            f"{path.name} could not be written: {problem.strerror}", "your text is kept; save again"
        ) from problem


def _replace(target: Path, data: bytes) -> None:
    try:
        mode = target.stat().st_mode & 0o7777
        if not os.access(target, os.W_OK):
            raise PermissionError(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = NEW_FILE_MODE & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    """This process's umask; the only way to read it is to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
