from __future__ import annotations

import pytest

from studio_tui.terminal.octets import FrameError, Reader, Writer


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 1 << 20, (1 << 53) - 1])
def test_numbers_come_back(number: int) -> None:
    out = Writer()
    out.number(number)
    reader = Reader(out.done())
    assert reader.number("it", 1 << 53) == number
    reader.end()


def test_texts_come_back() -> None:
    out = Writer()
    out.text("漢字é")
    assert Reader(out.done()).text("it", 100) == "漢字é"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "ends before"),
        (b"\x80", "ends before"),
        (b"\xff" * 9 + b"\x01", "too long a number"),
        (b"\x05", "at most 4"),
    ],
)
def test_bad_numbers(data: bytes, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        Reader(data).number("it", 4)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\x05abc", "ends within"),
        (b"\x7f", "at most 10"),
        (b"\x02\xff\xfe", "not UTF-8"),
        (b"\x01\x1b", "control character"),
        (b"\x02\xc2\x9b", "control character"),
    ],
)
def test_bad_texts(data: bytes, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        Reader(data).text("it", 10)


def test_what_is_left_over_is_an_error() -> None:
    with pytest.raises(FrameError, match="2 bytes too many"):
        Reader(b"ab").end()
