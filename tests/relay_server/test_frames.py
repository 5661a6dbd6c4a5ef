"""Frames of a client: plain ones are read, all others reach the library byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from relay_server.frames import PLAIN, FrameCutter

FRAMES = st.one_of(
    st.builds(Frame, st.just(Opcode.BINARY), st.binary(max_size=300)),
    st.builds(Frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
    st.builds(Frame, st.just(Opcode.TEXT), st.binary(max_size=300)),
    st.just(Frame(Opcode.BINARY, b"x" * PLAIN)),
    st.just(Frame(Opcode.BINARY, b"x" * (PLAIN + 1))),
)


def on_the_wire(frame: Frame, *, mask: bool = True) -> bytes:
    return frame.serialize(mask=mask)


def cut(data: bytes, size: int) -> tuple[list[bytes], bytes]:
    """Plain payloads, and the bytes for the library, of data that comes `size` bytes at a time."""
    cutter, plain, rest = FrameCutter(), [], bytearray()
    for at in range(0, len(data), size):
        one = cutter.whole(data[at : at + size])
        for piece, whole in cutter.cut(data[at : at + size]) if one is None else [(one, True)]:
            if whole:
                plain.append(piece)
            else:
                rest += piece
    return plain, bytes(rest)


@given(st.lists(FRAMES, max_size=6), st.integers(1, 40_000))
def test_however_the_bytes_come_nothing_is_lost(frames: list[Frame], size: int) -> None:
    sent = [(frame, on_the_wire(frame)) for frame in frames]
    plain, rest = cut(b"".join(data for _, data in sent), size)
    short = [f for f, _ in sent if f.opcode is Opcode.BINARY and len(f.data) <= PLAIN]
    assert plain == [bytes(frame.data) for frame in short]
    assert rest == b"".join(data for frame, data in sent if frame not in short)


def test_one_short_frame_is_recognised_whole_where_a_frame_may_begin() -> None:
    short = on_the_wire(Frame(Opcode.BINARY, b"key"))
    assert FrameCutter().whole(short) == b"key"
    for other in (
        short[:-1],
        short + short,
        on_the_wire(Frame(Opcode.BINARY, b"")),
        on_the_wire(Frame(Opcode.BINARY, b"key"), mask=False),
        on_the_wire(Frame(Opcode.BINARY, b"key", fin=False)),
        on_the_wire(Frame(Opcode.PING, b"key")),
        on_the_wire(Frame(Opcode.BINARY, b"x" * 126)),
    ):
        assert FrameCutter().whole(other) is None
    for before in (short[:4], on_the_wire(Frame(Opcode.TEXT, b"text"))[:4]):
        cutter = FrameCutter()
        list(cutter.cut(before))
        assert cutter.whole(short) is None
    cutter = FrameCutter()
    list(cutter.cut(on_the_wire(Frame(Opcode.BINARY, b"a", fin=False))))
    assert cutter.whole(short) is None


def test_a_message_in_fragments_is_the_librarys_and_so_is_what_comes_between() -> None:
    inside = on_the_wire(Frame(Opcode.BINARY, b"offence"))
    data = [
        on_the_wire(Frame(Opcode.BINARY, b"a", fin=False)),
        on_the_wire(Frame(Opcode.PING, b"")),
        inside,
        on_the_wire(Frame(Opcode.CONT, b"b")),
    ]
    after = on_the_wire(Frame(Opcode.BINARY, b"plain again"))
    plain, rest = cut(b"".join([*data, after]), 7)
    assert (plain, rest) == ([b"plain again"], b"".join(data))


@pytest.mark.parametrize(
    "data",
    [
        on_the_wire(Frame(Opcode.BINARY, b"unmasked"), mask=False),
        b"\xc2" + on_the_wire(Frame(Opcode.BINARY, b"reserved bit"))[1:],
        b"\x83" + on_the_wire(Frame(Opcode.BINARY, b"unknown opcode"))[1:],
        b"\x82\xff" + b"\xff" * 8 + b"mask" + b"endless",
    ],
    ids=["unmasked", "reserved bit", "unknown opcode", "endless"],
)
def test_what_is_malformed_is_the_librarys(data: bytes) -> None:
    assert cut(data, 3) == ([], data)


def test_what_is_kept_for_the_next_read_is_bounded() -> None:
    cutter = FrameCutter()
    start = on_the_wire(Frame(Opcode.BINARY, bytes(PLAIN)))[:-1]
    assert list(cutter.cut(start)) == []
    assert len(cutter._rest) <= PLAIN + 8
    big = on_the_wire(Frame(Opcode.BINARY, bytes(1 << 20)))
    cutter = FrameCutter()
    for at in range(0, len(big), 1000):
        assert all(not plain for _, plain in cutter.cut(big[at : at + 1000]))
        assert len(cutter._rest) < 14
