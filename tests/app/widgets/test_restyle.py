from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from studio_tui.app.widgets.restyle import restyled

BOLD, RED = Style(bold=True), Style(color="red")


def test_some_cells_get_a_style_upon_their_own() -> None:
    strip = restyled(Strip([Segment("ab", RED), Segment("cd")]), 1, 3, BOLD)
    styles = [(segment.text, segment.style) for segment in strip]
    assert styles == [("a", RED), ("b", RED + BOLD), ("c", BOLD), ("d", None)]


def test_what_lies_beyond_the_strip_is_left_out() -> None:
    strip = Strip([Segment("abcd")])
    assert [part.style for part in restyled(strip, 2, 9, BOLD)] == [None, BOLD]
    assert restyled(strip, 4, 9, BOLD) is strip
    assert restyled(strip, 2, 2, BOLD) is strip
