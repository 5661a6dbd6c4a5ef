from __future__ import annotations

import pytest

from studio_tui.host.files import disk
from studio_tui.host.files.disk import NotEditable, Shape

SHAPES = {
    "lf": (b"a\nb\n", "a\nb\n", Shape()),
    "crlf": (b"a\r\nb\r\n", "a\nb\n", Shape(crlf=True)),
    "crlf without end": (b"a\r\nb", "a\nb", Shape(crlf=True)),
    "crlf and a lone cr": (b"a\r\nb\rc\r\n", "a\nb\rc\n", Shape(crlf=True)),
    "crlf after cr": (b"a\r\r\nb\r\n", "a\r\r\nb\r\n", Shape()),
    "mixed": (b"a\r\nb\nc\r\n", "a\r\nb\nc\r\n", Shape()),
    "lone cr": (b"a\rb\r", "a\rb\r", Shape()),
    "bom": (b"\xef\xbb\xbfa\n", "a\n", Shape(bom=True)),
    "bom and crlf": (b"\xef\xbb\xbfa\r\n", "a\n", Shape(crlf=True, bom=True)),
    "bom alone": (b"\xef\xbb\xbf", "", Shape(bom=True)),
    "two boms": (b"\xef\xbb\xbf\xef\xbb\xbfa", "\ufeffa", Shape(bom=True)),
    "no end": (b"a", "a", Shape()),
    "empty": (b"", "", Shape()),
    "other separators": ("a\u2028b\x0cc\x85d\n".encode(), "a\u2028b\x0cc\x85d\n", Shape()),
    "emoji": ("é😀\r\n".encode(), "é😀\n", Shape(crlf=True)),
}


@pytest.mark.parametrize(("data", "text", "shape"), SHAPES.values(), ids=SHAPES)
def test_every_byte_comes_back(data: bytes, text: str, shape: Shape) -> None:
    image = disk.decode(data)
    assert (image.text, image.shape) == (text, shape)
    assert image.shape.encode(image.text) == data
    assert image.digest == disk.digest(data)


def test_what_is_pasted_into_crlf_becomes_crlf() -> None:
    shape = disk.decode(b"a\r\n").shape
    assert shape.encode("a\npasted\r\nb\n") == b"a\r\npasted\r\nb\r\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\0b", "a binary file"),
        (b"a" * 10_000 + b"\0", "a binary file"),
        ("é".encode("latin-1"), "not UTF-8 text"),
        ("é".encode("utf-16"), "a binary file"),
        (b"\xed\xa0\x80", "not UTF-8 text"),  # half of a surrogate pair
        (b"a" * (disk.SIZE_CAP + 1), "larger than 768 KiB"),
    ],
)
def test_what_cannot_be_edited(data: bytes, reason: str) -> None:
    with pytest.raises(NotEditable) as raised:
        disk.decode(data)
    assert raised.value.message == reason
    assert raised.value.hint


def test_the_largest_that_can() -> None:
    assert disk.decode(b"a" * disk.SIZE_CAP).text == "a" * disk.SIZE_CAP


def test_a_file_too_large_to_compare_is_told_what_could_be_edited() -> None:
    disk.check_size(disk.LOAD_CAP, disk.LOAD_CAP)
    with pytest.raises(NotEditable) as raised:
        disk.check_size(disk.LOAD_CAP + 1, disk.LOAD_CAP)
    assert raised.value.message == "larger than 768 KiB"
