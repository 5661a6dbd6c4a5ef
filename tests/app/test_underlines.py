from __future__ import annotations

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from studio_tui.app.scrub import Scrub
from studio_tui.app.underlines import drawn_by, meta
from studio_tui.terminal.row import RGB, Underline

BLACK = Color(0, 0, 0)
BASE = Style(color="red", bgcolor="black")


def printed(kind: int, colour: int | None, system: ColorSystem | None) -> str:
    """What the terminal gets for text with this underline, upon a base style."""
    style = BASE + Style(bold=True, underline=True, meta=meta(kind, colour))
    (segment,) = Scrub(system).apply([Segment("x", style)], BLACK)
    assert segment.style is not None
    return Strip.render_style(segment.style, segment.text, ColorSystem.TRUECOLOR)


@pytest.mark.parametrize(
    ("kind", "colour", "expected"),
    [
        (Underline.CURLY, None, ";4:3m"),
        (Underline.DOTTED, None, ";4:4m"),
        (Underline.DASHED, 9, ";4:5;58:5:9m"),
        (Underline.SINGLE, RGB | 0x0A141E, ";4:1;58:2::10:20:30m"),
        (Underline.DOUBLE, 200, ";4:2;58:5:200m"),
    ],
)
def test_a_terminal_that_draws_them_is_told(kind: int, colour: int | None, expected: str) -> None:
    text = printed(kind, colour, ColorSystem.TRUECOLOR)
    assert expected in text
    assert text.startswith("\x1b[1;3")  # bold and the colours, and no plain underline
    assert ";4;" not in text
    assert text.endswith("x\x1b[0m")


def test_others_get_a_plain_one() -> None:
    assert "1;4;3" in printed(Underline.CURLY, 9, None)
    assert "4:" not in printed(Underline.CURLY, 9, None)


def test_a_terminal_of_16_colours_gets_the_shape_alone() -> None:
    assert printed(Underline.CURLY, RGB, ColorSystem.STANDARD).count("58:") == 0


def test_what_a_plain_style_says_carries_nothing() -> None:
    assert meta(Underline.NONE, 5) is meta(Underline.SINGLE, None) is None
    assert meta(Underline.DOUBLE, None) is None


@pytest.mark.parametrize(
    ("environ", "drawn"),
    [
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "screen-256color", "TERM_PROGRAM": "tmux"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7200"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4000"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "linux"}, False),
        ({}, False),
    ],
)
def test_which_terminals_draw_them(environ: dict[str, str], drawn: bool) -> None:
    assert drawn_by(environ) is drawn
