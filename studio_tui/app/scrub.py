"""The last look at every line before it is painted: nothing foreign may speak to the terminal."""

from __future__ import annotations

import re

from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from studio_tui.app import underlines

# C0 and C1 controls, DEL, and the marks that reverse or isolate the direction of text. A tab is a
# control too: whoever wants one shown expands it before.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
REPLACEMENT = "\ufffd"


def scrubbed(text: str) -> str:
    """`text` with everything a terminal could obey replaced, one character for one."""
    return UNSAFE.sub(REPLACEMENT, text)


class Scrub(LineFilter):
    """Replaces control characters in every segment of every widget.

    Textual passes text through to the terminal as it is, so a file name or a log line could set
    the clipboard or the title of whoever looks at it. Segments that Textual itself made as
    controls stay. It is the last filter: what it makes of underlines cannot be changed.

    Args:
        system: the colours of a terminal that draws them in every way; None for others.
    """

    def __init__(self, system: ColorSystem | None = None) -> None:
        super().__init__()
        self._system = system

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, safe to print."""
        return [
            Segment(scrubbed(text), self._look(style))
            if not control and UNSAFE.search(text)
            else Segment(text, self._look(style), control)
            for text, style, control in segments
        ]

    def _look(self, style: Style | None) -> Style | None:
        if style is None or self._system is None or not underlines.has_one(style):
            return style
        return underlines.written(style, self._system)
