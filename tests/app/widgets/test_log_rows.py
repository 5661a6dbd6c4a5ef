from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from studio_tui.app.truncate import cells, scrub
from studio_tui.app.widgets.log_buffer import LogBuffer
from studio_tui.app.widgets.log_rows import LogRows, parts


def test_one_row_a_line_when_not_folded() -> None:
    buffer, rows = LogBuffer(), LogRows()
    buffer.write(b"one\n" + "日本語".encode() + b"\nunfinished")
    rows.update(buffer)
    assert (len(rows), rows.widest) == (3, 10)
    assert [rows.locate(row) for row in range(4)] == [(0, 0), (1, 0), (2, 0), (3, 0)]


def test_long_lines_are_folded() -> None:
    buffer, rows = LogBuffer(), LogRows(4)
    buffer.write(b"abcdefghi\n\nxy\n")
    rows.update(buffer)
    assert [rows.locate(row) for row in range(len(rows))] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (2, 0),
    ]  # fmt: skip
    assert rows.row_of((0, 9)) == 2
    assert rows.row_of((2, 0)) == 4
    assert rows.row_of((9, 0)) == 5


def test_the_unfinished_line_grows() -> None:
    buffer, rows = LogBuffer(), LogRows(4)
    for data, expected in ((b"ab", 1), (b"cdef", 2), (b"\r\x1b[K", 0), (b"x\ny", 2)):
        buffer.write(data)
        rows.update(buffer)
        assert len(rows) == expected


def test_dropped_lines_take_their_rows_along() -> None:
    buffer, rows = LogBuffer(lines=2), LogRows(4)
    buffer.write(b"aaaaaa\nbb\n")
    rows.update(buffer)
    buffer.write(b"cc\ndddddd\n")
    rows.update(buffer)
    assert [rows.locate(row) for row in range(len(rows))] == [(2, 0), (3, 0), (3, 1)]
    assert rows.row_of((0, 0)) == 0


WRITES = st.lists(st.sampled_from([b"a\n", b"bcdefgh", b"\n", b"\r", "日本".encode()]), max_size=30)


@given(WRITES, st.lists(st.booleans(), min_size=30, max_size=30), st.sampled_from([None, 2, 5]))
def test_keeping_up_is_the_same_as_starting_late(
    writes: list[bytes], seen: list[bool], width: int | None
) -> None:
    buffer, rows = LogBuffer(lines=4), LogRows(width)
    for data, looked in zip(writes, seen, strict=False):
        buffer.write(data)
        if looked:
            rows.update(buffer)
    rows.update(buffer)
    late = LogRows(width)
    late.update(buffer)
    assert [rows.locate(row) for row in range(len(rows))] == [
        late.locate(row) for row in range(len(late))
    ]


@given(st.text().map(scrub), st.integers(2, 9))
@example("\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}", 2)
def test_parts_cover_the_text_and_fit(text: str, width: int) -> None:
    folded = [text[start:end] for start, end in parts(text, width)]
    assert "".join(folded) == text
    assert all(cells(part) <= width for part in folded)
