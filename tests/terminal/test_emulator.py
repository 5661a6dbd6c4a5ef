from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.errors import UsageFault
from studio_tui.terminal.emulator import Emulator, History
from studio_tui.terminal.row import (
    BLANK,
    BOLD,
    INVERSE,
    RGB,
    Cursor,
    Modes,
    Mouse,
    Row,
    Run,
    Shape,
    Style,
    Underline,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Emulators differ here by policy: how wide a flag is (and so what follows it), and that another
# emulator underlines links.
POLICY = {"unicode_attrs": {0, 1}}
LINK_UNDERLINE = {"unicode_attrs": True}


def play(recording: Any, cut: Callable[[bytes], Iterator[bytes]] | None = None) -> Emulator:
    emulator = Emulator(recording.cols, recording.lines)
    for step in recording.steps(cut) if cut else recording.steps():
        if isinstance(step, bytes):
            emulator.feed(step)
        else:
            emulator.resize(*step)
    emulator.changed_rows()
    return emulator


def expand(row: Row, cols: int) -> list[tuple[str, int, Style]]:
    """(characters, width, style) of every column."""
    out: list[tuple[str, int, Style]] = []
    for run in row.runs:
        glyphs = list(run.text) if run.width else [run.text]
        for glyph in glyphs:
            width = run.width or run.cells
            out += [(glyph, width, run.style), *[("", 0, run.style)] * (width - 1)]
    return out + [("", 1, Style())] * (cols - len(out))


def colour(mode: int, value: int) -> int | None:
    return None if mode == 0 else value if mode == 1 else RGB | value


def test_a_recording_ends_on_its_screen(recording: Any) -> None:
    emulator, expected = play(recording), recording.expected
    for y, cells in enumerate(expected["grid"]):
        if y in POLICY.get(recording.name, ()):
            continue
        for x, (chars, width, *look) in enumerate(cells):
            got, got_width, style = expand(emulator.rows[y], expected["cols"])[x]
            place = (recording.name, y, x)
            assert (got or " ", got_width) == (chars or " ", width) or width == 0, place
            fg_mode, fg, bg_mode, bg, flags = look
            assert (style.fg, style.bg) == (colour(fg_mode, fg), colour(bg_mode, bg)), place
            assert style.flags == flags & 0xFF, place
            if not (style.link and recording.name in LINK_UNDERLINE):
                assert bool(style.underline) == bool(flags & 256), place
    assert emulator.cursor[:2] == tuple(expected["cursor"])
    modes = expected["modes"]
    assert emulator.modes.alternate == expected["alt"]
    assert emulator.modes.application_cursor == modes["applicationCursorKeysMode"]
    assert emulator.modes.bracketed_paste == modes["bracketedPasteMode"]
    assert bool(emulator.modes.mouse) == (modes["mouseTrackingMode"] != "none")
    above = [row.rstrip() for row in expected["scrollback"]]
    assert emulator.history(0, emulator.scrollback).rows == above


def test_where_the_bytes_are_cut_does_not_matter(recording: Any) -> None:
    def single(data: bytes) -> Iterator[bytes]:
        return (data[at : at + 1] for at in range(len(data)))

    def some(data: bytes) -> Iterator[bytes]:
        chance, at = random.Random(recording.name), 0
        while at < len(data):
            size = chance.randint(1, 90)
            yield data[at : at + size]
            at += size

    whole = play(recording)
    for cut in (single, some):
        emulator = play(recording, cut)
        assert emulator.rows == whole.rows
        assert emulator.cursor == whole.cursor


def test_only_changed_rows_are_told_and_ids_stay_with_lines() -> None:
    emulator = Emulator(20, 4)
    emulator.feed(b"one\r\ntwo\r\nthree")
    assert len(emulator.changed_rows()) == 4
    before = emulator.row_ids()
    assert emulator.changed_rows() == []
    emulator.feed(b"!")
    (changed,) = emulator.changed_rows()
    assert (changed.y, changed.row_id, changed.row.text) == (2, before[2], "three!")
    emulator.feed(b"\r\nfour\r\nfive")
    emulator.changed_rows()
    assert emulator.row_ids()[:3] == before[1:]
    assert [row.text for row in emulator.rows] == ["two", "three!", "four", "five"]


def test_styles() -> None:
    emulator = Emulator(40, 2)
    emulator.feed(b"\x1b[1;7;38;5;200;48;2;1;2;3mx\x1b[0;4:3;58;5;9my\x1b[0m ")
    emulator.changed_rows()
    assert emulator.rows[0].runs[:2] == (
        Run("x", 1, 1, Style(fg=200, bg=RGB | 0x010203, flags=BOLD | INVERSE)),
        Run("y", 1, 1, Style(underline_colour=9, underline=Underline.CURLY)),
    )


def test_links_next_to_each_other_stay_apart() -> None:
    emulator = Emulator(40, 2)
    emulator.feed(b"\x1b]8;;http://a\x07A\x1b]8;;http://b\x1b\\B\x1b]8;;\x07C")
    emulator.changed_rows()
    assert [run.style.link for run in emulator.rows[0].runs] == ["http://a", "http://b", ""]


def test_a_link_of_broken_bytes_or_without_end_is_none() -> None:
    emulator = Emulator(40, 2)
    for link in (b"\xff" * 1500, b"x" * 5000):
        emulator.feed(b"\x1b]8;;http://" + link + b"\x07A\x1b]8;;\x07")
    emulator.changed_rows()
    assert [run.style.link for run in emulator.rows[0].runs] == [""] * len(emulator.rows[0].runs)


def test_replies_go_to_the_host() -> None:
    replies: list[bytes] = []
    emulator = Emulator(80, 24, replies.append)
    for query in (b"\x1b[c", b"\x1b[5n", b"\x1b[3;7H\x1b[6n", b"\x1b[18t", b"\x1b[?u"):
        emulator.feed(query)
    assert replies[0].startswith(b"\x1b[?62")
    assert replies[1:] == [b"\x1b[0n", b"\x1b[3;7R", b"\x1b[8;24;80t", b"\x1b[?0u"]


def test_a_reply_may_feed_the_emulator_again() -> None:
    emulator = Emulator(80, 24, lambda reply: emulator.feed(b"heard"))
    emulator.feed(b"\x1b[5n")
    emulator.changed_rows()
    assert emulator.rows[0].text == "heard"


def test_without_a_listener_queries_are_swallowed() -> None:
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[c\x1b[>4;2mok")
    emulator.changed_rows()
    assert emulator.rows[0].text == "ok"


def test_title_bell_and_modes() -> None:
    emulator = Emulator(80, 24)
    assert (emulator.title, emulator.bells, emulator.modes) == ("", 0, Modes())
    emulator.feed(b"\x07\x07\x1b]0;a\xc3\xa9" + b"t" * 400 + b"\x07")
    emulator.feed(b"\x1b[?1h\x1b[?2004h\x1b[?1049h\x1b[?1002h\x1b[?1006h\x1b[?2026h\x1b[>1u")
    assert emulator.bells == 2
    assert emulator.title[:3] == "aét"
    assert len(emulator.title) == 256
    assert emulator.modes == Modes(True, True, True, Mouse.DRAG)
    assert emulator.held
    assert emulator.kitty_keyboard == 1


def test_the_cursor() -> None:
    emulator = Emulator(10, 4)
    emulator.feed(b"\x1b[5 q\x1b[2;3H")
    emulator.changed_rows()
    assert emulator.cursor == Cursor(2, 1, True, Shape.BAR, True)
    emulator.feed(b"\x1b[?25l0123456789")
    emulator.changed_rows()
    assert emulator.cursor.visible is False
    assert emulator.cursor.x < 10


def test_a_program_cannot_change_the_width() -> None:
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[?40h\x1b[?3hwide")
    emulator.changed_rows()
    assert (emulator.cols, emulator.lines, len(emulator.rows)) == (80, 24, 24)
    emulator.feed(b"\x1b[1;1H" + b"x" * 81)
    emulator.changed_rows()
    assert [row.cells for row in emulator.rows[:2]] == [80, 1]


def test_resize_wraps_anew() -> None:
    emulator = Emulator(10, 3)
    emulator.feed(b"abcdefghij")
    emulator.resize(5, 3)
    emulator.changed_rows()
    assert [row.text for row in emulator.rows] == ["abcde", "fghij", ""]
    assert len(emulator.row_ids()) == 3
    emulator.resize(12, 6)
    emulator.changed_rows()
    assert [row.text for row in emulator.rows] == ["abcdefghij", *[""] * 5]


@pytest.mark.parametrize("size", [(0, 24), (80, 0), (1001, 24), (80, 1001), (-1, -1), (1000, 251)])
def test_impossible_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(UsageFault, match="a terminal cannot be"):
        Emulator(*size)
    emulator = Emulator(80, 24)
    with pytest.raises(UsageFault):
        emulator.resize(*size)
    assert (emulator.cols, emulator.lines) == (80, 24)


def test_history_is_scrollback_and_screen() -> None:
    emulator = Emulator(20, 3)
    emulator.feed(b"".join(b"line %d\r\n" % number for number in range(10)) + b"last")
    assert emulator.history(0, 2) == History(["line 0", "line 1"], 0, 11)
    assert emulator.history(-2, 5) == History(["line 9", "last"], 9, 11)
    assert emulator.history(8, 100).rows == ["line 8", "line 9", "last"]
    assert emulator.history(50, 5) == History([], 11, 11)
    assert emulator.history(0, -1).rows == []


def test_a_row_that_goes_on_in_the_next_is_told_from_one_that_ends() -> None:
    emulator = Emulator(10, 4)

    def wrapped(printed: bytes) -> list[int]:
        emulator.feed(printed)
        emulator.changed_rows()
        return [y for y, row in enumerate(emulator.rows) if row.wrapped]

    assert wrapped(b"0123456789") == []
    assert wrapped(b"and on") == [0]
    assert wrapped(b"\r\n0123456789\r\nend") == [0]
    assert wrapped(b"\x1b[1;3H\x1b[K") == []
    assert wrapped(b"\x1b[4;1H0123456789" + "012345678漢".encode()) == [1, 2]


def test_history_keeps_blank_lines() -> None:
    emulator = Emulator(20, 4)
    emulator.feed(b"a\r\n\r\n\r\nb\r\n\r\n\r\n")
    assert emulator.history(0, 100).rows == ["a", "", "", "b", "", "", ""]


def test_scrollback_is_as_long_as_asked_for_and_no_longer_for_ever() -> None:
    lines = b"".join(b"line %d\r\n" % number for number in range(30_000))
    for cols in (40, 80, 200):
        plenty, few = Emulator(cols, 24), Emulator(cols, 24, scrollback=1000)
        for emulator in (plenty, few):
            emulator.feed(lines)
        assert 9_000 < plenty.scrollback < 20_000
        assert 500 < few.scrollback < 2_000
    wide = Emulator(1000, 24)
    wide.feed(lines)
    assert 1_000 < wide.scrollback < 9_000
    plenty = Emulator(20, 24)
    plenty.resize(200, 24)
    plenty.feed(lines)
    assert plenty.scrollback > 9_000


def test_nothing_a_program_prints_is_a_control_character() -> None:
    emulator = Emulator(40, 3)
    emulator.feed("a\x7fb\u0085c\u009bd\x1b]0;t\u009bt\x07".encode() + b"\x9b\xff\xc0x")
    emulator.changed_rows()
    shown = "".join(row.text for row in emulator.rows) + emulator.title
    shown += "".join(emulator.history(0, 3).rows)
    assert shown.isprintable()


def test_images_cannot_name_files(tmp_path: Any) -> None:
    replies: list[bytes] = []
    emulator = Emulator(80, 24, replies.append)
    emulator.feed(b"\x1b_Gi=31,a=T,t=f,f=100;L2V0Yy9wYXNzd2Q=\x1b\\")
    emulator.changed_rows()
    assert replies == []
    assert emulator.rows == [BLANK] * 24
