from __future__ import annotations

import struct

import pytest

from studio_tui.payload.hold import stream as hold
from studio_tui.terminal.holding import (
    Exit,
    Flags,
    Gap,
    HolderError,
    HolderStream,
    Output,
    encode_attach,
    encode_input,
    encode_kill,
    encode_resize,
)


def offset(number: int, end: int | None = None) -> bytes:
    return hold.frame(b"O", struct.pack(">QQ", number, number if end is None else end))


def test_what_the_host_says() -> None:
    assert encode_attach(258) == hold.frame(b"A", bytes(6) + b"\x01\x02")
    assert encode_input(b"ls\r") == hold.frame(b"D", b"ls\r")
    assert encode_input(b"") == b""
    assert encode_resize(80, 24) == hold.frame(b"R", b"\x00\x50\x00\x18")
    assert encode_kill() == hold.frame(b"K")


def test_long_input_goes_in_pieces_the_holder_takes() -> None:
    data = bytes(200_000)
    frames = encode_input(data)
    assert len(frames) == len(data) + 4 * 5
    assert max(struct.unpack_from(">I", frames, at + 1)[0] for at in (0, 65541)) < hold.FRAME_LIMIT


def test_what_the_holder_says_cut_anywhere() -> None:
    said = (
        offset(0)
        + hold.frame(b"E", b"\x03")
        + hold.frame(b"D", b"hello")
        + hold.frame(b"E", b"\x02")
        + hold.frame(b"X", struct.pack(">i", -9))
    )
    expected = [
        Flags(True, True),
        Output(0, b"hello"),
        Flags(False, True),
        Exit(-9),
    ]
    for size in (1, 3, 7, len(said)):
        stream = HolderStream()
        events = []
        for at in range(0, len(said), size):
            events += stream.feed(said[at : at + size])
        assert events == expected
        assert stream.offset == 5


def test_a_new_connection_goes_on_where_the_old_one_broke() -> None:
    stream = HolderStream()
    stream.feed(offset(0) + hold.frame(b"D", b"12345") + hold.frame(b"D", b"lost")[:7])
    assert stream.attach() == encode_attach(5)
    assert stream.feed(offset(5) + hold.frame(b"D", b"67")) == [Output(5, b"67")]


def test_where_the_output_becomes_live() -> None:
    stream = HolderStream()
    assert stream.live_at is None
    assert stream.feed(offset(0, 7)) == []
    assert stream.live_at == 7
    # What came while the connection was lost has been seen by nobody else either.
    stream.feed(hold.frame(b"D", b"1234567890"))
    stream.attach()
    stream.feed(offset(10, 30))
    assert stream.live_at == 7


def test_all_output_of_a_new_terminal_is_live() -> None:
    stream = HolderStream(live_at=0)
    stream.feed(offset(0, 7))
    assert stream.live_at == 0


def test_lost_output_is_told() -> None:
    stream = HolderStream(100)
    assert stream.feed(offset(5000)) == [Gap(100, 5000)]
    assert stream.offset == 5000


@pytest.mark.parametrize(
    "nonsense", [hold.frame(b"Q"), hold.frame(b"X", b"1"), hold.frame(b"O"), b"D\xff\xff\xff\xff"]
)
def test_nonsense(nonsense: bytes) -> None:
    with pytest.raises(HolderError, match="the terminal's holder sent"):
        HolderStream().feed(nonsense)
