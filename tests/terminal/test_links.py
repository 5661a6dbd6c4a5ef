from __future__ import annotations

import pytest

from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.line import Spot
from studio_tui.terminal.links import Link, links_on, opens
from studio_tui.terminal.links import link_at as link_on
from studio_tui.terminal.row import Row


def rows(printed: str, cols: int = 60) -> list[Row]:
    emulator = Emulator(cols, 3)
    emulator.feed(printed.encode())
    emulator.changed_rows()
    return emulator.rows


def link_at(row: Row, x: int) -> Link | None:
    return link_on([row], Spot(0, x))


def test_a_hyperlink_leads_where_the_program_said() -> None:
    (row, *_) = rows("漢 \x1b]8;;http://a.example/1\x07there\x1b]8;;\x07 on")
    assert link_at(row, 3) == Link("http://a.example/1", "there")
    assert link_at(row, 7) == Link("http://a.example/1", "there")
    assert link_at(row, 2) is link_at(row, 8) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://a.example/x?y=1#z.", "https://a.example/x?y=1#z"),
        ("(http://127.0.0.1:8888/lab)", "http://127.0.0.1:8888/lab"),
        ("'http://a.example/'", "http://a.example/"),
        ("│http://a.example│", "http://a.example"),
    ],
)
def test_an_address_that_stands_there_is_one_too(text: str, address: str) -> None:
    (row, *_) = rows("漢字 " + text)
    start = 5 + text.index("http")
    assert link_at(row, start) == link_at(row, start + len(address) - 1) == Link(address, address)
    assert link_at(row, start - 1) is link_at(row, start + len(address)) is None


def test_an_address_is_one_over_all_of_its_cells() -> None:
    (row, *_) = rows("http://a.example/漢字 on")
    address = "http://a.example/漢字"
    assert link_at(row, 0) == link_at(row, 20) == Link(address, address)
    assert link_at(row, 21) is None


def test_an_address_goes_on_where_the_terminal_wrapped_it() -> None:
    link = Link("http://a.example/漢字/on", "http://a.example/漢字/on")
    screen = rows("see http://a.example/漢字/on, and", cols=13)
    assert [row.text for row in screen] == ["see http://a.", "example/漢字/", "on, and"]
    places = [Spot(0, 4), Spot(0, 12), Spot(1, 0), Spot(1, 12), Spot(2, 1)]
    assert [link_on(screen, place) for place in places] == [link] * 5
    assert link_on(screen, Spot(0, 3)) is link_on(screen, Spot(2, 2)) is None
    assert links_on(screen) == [link]
    printed = rows("http://a.exam\r\nple/on", cols=13)  # two lines, however they look
    assert [found.address for found in links_on(printed)] == ["http://a.exam"]


def test_each_address_is_listed_once_from_top_to_bottom() -> None:
    screen = rows(
        "http://b.example\r\n\x1b]8;;http://a.example\x07A\x1b]8;;\x07 http://b.example\r\n"
        "\x1b]8;;file:///etc/passwd\x07http://b.example\x1b]8;;\x07"
    )
    addresses = [link.address for link in links_on(screen)]
    assert addresses == ["http://b.example", "http://a.example", "file:///etc/passwd"]


def test_only_what_a_browser_shows_is_opened() -> None:
    assert opens("https://a.example")
    assert opens("HTTP://a.example")
    for address in ("file:///etc/passwd", "javascript:alert(1)", "ssh://x", "-x http://", ""):
        assert not opens(address)
