"""A log put together from chunks: no byte lost, none twice; and cut into lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio_tui.client.logtail import LINE_CAP, Lines, LogTail


def test_chunks_that_follow_each_other_are_all_new() -> None:
    tail = LogTail()
    assert [tail.feed(0, b"ab"), tail.feed(2, b"cd")] == [b"ab", b"cd"]


def test_what_is_known_is_trimmed() -> None:
    tail = LogTail()
    tail.feed(0, b"abcd")
    assert tail.feed(2, b"cdef") == b"ef"
    assert tail.feed(0, b"abc") == b""
    assert tail.offset == 6


def test_a_chunk_beyond_the_end_shows_that_something_was_missed() -> None:
    tail = LogTail()
    tail.feed(0, b"ab")
    assert tail.feed(3, b"d") is None
    assert tail.offset == 2


def test_what_is_kept_no_more_is_not_waited_for() -> None:
    tail = LogTail()
    tail.feed(0, b"ab")
    tail.skip(5)
    assert tail.feed(3, b"defg") == b"fg"
    tail.skip(1)
    assert tail.offset == 7


def test_it_may_start_in_the_middle() -> None:
    tail = LogTail(3)
    assert tail.feed(0, b"abcdef") == b"def"


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20))))
def test_whatever_comes_in_whatever_order_every_byte_comes_once(
    log: bytes, chunks: list[tuple[int, int]]
) -> None:
    tail, seen = LogTail(), b""
    for offset, length in chunks:
        fresh = tail.feed(offset, log[offset : offset + length])
        if fresh is None:
            fresh = tail.feed(tail.offset, log[tail.offset : offset + length])
        seen += fresh or b""
    assert seen == log[: len(seen)]
    assert tail.offset == len(seen)


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.lists(st.integers(0, 200)))
def test_lines_are_the_same_however_the_bytes_are_cut(text: str, cuts: list[int]) -> None:
    data, lines, found = text.encode(), Lines(), []
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in zip(places, places[1:], strict=False):
        found += lines.feed(data[start:end])
    found += lines.rest()
    expected = text.split("\n")
    assert found == (expected if expected[-1] else expected[:-1])


def test_only_a_line_feed_ends_a_line() -> None:
    assert Lines().feed("1%\r2%\x0c\u2028\x85\n".encode()) == ["1%\r2%\x0c\u2028\x85"]


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    lines = Lines()
    assert lines.feed(b"a\xff\n\xc3") == ["a\ufffd"]
    assert lines.rest() == ["\ufffd"]


def test_a_line_without_an_end_is_given_in_parts() -> None:
    lines = Lines()
    found = [line for _ in range(5) for line in lines.feed(b"x" * LINE_CAP)]
    assert "".join([*found, *lines.rest()]) == "x" * (5 * LINE_CAP)
    assert max(map(len, found)) <= 2 * LINE_CAP
    assert found
