"""A text file's bytes and back, byte for byte: line ends, byte-order mark."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from studio_tui.errors import StudioError

SIZE_CAP = 768 * 1024
"""Bytes of a text that can be shared: its first update must fit into one message."""
LOAD_CAP = 8 * 1024 * 1024
"""Bytes that are read to find out whether a file is what was written."""


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


def check_size(size: int, cap: int = SIZE_CAP) -> None:
    """Refuse what has more than `cap` bytes.

    Raises:
        NotEditable: it has.
    """
    if size > cap:
        raise NotEditable(f"larger than {SIZE_CAP // 1024} KiB", "it is shown read-only")


def decode(data: bytes) -> Image:
    """The text in a file's bytes.

    Raises:
        NotEditable: too large, binary, or not UTF-8.
    """
    check_size(len(data))
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
