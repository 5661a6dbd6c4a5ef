"""Checksums that a store keeps of a content, in the forms that stores have."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio_tui.data.source import Checksum

_MD5 = re.compile(r"[0-9a-f]{32}")
_HEADERS = {"ChecksumSHA256": "sha256", "ChecksumSHA1": "sha1", "ChecksumCRC32": ""}
_PARTS = re.compile(r"([0-9a-f]{32})-([0-9]{1,5})")


class Digest:
    """A whole content's digest by one of hashlib's algorithms."""

    def __init__(self, name: str, expected: bytes) -> None:
        self.name = name
        self._sum = hashlib.new(name, usedforsecurity=False)
        self._expected = expected

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        self._sum.update(data)

    def agrees(self) -> bool:
        """Whether all that was taken in is what was expected."""
        return self._sum.digest() == self._expected


class Crc32:
    """A whole content's CRC-32, as S3 keeps it: four bytes, big-endian."""

    name = "crc32"

    def __init__(self, expected: bytes) -> None:
        self._sum = 0
        self._expected = expected

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        self._sum = zlib.crc32(data, self._sum)

    def agrees(self) -> bool:
        """Whether all that was taken in is what was expected."""
        return self._sum.to_bytes(4, "big") == self._expected


class PartsDigest:
    """The MD5 of the MD5s of parts, which is the tag of a content that was sent in parts.

    Args:
        tag: that of the store, `HEX-COUNT`.
        part: bytes of every part but the last.
    """

    name = "md5 of parts"

    def __init__(self, tag: str, part: int) -> None:
        self._tag = tag
        self._part = part
        self._left = part
        self._digests = bytearray()
        self._sum = _md5()

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        rest = memoryview(data)
        while rest:
            piece, rest = rest[: self._left], rest[self._left :]
            self._sum.update(piece)
            self._left -= len(piece)
            if not self._left:
                self._close()

    def _close(self) -> None:
        self._digests += self._sum.digest()
        self._sum, self._left = _md5(), self._part

    def agrees(self) -> bool:
        """Whether all that was taken in is what was expected."""
        if self._left != self._part:
            self._close()
        return parts_tag(bytes(self._digests)) == self._tag


def parts_tag(digests: bytes) -> str:
    """The tag of a content whose parts have these MD5 digests, one after the other."""
    whole = hashlib.md5(digests, usedforsecurity=False).hexdigest()
    return f"{whole}-{len(digests) // 16}"


def by_tag(tag: str, part: int | None) -> Checksum | None:
    """The checksum that a tag is; None when it is none.

    Args:
        part: bytes of each part of what was sent in parts, where that is known.
    """
    if _MD5.fullmatch(tag):
        return Digest("md5", bytes.fromhex(tag))
    if part and _PARTS.fullmatch(tag):
        return PartsDigest(tag, part)
    return None


def by_headers(told: Mapping[str, object]) -> Checksum | None:
    """The checksum of the whole that S3 tells beside an object; None when there is none we know."""
    if told.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    for key, name in (
        ("ChecksumSHA256", "sha256"),
        ("ChecksumSHA1", "sha1"),
        ("ChecksumCRC32", ""),
    ):
        value = told.get(key)
        if isinstance(value, str) and "-" not in value:
            expected = base64.b64decode(value)
            return Digest(name, expected) if name else Crc32(expected)
    return None


def of_parts(tag: str) -> bool:
    """Whether a tag is that of a content that was sent in parts."""
    return _PARTS.fullmatch(tag) is not None


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)
