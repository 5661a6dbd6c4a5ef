from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from studio_tui.app.widgets.log_buffer import LINE_CAP, Line, LogBuffer
from studio_tui.app.widgets.sgr import Ink

RED = Ink(colour=1)


def lines(*chunks: bytes, **caps: int) -> list[Line]:
    buffer = LogBuffer(**caps)
    for chunk in chunks:
        buffer.write(chunk)
    return [buffer[index] for index in range(len(buffer))]


def texts(*chunks: bytes, **caps: int) -> list[str]:
    return [line.text for line in lines(*chunks, **caps)]


def test_lines_and_the_unfinished_one() -> None:
    assert texts(b"one\ntwo\n\nthr", b"ee") == ["one", "two", "", "three"]
    assert texts(b"one\r\ntwo\r\n") == ["one", "two"]
    assert texts() == []


def test_a_progress_bar_is_one_line_that_changes() -> None:
    assert texts(b"10%\r20%\r100%") == ["100%"]
    assert texts(b"long text\rshort\n") == ["shorttext"]
    assert texts(b"long text\r\x1b[Kshort\n") == ["short"]
    assert texts(b"long text\x1b[2K\rshort\n") == ["short"]
    assert texts(b"12\b\b\b34") == ["34"]


def test_blanks_that_pad_a_line_are_none_of_it() -> None:
    assert texts(b"2.8 K      \n", b"   \n   ", b" x  ") == ["2.8 K", "", "    x"]
    assert lines(b"a  \x1b[31m  \x1b[0m  \n") == [Line("a    ", ((3, 5, RED),))]


def test_colours_become_inks_across_lines() -> None:
    assert lines(b"a\x1b[31mbc\nd\x1b[0me") == [
        Line("abc", ((1, 3, RED),)),
        Line("de", ((0, 1, RED),), 9),
    ]


def test_overwriting_takes_the_old_ink_off() -> None:
    assert lines(b"\x1b[31mabcd\x1b[m\r\x1b[C12") == [Line("12cd", ((2, 4, RED),))]
    assert lines(b"abcd\r\x1b[31mxy") == [Line("xycd", ((0, 2, RED),))]
    assert lines(b"ab\x1b[31mcd\r\x1b[32mx\x1b[31m\n") == [
        Line("xbcd", ((0, 1, Ink(colour=2)), (2, 4, RED)))
    ]


def test_every_other_escape_is_dropped() -> None:
    assert texts(b"a\x1b[2Jb\x1b[10;10Hc\x1b]0;title\x07d\x1b]8;;http://x\x1b\\e\x1b(Bf\x1b7g") == [
        "abcdefg"
    ]
    assert texts(b"a\x1bPsecret\x1b\\b\x1b_x\x1b\\c") == ["abc"]
    assert texts(b"a\x00b\x07c\x7fd\xc2\x9be\xe2\x80\xaef") == ["abcdf"]


def test_an_unfinished_sequence_does_not_swallow_the_log() -> None:
    assert texts(b"a\x1b]0;title\nb\n") == ["a", "b"]
    assert texts(b"a\x1b[31\nb\n") == ["a", "b"]
    assert texts(b"a\x1b[" + b"1;" * 500 + b"mb\n") == ["ab"]


def test_tabs_go_to_the_next_stop_in_cells() -> None:
    assert texts("a\tb\n日本\tc".encode()) == ["a       b", "日本    c"]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert texts(b"a\xffb\xf0\x9f", b"\x9a\x80c") == ["a\ufffdb🚀c"]


def test_a_line_without_end_goes_on_in_the_next() -> None:
    assert [len(text) for text in texts(b"x" * (2 * LINE_CAP + 1))] == [LINE_CAP, LINE_CAP, 1]


def test_only_the_recent_lines_are_kept() -> None:
    buffer = LogBuffer(lines=3)
    for number in range(10):
        buffer.write(b"%d\n" % number)
    assert [line.text for line in map(buffer.__getitem__, range(len(buffer)))] == ["7", "8", "9"]
    assert (buffer.first, buffer.finished, buffer.total) == (7, 10, 10)
    assert texts(b"aaaa\nbbbb\ncc\n", characters=6) == ["bbbb", "cc"]


def test_a_million_lines_are_bounded() -> None:
    buffer = LogBuffer()
    chunk = b"".join(b"line %d\n" % number for number in range(10_000))
    for _ in range(100):
        buffer.write(chunk)
    assert buffer.total == 1_000_000
    assert len(buffer) == 20_000


def test_styled_spans_count_towards_the_bound() -> None:
    coloured = b"".join(b"\x1b[3%dmx" % (number % 2) for number in range(100)) + b"\n"
    assert len(texts(*[coloured] * 50, characters=10_000)) < 5


TOKENS = st.sampled_from(
    [b"a", b"bc ", "é".encode(), "日".encode(), "🚀".encode(), b"\xff", b"\n", b"\r", b"\b", b"\t",
     b"\x1b", b"[", b"31", b";1", b"m", b"K", b"2", b"]", b"\x07", b"\\", b"\x1b[31m", b"\x1b[0m",
     b"\x1b[K", b"\x1b[2K", b"\x1b]0;t\x07", b"\xc2\x9b", b"\x00", b"x" * 300]
)  # fmt: skip


@given(
    st.lists(TOKENS, max_size=60).map(b"".join),
    st.lists(st.integers(0, 400), max_size=8),
    st.integers(1, 5),
)
def test_any_chunking_gives_the_same_lines(data: bytes, cuts: list[int], kept: int) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert lines(*chunks) == lines(data)
    assert lines(*chunks, lines=kept, characters=50) == lines(data, lines=kept, characters=50)


@given(st.binary(max_size=200))
def test_any_bytes_give_printable_lines_with_inks_in_order(data: bytes) -> None:
    for line in lines(data):
        assert line.text.isprintable()
        edges = [edge for start, end, _ in line.inks for edge in (start, end)]
        assert edges == sorted(edges)
        assert all(edge <= len(line.text) for edge in edges)


def stretch(buffer: LogBuffer) -> list[tuple[int, str]]:
    return [(buffer[index].offset, buffer[index].text) for index in range(len(buffer))]


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=12),
    cut=st.integers(0, 12),
    pieces=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_a_line_knows_where_it_starts_however_it_came(
    lines: list[bytes], cut: int, pieces: list[int]
) -> None:
    """Also bytes that are no text, escape sequences cut by a line's end, carriage returns."""
    log = b"".join(line + b"\n" for line in lines)
    starts = [0, *(match.end() for match in re.finditer(rb"\n", log))][: len(lines)]
    whole = LogBuffer()
    at = 0
    while at < len(log):
        size = pieces[at % len(pieces)]
        whole.write(log[at : at + size])
        at += size
    assert [offset for offset, _ in stretch(whole)] == starts
    middle = starts[cut] if cut < len(starts) else len(log)
    buffer = LogBuffer(offset=middle)
    buffer.write(log[middle:])
    buffer.precede(log[:middle])
    assert (buffer.start, buffer.end) == (0, len(log))
    assert [offset for offset, _ in stretch(buffer)] == starts
    assert buffer.first == -min(cut, len(lines))
    assert all(buffer.at(start) == buffer.first + n for n, start in enumerate(starts))


def test_what_precedes_pushes_the_newest_out() -> None:
    log = b"".join(b"%02d\n" % number for number in range(20))
    buffer = LogBuffer(lines=5, offset=30)
    buffer.write(log[30:] + b"unfinished")
    assert (buffer.start, buffer.first) == (45, 5)
    buffer.precede(log[39:45])
    assert [text for _, text in stretch(buffer)] == ["13", "14", "15", "16", "17"]
    assert (buffer.start, buffer.end, buffer.first) == (39, 54, 3)
    buffer.write(log[54:57])
    assert [text for _, text in stretch(buffer)] == ["14", "15", "16", "17", "18"]
    assert (buffer.start, buffer.end, buffer.first) == (42, 57, 4)


def test_the_parts_of_a_long_line_go_together() -> None:
    buffer = LogBuffer(lines=3)
    buffer.write(b"x" * (2 * LINE_CAP + 1) + b"\na\nb\n")
    assert [text for _, text in stretch(buffer)] == ["a", "b"]
    assert buffer.start == 2 * LINE_CAP + 2


def test_only_what_is_to_be_kept_is_kept() -> None:
    buffer = LogBuffer(keep=lambda line: "2" in line.text)
    buffer.write(b"1\n2\n3\n12\nun2")
    assert stretch(buffer) == [(2, "2"), (6, "12")]
    buffer.write(b"finished\n")
    assert stretch(buffer)[-1] == (9, "un2finished")


def test_a_stretch_of_too_many_lines_leaves_no_gap() -> None:
    log = b"".join(b"%02d\n" % number for number in range(40))
    buffer = LogBuffer(lines=6, offset=60)
    buffer.proceed(log[60:])
    assert [text for _, text in stretch(buffer)] == ["20", "21", "22"]
    assert (buffer.start, buffer.end) == (60, 69)
    buffer.precede(log[:60])
    assert [text for _, text in stretch(buffer)] == ["17", "18", "19", "20", "21", "22"]
    assert (buffer.start, buffer.end) == (51, 69)
