"""The parts of a line of a log: its colours, what was found in it, what was noted at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from studio_tui.app.truncate import scrub
from studio_tui.app.widgets.log_buffer import Line
from studio_tui.app.widgets.sgr import PLAIN, style_of

PIN = "◆"
_MATCH = Style(reverse=True)


@dataclass(frozen=True)
class Pin:
    """What somebody noted at the line that starts at byte `offset`; `ink` is their colour."""

    offset: int
    who: str
    text: str
    ink: str


def pieces(line: Line, start: int, end: int, marks: list[tuple[int, int]]) -> Iterator[Segment]:
    """The characters of `line` from `start` to `end` as segments, with `marks` standing out."""
    edges = {start, end}
    spans = [(a, b) for a, b, _ in line.inks] + marks
    edges.update(edge for span in spans for edge in span if start < edge < end)
    cuts = sorted(edges)
    inks, pending = iter(line.inks), (0, 0, PLAIN)
    for at, until in zip(cuts, cuts[1:], strict=False):
        while pending[1] <= at and (following := next(inks, None)) is not None:
            pending = following
        style = style_of(pending[2] if pending[0] <= at < pending[1] else PLAIN)
        marked = any(a <= at < b for a, b in marks)
        yield Segment(line.text[at:until], style + _MATCH if marked else style)


def remarks(pins: Sequence[Pin]) -> Iterator[Segment]:
    """What was noted at a line, to stand behind it."""
    for pin in pins:
        text = f"  {PIN} {scrub(pin.who)}" + (f": {scrub(pin.text)}" if pin.text else "")
        yield Segment(text, Style(color=pin.ink))
