"""Bytes with the shape of messages and updates, bent: taken or refused, and never worse.

What is drawn follows the formats, so that it comes further than noise: right tags, wrong counts,
lengths that lie, values within values, pieces cut out and put in.
"""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text

from relay_server import wire
from relay_server.access import ROLES, Policy
from relay_server.effects import Append, Broadcast, Expel, Send, Snapshot
from relay_server.errors import InvalidUpdate, WireError
from relay_server.member import Member
from relay_server.replica import Broken, Replica
from relay_server.room import Room
from relay_server.validate import check_state_vector, survey
from relay_server.wire import CAPS, Close, Level
from relay_server.wire import write_uint as uint

# ---------------------------------------------------------------- what is drawn

small = st.integers(0, 5)
numbers = st.one_of(
    small,
    st.integers(0, 300),
    st.sampled_from(
        [127, 128, 1 << 14, 1 << 27, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 53, 1 << 63]
    ),
)
integers = st.one_of(numbers.map(uint), st.just(b"\xff" * 11), st.just(b"\x80\x00"))
texts = st.sampled_from([b"", b"a", b"text", b"m\xc3\xa4p", b"\xf0\x9f\x98\x80", b"\xff", b"\xc3"])
json_texts = st.sampled_from(
    [b"1", b"null", b'{"a":[1]}', b"undefined", b"{", b"NaN", b'"\\ud800"', b"[" * 70 + b"]" * 70]
)


def sized(body: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A length and that many bytes; now and then the length is another."""
    lies = st.sampled_from([0] * 12 + [1, -1, 1 << 20])
    return st.builds(lambda b, lie: uint(max(len(b) + lie, 0)) + b, body, lies)


def counted(items: st.SearchStrategy[bytes], most: int = 4) -> st.SearchStrategy[bytes]:
    """A count and that many things; now and then the count is another."""
    lies = st.sampled_from([0] * 12 + [1, -1, 1 << 27])
    return st.builds(
        lambda found, lie: uint(max(len(found) + lie, 0)) + b"".join(found),
        st.lists(items, max_size=most),
        lies,
    )


scalars = st.one_of(
    st.sampled_from([b"\x78", b"\x79", b"\x7e", b"\x7f", b"\x10", b"\x7d\x05", b"\x7c" + bytes(4)]),
    st.sampled_from([b"\x7b" + bytes(8), b"\x7a" + bytes(8)]),
    sized(texts).map(lambda b: b"\x77" + b),
    sized(st.binary(max_size=5)).map(lambda b: b"\x74" + b),
)
values = st.recursive(
    scalars,
    lambda v: (
        counted(v, 2).map(lambda b: b"\x75" + b)
        | counted(st.tuples(sized(texts), v).map(b"".join), 2).map(lambda b: b"\x76" + b)
    ),
    max_leaves=6,
)
ids = st.tuples(integers, integers).map(b"".join)
contents = {
    0: integers,
    1: integers,
    2: counted(sized(json_texts)),
    3: sized(st.binary(max_size=6)),
    4: sized(texts),
    5: sized(json_texts),
    6: st.tuples(sized(texts), sized(json_texts)).map(b"".join),
    7: st.one_of(small.map(uint), sized(texts).map(lambda b: b"\3" + b), numbers.map(uint)),
    8: counted(values),
    9: st.tuples(sized(texts), values).map(b"".join),
    10: integers,
    11: ids,
}


@st.composite
def structs(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(sorted(contents)))
    flags = draw(st.sampled_from([0, 0, 0x20, 0x40, 0x80, 0xC0, 0x10]))
    if kind in (0, 10):
        return bytes([kind]) + draw(contents[kind])
    out = bytes([kind | flags])
    origins = (flags >> 7 & 1) + (flags >> 6 & 1)
    out += b"".join(draw(ids) for _ in range(origins))
    if not origins:
        named = sized(texts).map(lambda b: b"\1" + b)
        out += draw(st.one_of(named, named, ids.map(lambda b: b"\0" + b), integers))
        if flags & 0x20:
            out += draw(sized(texts))
    return out + draw(contents[kind])


blocks = st.builds(
    lambda found, lie, client, clock: uint(max(len(found) + lie, 0)) + client + clock
    + b"".join(found),
    st.lists(structs(), min_size=1, max_size=4),
    st.sampled_from([0] * 12 + [1, -1, 1 << 27]),
    st.one_of(small.map(uint), integers),
    st.one_of(st.just(b"\0"), small.map(uint), integers),
)  # fmt: skip
deletes = counted(st.tuples(integers, counted(ids)).map(b"".join), 2)
shaped = st.tuples(counted(blocks, 3), deletes).map(b"".join)


def real_updates() -> list[bytes]:
    doc: Doc = Doc(client_id=1)
    text, out = doc.get("text", type=Text), []
    for word in ("hello ", "w\u00f6rld ", "\U0001f600"):
        before = doc.get_state()
        text += word
        out.append(doc.get_update(before))
    del text[2:4]
    return [*out, doc.get_update()]


REAL = real_updates()


@st.composite
def bent(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """With a piece cut out, doubled, or put in from elsewhere."""
    data = draw(whole)
    for _ in range(draw(st.integers(0, 2))):
        start, end = sorted(draw(st.integers(0, len(data))) for _ in range(2))
        piece = draw(st.sampled_from([b"", data[start:end] * 2, b"\xff", b"\0", uint(1 << 31)]))
        data = data[:start] + piece + data[end:]
    return data


updates = bent(st.one_of(shaped, st.sampled_from(REAL)))


# ---------------------------------------------------------------- what must hold


@settings(max_examples=400, deadline=None)
@given(st.lists(updates, min_size=1, max_size=3))
def test_what_is_taken_can_be_applied_or_does_not_fit(drawn: list[bytes]) -> None:
    taken = []
    for update in drawn:
        try:
            taken.append((update, survey(update)))
        except InvalidUpdate:
            continue
    try:
        replica = Replica(REAL[:1])
        for update, found in taken:
            replica.expect(found)
            replica.has_news(found)
            replica.append(update)
            replica.settle()
        state = replica.diff(b"\0")
        whole = replica.complete()
    except Broken:
        return
    found = survey(state)
    check_state_vector(replica.state_vector())
    assert not whole or not replica.has_news(found)


def test_what_is_drawn_is_not_all_refused() -> None:
    taken = refused = 0

    @settings(max_examples=300, deadline=None, database=None)
    @given(updates)
    def draw(update: bytes) -> None:
        nonlocal taken, refused
        try:
            survey(update)
            taken += 1
        except InvalidUpdate:
            refused += 1

    draw()
    assert taken
    assert refused


bodies = st.one_of(
    st.tuples(st.sampled_from([b"\0\0", b"\0\1", b"\0\2", b"\4\1", b"\4\2"]), sized(updates)).map(
        b"".join
    ),
    sized(counted(st.tuples(integers, integers, sized(json_texts)).map(b"".join))).map(
        lambda b: b"\1" + b
    ),
    st.tuples(st.just(b"\2\0"), sized(texts), sized(texts), sized(json_texts)).map(b"".join),
    st.tuples(integers, sized(texts)).map(b"".join),
    st.tuples(
        st.sampled_from([uint(100), uint(101), uint(102), uint(103), uint(104), uint(105)]),
        st.one_of(integers, sized(texts)),
        st.one_of(integers, sized(texts)),
        st.one_of(sized(json_texts), integers),
        st.sampled_from([b"", b"\0", b"\1", b"\1\0", b"\2"]),
        st.one_of(st.just(b""), st.tuples(integers, sized(texts), sized(texts)).map(b"".join)),
    ).map(b"".join),
)
websocket_messages = bent(st.tuples(sized(texts), bodies).map(b"".join))


@settings(max_examples=300, deadline=None)
@given(websocket_messages)
def test_a_message_is_decoded_or_refused_with_a_code(data: bytes) -> None:
    codes = []
    for decode in (wire.decode, wire.decode_y):
        try:
            decoded = decode(data, CAPS.message)
        except WireError as error:
            codes.append(error.close_code)
        else:
            message = decoded[1] if isinstance(decoded, tuple) else decoded
            assert wire.decode(wire.encode("r", message))[1] == message
    assert all(code in (Close.PROTOCOL, Close.TOO_BIG) for code in codes)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ROLES), st.booleans(), st.lists(websocket_messages, max_size=6))
def test_a_room_survives_whatever_a_member_says(
    role: str, journaled: bool, said: list[bytes]
) -> None:
    writers = frozenset(("host", "owner", "editor")) if journaled else frozenset(("host",))
    room = Room("r", Policy(journaled, writers), itertools.count(1), Level.DISK)
    room.join(Member(1, 1, "Ann", "editor", own=True))
    room.join(Member(2, 2, "Eve", role))
    if journaled:
        room.restore([REAL[0]])
    for data in said:
        try:
            message = wire.decode(data, CAPS.message)[1]
        except WireError:
            continue
        effects = room.receive(2, message) + room.flush()
        for effect in effects:
            match effect:
                case Expel(member, code):
                    assert (member, code) in [(2, Close.PROTOCOL), (2, Close.TOO_BIG)]
                case Append() | Snapshot():
                    assert journaled
                    assert role in writers
                case Broadcast(wire.Update()):
                    assert role in writers
                case Send(member, wire.Stream(sender=sender) | wire.Call(sender=sender)):
                    assert sender is not None
                    assert (sender.connection, sender.name, sender.role) == (2, "Eve", role)
                case Broadcast(wire.Stream(sender=sender)):
                    assert role == "host"
                    assert sender is not None
                    assert sender.connection == 2
        if 2 not in room.members:
            break
    late = room.receive(1, wire.Step1(b"\0"))
    assert late or not room.restored
