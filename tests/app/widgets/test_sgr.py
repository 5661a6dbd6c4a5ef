from __future__ import annotations

import pytest
from rich.color import Color

from studio_tui.app.widgets.sgr import PLAIN, Ink, apply, style_of


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", PLAIN),
        ("31", Ink(colour=1)),
        ("1;91", Ink(colour=9, bold=True)),
        ("42;4", Ink(background=2, underline=True)),
        ("38;5;208", Ink(colour=208)),
        ("38:5:208", Ink(colour=208)),
        ("48;2;1;2;3;7", Ink(background=(1, 2, 3), reverse=True)),
        ("38;5;999", PLAIN),
        ("38;2;1", PLAIN),
        ("38", PLAIN),
        ("<31", PLAIN),
        ("5;8", PLAIN),
    ],
)
def test_apply(parameters: str, expected: Ink) -> None:
    assert apply(PLAIN, parameters) == expected


def test_attributes_are_taken_back() -> None:
    full = apply(PLAIN, "1;2;3;4;7;9;31;42")
    assert apply(full, "22;23;24;27;29;39;49") == PLAIN
    assert apply(full, "0") == PLAIN


def test_style_of_sets_only_what_is_asked_for() -> None:
    style = style_of(Ink(colour=1, bold=True))
    assert style.color == Color.from_ansi(1)
    assert style.bgcolor is None
    assert (style.bold, style.dim, style.reverse) == (True, None, None)
    assert style_of(Ink(background=(1, 2, 3))).bgcolor == Color.from_rgb(1, 2, 3)
