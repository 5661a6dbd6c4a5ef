"""Select Graphic Rendition: the colours and attributes that a program asks for."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rich.color import Color
from rich.style import Style

Hue = int | tuple[int, int, int] | None
"""One of the terminal's 256 colours, red green blue, or None for the default."""


class Ink(NamedTuple):
    """How text is drawn. Blinking is not kept, nor is hidden text hidden: a log shows all."""

    colour: Hue = None
    background: Hue = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Ink()

_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {
    21: ("bold",),
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("reverse",),
    29: ("strike",),
}


def apply(ink: Ink, parameters: str) -> Ink:
    """`ink` after the sequence `ESC [ parameters m`; what is not understood changes nothing."""
    codes = _codes(parameters)
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code in (38, 48):
            hue, used = _extended(codes[at:])
            at += used
            if hue is not None:
                ink = ink._replace(colour=hue) if code == 38 else ink._replace(background=hue)
        else:
            ink = _simple(ink, code)
    return ink


def _codes(parameters: str) -> list[int]:
    """The numbers; an empty one is 0, a sequence with anything else has none."""
    parts = parameters.replace(":", ";").split(";")
    if not all(part == "" or (part.isascii() and part.isdigit()) for part in parts):
        return []
    return [int(part or 0) for part in parts]


def _extended(rest: list[int]) -> tuple[Hue, int]:
    """The colour after 38 or 48, and how many numbers it took."""
    if rest[:1] == [5] and len(rest) >= 2:
        return (rest[1] if rest[1] < 256 else None), 2
    if rest[:1] == [2] and len(rest) >= 4:
        red, green, blue = rest[1:4]
        return ((red, green, blue) if max(rest[1:4]) < 256 else None), 4
    return None, len(rest)


def _simple(ink: Ink, code: int) -> Ink:
    if code == 0:
        return PLAIN
    if code in _ON:
        return ink._replace(**{_ON[code]: True})
    if code in _OFF:
        return ink._replace(**dict.fromkeys(_OFF[code], False))
    for base, offset in ((30, 0), (90, 8)):
        if base <= code <= base + 7:
            return ink._replace(colour=code - base + offset)
        if base + 10 <= code <= base + 17:
            return ink._replace(background=code - base - 10 + offset)
    if code == 39:
        return ink._replace(colour=None)
    return ink._replace(background=None) if code == 49 else ink


@lru_cache(4096)
def style_of(ink: Ink) -> Style:
    """`ink` as a style to draw with; colours that are not set are left to what is beneath."""
    return Style(
        color=_colour(ink.colour),
        bgcolor=_colour(ink.background),
        bold=ink.bold or None,
        dim=ink.dim or None,
        italic=ink.italic or None,
        underline=ink.underline or None,
        reverse=ink.reverse or None,
        strike=ink.strike or None,
    )


def _colour(hue: Hue) -> Color | None:
    if hue is None:
        return None
    return Color.from_ansi(hue) if isinstance(hue, int) else Color.from_rgb(*hue)
