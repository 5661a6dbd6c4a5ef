from __future__ import annotations

import base64
import hashlib
import zlib

import pytest

from studio_tui.data.checksum import by_headers, by_tag, of_parts, parts_tag
from studio_tui.data.source import Checksum

DATA = bytes(range(256)) * 40


def fed(checksum: Checksum | None, data: bytes, step: int = 1000) -> bool:
    assert checksum is not None
    for at in range(0, len(data), step):
        checksum.update(data[at : at + step])
    return checksum.agrees()


def test_a_tag_that_is_an_md5() -> None:
    tag = hashlib.md5(DATA).hexdigest()
    assert fed(by_tag(tag, None), DATA)
    assert not fed(by_tag(tag, None), DATA[:-1])


@pytest.mark.parametrize("part", [1, 999, 1000, 1024, len(DATA) // 2])
def test_a_tag_of_parts(part: int) -> None:
    pieces = [DATA[at : at + part] for at in range(0, len(DATA), part)]
    tag = parts_tag(b"".join(hashlib.md5(piece).digest() for piece in pieces))
    assert of_parts(tag)
    assert fed(by_tag(tag, part), DATA)
    assert not fed(by_tag(tag, part), DATA[::-1])


@pytest.mark.parametrize("tag", ["", "opaque", "0" * 31, "0" * 32 + "-3"])
def test_a_tag_that_says_nothing(tag: str) -> None:
    assert by_tag(tag, None) is None


def test_what_is_told_beside_an_object() -> None:
    crc = base64.b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()
    sha = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    assert fed(by_headers({"ChecksumCRC32": crc, "ChecksumType": "FULL_OBJECT"}), DATA)
    assert fed(by_headers({"ChecksumSHA256": sha}), DATA)
    assert not fed(by_headers({"ChecksumSHA256": sha}), DATA[1:])
    assert by_headers({"ChecksumSHA256": sha, "ChecksumType": "COMPOSITE"}) is None
    assert by_headers({"ChecksumCRC32": f"{crc}-2"}) is None
    assert by_headers({"ChecksumCRC64NVME": "abc"}) is None
