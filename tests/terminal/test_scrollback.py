from __future__ import annotations

import pytest

from studio_tui.terminal.line import Spot, Stretch
from studio_tui.terminal.row import PLAIN, Row, Run
from studio_tui.terminal.scrollback import (
    PAGE,
    SEAM,
    Scrollback,
    cut,
    needle,
)


def line(text: str) -> Row:
    return Row((Run(text, 1, len(text), PLAIN),)) if text else Row()


class Host:
    """Lines as a host keeps them: at most `kept`, the oldest go first."""

    def __init__(self, count: int, kept: int = 10_000) -> None:
        self.lines = [line(f"line {n}") for n in range(count)]
        self.kept = kept

    def prints(self, *texts: str) -> None:
        self.lines = [*self.lines, *map(line, texts)][-self.kept :]

    def answer(self, start: int, count: int) -> tuple[int, list[Row]]:
        first = max(0, start if start >= 0 else len(self.lines) + start)
        return first, self.lines[first : first + count]


def texts(back: Scrollback) -> list[str]:
    return [back.row(n).text for n in range(back.first, back.end)]


def fetch(back: Scrollback, host: Host, printed: int = 0) -> int:
    return back.extend(*host.answer(*back.wanted(printed)))


def test_older_lines_come_page_by_page_until_there_are_none() -> None:
    host = Host(800)
    back = Scrollback(host.lines[-24:])
    assert (back.first, back.end) == (0, 24)
    came = []
    while not back.complete:
        came.append(fetch(back, host))
    assert came[:2] == [PAGE, PAGE]
    assert texts(back) == [f"line {n}" for n in range(800)]
    assert back.row(0).text == "line 776"  # numbers stay


def test_what_is_printed_meanwhile_neither_moves_nor_repeats_a_line() -> None:
    host = Host(500)
    back = Scrollback(host.lines[-24:])
    host.prints(*(f"new {n}" for n in range(100)))
    assert fetch(back, host, printed=100) == PAGE
    host.prints("more", "and more")
    while not back.complete:
        fetch(back, host, printed=999)  # it is known by now which lines these are
    assert texts(back) == [f"line {n}" for n in range(500)]


def test_more_was_printed_than_is_known() -> None:
    host = Host(500)
    back = Scrollback(host.lines[-24:])
    host.prints(*(f"new {n}" for n in range(200)))
    assert fetch(back, host, printed=0) == 100
    assert texts(back)[0] == "line 376"


def test_lines_that_the_host_dropped_meanwhile_are_not_made_up() -> None:
    host = Host(1000, kept=1000)
    back = Scrollback(host.lines[-24:])
    fetch(back, host)
    host.prints(*(f"new {n}" for n in range(990)))
    assert fetch(back, host) == 0
    assert back.complete
    assert texts(back)[0] == "line 676"


def test_a_terminal_that_printed_less_than_a_screen_has_nothing_older() -> None:
    host = Host(24)
    back = Scrollback(host.lines)
    assert fetch(back, host) == 0
    assert back.complete
    assert Scrollback(()).complete


def test_the_seam_of_a_screen_smaller_than_it() -> None:
    host = Host(100)
    back = Scrollback(host.lines[-5:])
    assert SEAM > 5
    assert fetch(back, host) == 95
    assert back.complete


WIDE = Row(
    (Run("ab", 1, 2), Run("漢字", 2, 4), Run("e\u0301", 0, 1), Run("  x", 1, 3)),
)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(0, 2, "ab"), (1, 3, "b漢"), (3, 4, "漢"), (4, 7, "字e\u0301"), (6, 99, "e\u0301  x")],
)  # fmt: skip
def test_a_row_is_cut_by_columns(start: int, end: int, text: str) -> None:
    assert cut(WIDE, start, end) == text


def test_a_selection_is_text_without_trailing_blanks() -> None:
    back = Scrollback([line("first line   "), line(""), WIDE, line("last")])
    assert back.text(Spot(0, 6), Spot(2, 2)) == "line\n\nab漢"
    assert back.text(Spot(2, 2), Spot(0, 6)) == "line\n\nab漢"
    assert back.text(Spot(3, 0), Spot(3, 80)) == "last"
    assert back.text(Spot(-5, 0), Spot(99, 80)) == "first line\n\nab漢字e\u0301  x\nlast"


def test_what_was_wrapped_is_one_line_again() -> None:
    long = [line("first half, ")._replace(wrapped=True), line("漢")._replace(wrapped=True)]
    back = Scrollback([line("before  "), *long, line("last  "), line("after")])
    assert back.text(Spot(0, 0), Spot(9, 80)) == "before\nfirst half, 漢last\nafter"
    assert back.text(Spot(1, 6), Spot(2, 0)) == "half, 漢"
    assert back.text(Spot(1, 0), Spot(1, 80)) == "first half,"
    assert [back.whole(number) for number in range(5)] == [(0, 0), (1, 3), (1, 3), (1, 3), (4, 4)]
    assert Scrollback(long).whole(1) == (0, 1)  # its end is not here


WRAPPED = Scrollback(
    [
        line("see /tmp/a")._replace(wrapped=True),
        Row((Run("/", 1, 1), Run("漢", 2, 2), Run("error.p", 1, 7)), wrapped=True),
        line("y: "),
        line("no"),
    ]
)


def test_a_word() -> None:
    back = Scrollback([line("see /tmp/a.py:3 now"), WIDE])
    assert back.word(Spot(0, 6)) == (Spot(0, 4), Spot(0, 14))
    assert back.word(Spot(0, 3)) == (Spot(0, 3), Spot(0, 3))
    assert back.word(Spot(0, 70)) == (Spot(0, 70), Spot(0, 70))
    assert back.word(Spot(1, 3)) == (Spot(1, 0), Spot(1, 6))


def test_a_word_goes_on_where_the_terminal_wrapped_it() -> None:
    whole = (Spot(0, 4), Spot(2, 1))
    for place in (Spot(0, 9), Spot(1, 0), Spot(2, 1)):
        assert WRAPPED.word(place) == whole
    assert WRAPPED.text(*whole) == "/tmp/a/漢error.py:"
    assert WRAPPED.word(Spot(2, 2)) == (Spot(2, 2), Spot(2, 2))


def test_search_goes_up_and_down_from_where_one_is() -> None:
    back = Scrollback([line("Error one"), line("error two error"), line("fine"), line("ERROR")])
    any_case = needle("error")
    assert back.find(any_case, Spot(3, 0), back=True) == Stretch(1, 10, 15)
    assert back.find(any_case, Spot(1, 10), back=True) == Stretch(1, 0, 5)
    assert back.find(any_case, Spot(1, 0), back=True) == Stretch(0, 0, 5)
    assert back.find(any_case, Spot(0, 0), back=True) is None
    assert back.find(any_case, Spot(0, 0), back=False) == Stretch(1, 0, 5)
    assert back.find(needle("ERR"), Spot(0, 0), back=False) == Stretch(3, 0, 3)
    assert back.find(needle("(.*"), Spot(3, 0), back=True) is None
    assert back.matches(1, any_case) == [(Stretch(1, 0, 5),), (Stretch(1, 10, 15),)]


def test_search_finds_what_the_terminal_wrapped() -> None:
    over_three = (Stretch(0, 9, 10), Stretch(1, 0, 10), Stretch(2, 0, 1))
    long = needle("a/漢error.py")
    for row in range(3):
        assert WRAPPED.matches(row, long) == [over_three]
    assert WRAPPED.matches(3, long) == []
    assert WRAPPED.find(long, Spot(3, 0), back=True) == over_three[0]
    assert WRAPPED.find(long, Spot(2, 0), back=True) == over_three[0]
    assert WRAPPED.find(long, Spot(0, 9), back=True) is None
    assert WRAPPED.find(long, Spot(0, 9), back=False) is None
    assert WRAPPED.find(needle("y: no"), Spot(0, 0), back=False) is None  # two lines
