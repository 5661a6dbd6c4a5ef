"""A style put over some cells of a line."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


def restyled(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """The strip with `style` over the cells `start` to `end`."""
    end = min(end, strip.cell_length)
    if start >= end:
        return strip
    inside = strip.crop(start, end)
    segments = list(Segment.apply_style(list(inside), post_style=style))
    return Strip.join([strip.crop(0, start), Strip(segments, inside.cell_length), strip.crop(end)])
