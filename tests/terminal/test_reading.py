from __future__ import annotations

from studio_tui.terminal.line import Spot
from studio_tui.terminal.reading import Reading
from studio_tui.terminal.row import Row, Run
from studio_tui.terminal.scrollback import Scrollback, needle


def reading(lines: int = 100) -> Reading:
    """A view of 10 columns and 5 lines at the end of some."""
    rows = [Row((Run(f"line {n:02}", 1, 7),)) for n in range(lines)]
    found = Reading(Scrollback(rows), 20, lines - 5, 0, Spot(lines - 1, 0))
    found.width, found.height = 10, 5
    return found


def test_scrolling_takes_the_cursor_along_and_stops_at_both_ends() -> None:
    read = reading()
    read.scroll(-10)
    assert (read.top, read.cursor, read.below) == (85, (89, 0), 10)
    read.scroll(99)
    assert (read.top, read.cursor, read.below) == (95, (95, 0), 0)
    read.scroll(-1000)
    assert (read.top, read.owed) == (0, -905)  # for older lines, once they are here
    read.back.complete = True
    read.scroll(-3)
    assert (read.top, read.owed) == (0, 0)


def test_the_view_follows_the_cursor_as_little_as_it_must() -> None:
    read = reading()
    read.go(Spot(94, 15))
    assert (read.top, read.left) == (94, 6)
    read.go(Spot(20, 3))
    assert (read.top, read.left) == (18, 3)  # far away: in the middle
    read.go(Spot(-5, -5))
    assert (read.top, read.cursor) == (0, (0, 0))
    read.go(Spot(999, 999))
    assert (read.top, read.cursor) == (95, (99, 19))


def test_cells_of_the_view_are_places_in_the_lines() -> None:
    read = reading()
    read.left = 4
    assert read.spot(2, 1) == (96, 6)
    assert read.spot(-9, -99) == (0, 0)
    assert read.spot(99, 99) == (99, 19)


def test_what_is_selected() -> None:
    read = reading()
    assert (read.selected, read.take()) == (None, "line 99")
    read.select()
    read.go(Spot(98, 5))
    assert read.selected == ((98, 5), (99, 0))
    assert (read.take(), read.mark) == ("98\nl", None)
    read.select(lines=True)
    read.go(Spot(97, 3))
    assert read.take() == "line 97\nline 98"
    read.select()
    read.select()
    assert read.mark is None


def test_without_a_selection_all_of_a_wrapped_line_is_taken() -> None:
    rows = [Row((Run(text, 1, len(text)),), wrapped=text == "one ") for text in ("one ", "two")]
    assert Reading(Scrollback(rows), 4, 0, 0, Spot(1, 0)).take() == "one two"


def test_what_is_marked_in_a_line() -> None:
    read = reading()
    read.go(Spot(97, 5))
    read.select(lines=True)
    marks = dict(read.marks(97, needle("97")))
    assert marks["match"] == marks["found"] == [(97, 5, 7)]
    assert marks["selected"] == [(97, 0, 20)]
    assert list(read.marks(90, None)) == []


def test_a_match_is_marked_on_every_row_that_it_was_wrapped_onto() -> None:
    rows = [Row((Run(text, 1, 4),), wrapped=text == "an e") for text in ("an e", "rror")]
    read = Reading(Scrollback(rows), 4, 0, 0, Spot(0, 3))
    for row, part in ((0, (0, 3, 4)), (1, (1, 0, 4))):
        marks = dict(read.marks(row, needle("error")))
        assert marks["match"] == marks["found"] == [part]
    read.go(Spot(1, 0))
    assert dict(read.marks(1, needle("error")))["found"] == []
