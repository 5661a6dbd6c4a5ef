"""Curly, dotted, dashed and coloured underlines, which neither Textual nor Rich can say.

They travel as `meta` of a style; where the person's terminal draws them, the last look at a line
turns that into what the terminal understands. Elsewhere they are plain underlines.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

from studio_tui.terminal.row import RGB, Underline

KEY: Final = "underline"
_OLDEST_VTE = 5102
_TERMS: Final = ("xterm-kitty", "xterm-ghostty", "foot", "alacritty", "wezterm", "tmux", "contour")
_PROGRAMS: Final = frozenset({"WezTerm", "ghostty", "iTerm.app", "vscode", "tmux", "mintty", "rio"})
_PLAIN: Final = Style(underline=False, underline2=False)


def meta(kind: int, colour: int | None) -> dict[str, Any] | None:
    """What a style carries for this underline; None where a plain one says it all."""
    if kind in (Underline.NONE, Underline.SINGLE, Underline.DOUBLE) and colour is None:
        return None
    return {KEY: (int(kind), colour)} if kind else None


def drawn_by(environ: Mapping[str, str]) -> bool:
    """Whether the person's terminal draws such underlines; others show strange things for them."""
    vte = environ.get("VTE_VERSION", "")
    return (
        environ.get("TERM", "").startswith(_TERMS)
        or environ.get("TERM_PROGRAM", "") in _PROGRAMS
        or (vte.isdigit() and int(vte) >= _OLDEST_VTE)
        or "KONSOLE_VERSION" in environ
    )


def has_one(style: Style) -> bool:
    """Whether a style carries such an underline."""
    return style._meta is not None and KEY in style.meta


@lru_cache(1024)
def written(style: Style, system: ColorSystem) -> Style:
    """The style as it is to be printed. Nothing can be made of it any more."""
    kind, colour = style.meta[KEY]
    parts = [Strip.render_ansi(style + _PLAIN, system), f"4:{kind}"]
    if colour is not None and system != ColorSystem.STANDARD:
        parts.append(_colour(colour))
    drawn = style.copy()
    # Strips print what a style has rendered before, whatever it was made from.
    drawn._ansi = ";".join(filter(None, parts))
    return drawn


def _colour(colour: int) -> str:
    if colour < RGB:
        return f"58:5:{colour}"
    return f"58:2::{colour >> 16 & 0xFF}:{colour >> 8 & 0xFF}:{colour & 0xFF}"
