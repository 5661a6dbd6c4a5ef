from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_tui.app.truncate import cells, clip, clip_middle, left, right, scrub


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("train.py", 8, "train.py"),
        ("train.py", 7, "train.…"),
        ("train.py", 1, "…"),
        ("train.py", 0, ""),
        ("train.py", -3, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("日本語", 2, "…"),
    ],
)
def test_clip_cuts_the_end(text: str, width: int, expected: str) -> None:
    assert clip(text, width) == expected


@pytest.mark.parametrize(
    ("width", "expected"),
    [(20, "src/models/train.py"), (12, "src/m…ain.py"), (3, "s…y"), (2, "s…"), (0, "")],
)
def test_clip_middle_keeps_both_ends(width: int, expected: str) -> None:
    assert clip_middle("src/models/train.py", width) == expected


def test_left_and_right_fill_their_cells() -> None:
    assert left("日", 4) == "日  "
    assert right("日", 4) == "  日"
    assert left("abc", -1) == right("abc", -1) == ""


def test_scrub_keeps_no_character_that_acts() -> None:
    assert scrub("a\x1b[31mb\r\nc\u202e\u200dd\x85e\tf") == "a[31mb  cd e f"


def test_scrub_takes_variation_selectors_off() -> None:
    assert scrub("❤\ufe0f") == "❤"


@given(st.text(), st.integers(-2, 30))
def test_nothing_exceeds_its_width(text: str, width: int) -> None:
    text = scrub(text)
    assert cells(clip(text, width)) <= max(width, 0)
    assert cells(clip_middle(text, width)) <= max(width, 0)
    assert cells(left(text, width)) == cells(right(text, width)) == max(width, 0)
    assert "\x1b" not in scrub(text)
