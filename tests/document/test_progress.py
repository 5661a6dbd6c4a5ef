"""How far a switch is, as bytes that anybody may have sent."""

from __future__ import annotations

import pytest

from studio_tui.document.progress import TEXT_CAP, Progress, read_progress


def test_what_is_told_is_read() -> None:
    told = Progress(3, 10, "data/été.bin")
    assert read_progress(told.to_json()) == told


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[1]", b"\xff", b"null", b"[" * 100_000, b'{"done": -1}',
        b'{"done": 3, "total": -4, "x": 1}'[:0],
    ],
)  # fmt: skip
def test_what_makes_no_sense_says_nothing(data: bytes) -> None:
    assert read_progress(data) is None


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b'{"done": 5, "total": 3}', Progress(5, 3)),
        (b'{"done": 5, "total": -3}', Progress(5, 0)),
        (b'{"done": true, "text": 4}', Progress()),
        (b'{"text": "a\\u001b[31mb\\nc"}', Progress(text="a[31mbc")),
    ],
)
def test_what_makes_some_sense_is_read_as_far(data: bytes, read: Progress) -> None:
    assert read_progress(data) == read


def test_a_long_text_is_cut() -> None:
    read = read_progress(Progress(text="x" * 10_000).to_json())
    assert read is not None
    assert len(read.text) == TEXT_CAP
