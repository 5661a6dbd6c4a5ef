from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_tui.terminal.frame import MAX_FRAME, Frame, Size, is_keyframe, pack, unpack
from studio_tui.terminal.octets import FrameError, Writer
from studio_tui.terminal.row import (
    BLANK,
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

LOUD = Style(200, RGB | 0x102030, 0, 0xFF, Underline.DASHED, "http://example.org/é")
FULL = Row((Run("plain ", 1, 6), Run("漢字", 2, 4, LOUD), Run("e\u0301", 0, 1, LOUD)))


def frame(**changes: object) -> Frame:
    values: dict[str, object] = {
        "seq": 7,
        "scroll": 0,
        "input_seq": 0,
        "bells": 0,
        "cursor": Cursor(),
        "modes": Modes(),
        "size": None,
        "title": None,
        "rows": (),
    }
    return Frame(**{**values, **changes})  # type: ignore[arg-type]


KEYFRAME = frame(size=Size(80, 24, 12345), title="vim – a.py", rows=((0, FULL), (23, BLANK)))
DELTA = frame(
    scroll=3,
    input_seq=99,
    bells=2,
    cursor=Cursor(79, 23, False, Shape.HOLLOW, True),
    modes=Modes(True, True, True, Mouse.MOTION, False),
    rows=((1, FULL),),
)


WRAPPED = frame(
    rows=((1, FULL._replace(wrapped=True)), (2, FULL), (7, BLANK._replace(wrapped=True)))
)


@pytest.mark.parametrize("given_frame", [KEYFRAME, DELTA, WRAPPED, frame()])
def test_a_frame_comes_back(given_frame: Frame) -> None:
    assert unpack(pack(given_frame)) == given_frame


def test_keyframes_are_told_apart() -> None:
    assert is_keyframe(pack(KEYFRAME))
    assert not is_keyframe(pack(DELTA))
    assert not is_keyframe(b"")


def test_a_keystroke_is_small_and_a_screen_is_deflated() -> None:
    typed = frame(rows=((3, Row((Run("$ l", 1, 3),))),))
    assert len(pack(typed)) < 24
    screen = tuple((y, FULL) for y in range(24))
    assert len(pack(frame(size=Size(80, 24, 0), title="", rows=screen))) < 200


def body(*numbers: int, flags: int = 1) -> bytes:
    out = Writer()
    for number in numbers:
        out.number(number)
    return bytes((1, flags)) + out.done()


HEAD = (1, 0, 0, 0, 0, 0, 4, 8)  # seq, scroll, input_seq, bells, cursor (3), modes


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (b"\x01", "version"),
        (b"\x02\x00", "version 2"),
        (b"\x01\x80", "unknown flags"),
        (b"\x01\x02nonsense", "not deflated"),
        (b"\x01\x00", "ends before seq"),
        (body(*HEAD, 0, 24, 0, 0, 0), "without a size"),
        (body(*HEAD, 1001, 24, 0, 0, 0), "cols is 1001"),
        (body(1, 5, 0, 0, 0, 0, 4, 8, 80, 24, 0, 0, 0), "that scrolls"),
        (body(*HEAD[:6], 16, 8, 80, 24, 0, 0, 0), "cursor shape"),
        (body(*HEAD[:7], 0x5F, 80, 24, 0, 0, 0), "modes"),
        (body(*HEAD, 0, 1, 5, 0, 0, 0, flags=0), "bytes too many"),
        (body(*HEAD, 1, 1, 300, 0, flags=0), "300 is no colour"),
        (body(*HEAD, 0, 1, 0, 1, 4, 1, flags=0), "unknown style"),
        (body(*HEAD, 0, 1, 0, 1, 3, 1, flags=0), "unknown style or width"),
        (body(*HEAD, 0, 1, 0, 1, 1, 0, flags=0), "a run of nothing"),
        (body(*HEAD, 0, 1, 0, 1, 1, 2, 1, 65, flags=0), "does not fit its runs"),
        (body(*HEAD, 0, 2, 5, 0, 0, 5, 0, 0, flags=0), "out of order"),
        (body(*HEAD, 0, 1, 0, 1, 1, 1, 1, 27, flags=0), "control character"),
    ],
)
def test_garbage_is_named(data: bytes, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint) as caught:
        unpack(data)
    assert caught.value.hint


def test_a_frame_too_big_for_a_message_is_not_made_and_not_read() -> None:
    styles = [Style(fg=RGB | number) for number in range(70_000)]
    rows = tuple(
        (y, Row(tuple(Run("x", 1, 1, style) for style in styles[y * 700 : y * 700 + 700])))
        for y in range(100)
    )
    with pytest.raises(FrameError, match="70001 styles"):
        pack(frame(rows=rows))
    with pytest.raises(FrameError, match="bytes"):
        unpack(b"\x01\x00" + bytes(MAX_FRAME))


def test_cells_are_counted() -> None:
    wide = Row((Run("漢" * 500, 2, 1000),))
    with pytest.raises(FrameError, match="more than 250000 cells"):
        unpack(pack(frame(rows=tuple((y, wide) for y in range(251)))))


def test_a_bomb_is_not_inflated() -> None:
    bomb = zlib.compress(bytes(64 << 20), wbits=-15)
    assert len(bomb) < MAX_FRAME
    with pytest.raises(FrameError, match="more than 4 MiB"):
        unpack(b"\x01\x03" + bomb)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"\x01\x00", b"\x01\x01", b"\x01\x04", b""]))
def test_no_bytes_do_more_than_raise_a_frame_error(data: bytes, head: bytes) -> None:
    try:
        found = unpack(head + data)
    except FrameError:
        return
    assert unpack(pack(found)) == found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_frame_does_no_more_either(data: st.DataObject) -> None:
    whole = bytearray(pack(data.draw(st.sampled_from([KEYFRAME, DELTA]))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = unpack(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except FrameError:
        return
    assert all(text.isprintable() for text in (row.text for _, row in found.rows) if text.isascii())
