"""Whatever the bytes are, a message comes back or a WireError, and nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server import wire
from relay_server.errors import WireError
from relay_server.wire import CAPS, Close, Entry, Level, Sender

ints = st.integers(0, CAPS.integer)
blobs = st.binary(max_size=300)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
senders = st.none() | st.builds(Sender, ints, words, words)
entries = st.lists(st.builds(Entry, ints, ints, words), max_size=5).map(tuple)
messages = st.one_of(
    st.builds(wire.Token, words, words, words),
    st.builds(wire.Granted, words),
    st.builds(wire.Denied, words),
    st.builds(wire.Step1, blobs),
    st.builds(wire.Step2, blobs),
    st.builds(wire.Update, blobs),
    st.builds(wire.Awareness, entries),
    st.just(wire.QueryAwareness()),
    st.builds(wire.Stateless, words),
    st.builds(wire.CloseRoom, words),
    st.builds(wire.SyncStatus, st.booleans()),
    st.builds(wire.Stream, words, ints, blobs, senders),
    st.builds(wire.Call, ints, words, blobs, st.booleans(), senders),
    st.builds(wire.Reply, ints, st.booleans(), blobs),
    st.builds(wire.Ack, ints, st.sampled_from(Level)),
    st.builds(wire.Issued, words),
    st.builds(wire.History, words.filter(lambda w: len(w.encode()) <= CAPS.history)),
)


@given(words, messages)
def test_every_message_comes_back(room: str, message: wire.Message) -> None:
    assert wire.decode(wire.encode(room, message)) == (room, message)


@given(messages)
def test_what_y_websocket_can_say_comes_back(message: wire.Message) -> None:
    data = wire.encode_y(message)
    speakable = wire.Step1 | wire.Step2 | wire.Update | wire.Awareness
    speakable |= wire.QueryAwareness | wire.Denied
    assert (data is not None) == isinstance(message, speakable)
    if data is not None:
        assert wire.decode_y(data) == message


def test_a_token_may_come_alone_or_with_more_than_we_know() -> None:
    assert wire.decode(b"\x01r\x02\x00\x01t") == ("r", wire.Token("t"))
    more = wire.encode("r", wire.Token("t", "5", "{}")) + b"whatever"
    assert wire.decode(more) == ("r", wire.Token("t", "5", "{}"))


def test_a_sync_reply_is_what_it_carries() -> None:
    assert wire.decode(b"\x01r\x04\x01\x02\x00\x00") == ("r", wire.Step2(b"\0\0"))


def test_a_close_may_lack_its_reason() -> None:
    assert wire.decode(b"\x01r\x07") == ("r", wire.CloseRoom(""))


@given(st.binary(max_size=200))
def test_garbage_is_a_message_or_a_wire_error(data: bytes) -> None:
    codes = []
    for decode in (wire.decode, wire.decode_y):
        try:
            decode(data)
        except WireError as error:
            codes.append(error.close_code)
    assert all(code in (Close.PROTOCOL, Close.TOO_BIG) for code in codes)


@given(messages, st.data())
def test_a_bent_message_is_a_message_or_a_wire_error(
    message: wire.Message, data: st.DataObject
) -> None:
    whole = bytearray(wire.encode("room", message))
    cut = data.draw(st.integers(0, len(whole)))
    del whole[cut:]
    if whole:
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    for decode in (wire.decode, wire.decode_y):
        try:
            decode(bytes(whole))
        except WireError:
            continue


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01r",
        b"\xff" * 11 + b"\x01",  # an integer without end
        b"\xff" * 9 + b"\x01",  # one beyond 2^53
        b"\x01r\x00\x02\xff\xff\xff\xff\x07",  # a length beyond the message
        b"\x01r\x01\x05\xff\xff\xff\xff\x07",  # presence that claims 2^31 entries
        b"\x01r\x00\x03\x00",  # no such sync message
        b"\x01r\x06\x01x",  # a message that clients may not send at all
        b"\x01r\x67\x01\x09",  # an acknowledgement of no level
        b"\x01r\x08\x02",  # a status that is neither
        b"\x01r\x03\x00",  # one byte too many
        b"\x01\xff\x03",  # a name that is not UTF-8
    ],
)
def test_malformed_messages_are_refused(data: bytes) -> None:
    with pytest.raises(WireError) as caught:
        wire.decode(data)
    assert caught.value.close_code == Close.PROTOCOL


def test_caps_have_their_own_code() -> None:
    too_big = [
        (wire.encode("r", wire.Update(bytes(CAPS.message))), CAPS.message),
        (wire.encode("r" * (CAPS.room + 1), wire.QueryAwareness()), CAPS.state),
        (wire.encode("r", wire.Token("t" * (CAPS.token + 1))), CAPS.state),
        (wire.encode("r", wire.Stream("s" * 300, 0, b"")), CAPS.state),
    ]
    for data, limit in too_big:
        with pytest.raises(WireError) as caught:
            wire.decode(data, limit)
        assert caught.value.close_code == Close.TOO_BIG


@pytest.mark.parametrize("room", ["", "room"])
def test_the_update_of_a_keystroke_is_found_without_decoding(room: str) -> None:
    def said(message: wire.Message) -> bytes:
        return wire.encode(room, message) if room else wire.encode_body(message)

    prefix = wire.write_string(room) if room else b""
    for size in (0, 1, 127):
        assert wire.short_update(said(wire.Update(bytes(size))), prefix) == bytes(size)
    for message in (wire.Update(bytes(128)), wire.Step2(b"x"), wire.Awareness(()), wire.Ping()):
        assert wire.short_update(said(message), prefix) is None
    assert wire.short_update(said(wire.Update(b"x")) + b"x", prefix) is None
    assert wire.short_update(said(wire.Update(b"x"))[:-1], prefix) is None
    assert wire.short_update(said(wire.Update(b"x")), wire.write_string("other")) is None
    assert wire.short_update(b"", prefix) is None
