"""The validator takes whatever the document library writes, and none of what would hurt it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText, merge_updates

from relay_server.errors import InvalidUpdate
from relay_server.validate import (
    Walked,
    check_state_vector,
    check_update,
    read_state_vector,
    survey,
    unpacked,
)
from relay_server.wire import write_uint as uint


def header(structs: int = 1, client: int = 7, clock: int = 0) -> bytes:
    return uint(1) + uint(structs) + uint(client) + uint(clock)


def item(content: int, body: bytes) -> bytes:
    """An item under the root type "t"."""
    return bytes([content]) + uint(1) + uint(1) + b"t" + body


def nested(opening: bytes, depth: int) -> bytes:
    return header() + item(8, uint(1) + opening * depth + b"\x7e") + uint(0)


NO_DELETES = uint(0)
ARRAY, OBJECT = b"\x75\x01", b"\x76\x01\x01k"
BOMBS = {
    "nested arrays": nested(ARRAY, 65),
    "nested arrays, a megabyte": nested(ARRAY, 500_000),
    "nested objects": nested(OBJECT, 200_000),
    "nested JSON": header() + item(5, uint(200) + b"[" * 100 + b"]" * 100) + NO_DELETES,
    "clients claimed": uint(1 << 40) + b"\0",
    "clients claimed, few bytes": uint(1 << 26) + uint(1) + uint(5) + uint(0),
    "structs claimed": uint(1) + uint(1 << 31) + uint(7) + uint(0),
    "structs claimed, few bytes": uint(1) + uint(1 << 27) + uint(5) + uint(0),
    "no structs of a client": uint(1) + uint(0) + uint(5) + uint(0) + NO_DELETES,
    "values claimed": header() + item(8, uint((1 << 31) - 1)) + NO_DELETES,
    "array length claimed": header() + item(8, uint(1) + b"\x75" + uint(1 << 31)) + NO_DELETES,
    "object length claimed": header() + item(8, uint(1) + b"\x76" + uint(1 << 31)) + NO_DELETES,
    "bytes claimed": header() + item(3, uint(1 << 31)) + NO_DELETES,
    "text claimed": header() + item(4, uint(1 << 31)) + NO_DELETES,
    "JSON claimed": header() + item(2, uint(1 << 31)) + NO_DELETES,
    "deletes claimed": uint(0) + uint(1) + uint(7) + uint(1 << 31),
    "deleting clients claimed": uint(0) + uint(1 << 31),
    "deleted beyond all clocks": uint(0) + uint(1) + uint(7) + uint(1) + uint((1 << 32) - 1) * 2,
    "clock at its end": header(clock=(1 << 32) - 1) + item(4, uint(1) + b"a") + NO_DELETES,
    "clock beyond its end": header() + bytes([0]) + uint(1 << 32) + NO_DELETES,
    "integer without end": b"\xff" * (1 << 18) + b"\x01",
    "text that is not UTF-8": header() + item(4, uint(2) + b"\xc3\x28") + NO_DELETES,
    "name that is not UTF-8": header() + bytes([4, 1, 1, 0xFF]) + uint(1) + b"a" + NO_DELETES,
    "empty text": header() + item(4, uint(0)) + NO_DELETES,
    "empty deletion": header() + item(1, uint(0)) + NO_DELETES,
    "unknown content": header() + item(12, uint(1)) + NO_DELETES,
    "unknown value": header() + item(8, uint(1) + b"\x10") + NO_DELETES,
    "unknown type": header() + item(7, uint(99)) + NO_DELETES,
    "move": header() + item(11, uint(1) + uint(7) + uint(0)) + NO_DELETES,
    "weak link": header() + item(7, uint(7)) + NO_DELETES,
    "hook": header() + item(7, uint(5) + uint(1) + b"h") + NO_DELETES,
    "no JSON": header() + item(5, uint(3) + b"{a}") + NO_DELETES,
    "NaN": header() + item(5, uint(3) + b"NaN") + NO_DELETES,
    "infinity": header() + item(5, uint(5) + b"1e999") + NO_DELETES,
    "half a character": header() + item(5, uint(8) + b'"\\ud800"') + NO_DELETES,
    "format that is no JSON": header() + item(6, uint(1) + b"k" + uint(1) + b"{") + NO_DELETES,
    "reserved bit": header() + item(0x14, uint(1) + b"a") + NO_DELETES,
    "bytes after the end": b"\0\0\0",
    "a client twice": uint(2) + (header()[1:] + item(4, uint(1) + b"a")) * 2 + NO_DELETES,
    "nothing": b"",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused(name: str) -> None:
    with pytest.raises(InvalidUpdate):
        check_update(BOMBS[name])


def test_values_may_nest_to_the_bound() -> None:
    check_update(nested(ARRAY, 64))
    check_update(nested(OBJECT, 64))
    flat = b'"' + b"[" * 500 + b'"'
    check_update(header() + item(5, uint(len(flat)) + flat) + NO_DELETES)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 62), 1 << 62),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.binary(max_size=8),
)
values = st.recursive(
    scalars,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text("abé", max_size=3), v, max_size=3),
    max_leaves=8,
)
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["type", "erase", "embed", "bold", "put", "drop", "push", "pop", "xml", "doc"]
        ),
        st.integers(0, 1000),
        values,
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=12,
)


def play(doc: Doc, step: tuple[str, int, Any, str]) -> None:
    """One change of a document, of any kind that the library knows."""
    kind, where, value, words = step
    text, array = doc.get("text", type=Text), doc.get("array", type=Array)
    mapping, xml = doc.get("map", type=Map), doc.get("xml", type=XmlFragment)
    if kind == "type":
        text += words
    elif kind == "erase" and len(text):
        text.clear()
    elif kind == "embed":
        text.insert_embed(0, {"image": words})
    elif kind == "bold" and len(text):
        text.format(0, len(text), {"bold": True, "note": words})
    elif kind == "put":
        mapping[words] = value if where % 3 else Map({"inner": value})
    elif kind == "drop" and len(mapping):
        del mapping[next(iter(mapping.keys()))]
    elif kind == "push":
        array.append(value if where % 3 else Text(words))
    elif kind == "pop" and len(array):
        del array[where % len(array)]
    elif kind == "xml":
        xml.children.append(XmlElement("p", {"class": words}, [XmlText(words)]))
    elif kind == "doc":
        mapping[words] = Doc()


@settings(max_examples=60, deadline=None)
@given(steps, steps)
def test_everything_the_library_writes_is_taken(
    first: list[tuple[str, int, Any, str]], second: list[tuple[str, int, Any, str]]
) -> None:
    one, two = Doc(), Doc()
    written: list[bytes] = []
    subscriptions = [d.observe(lambda e: written.append(e.update)) for d in (one, two)]
    for step in first:
        play(one, step)
    for step in second:
        play(two, step)
    one.apply_update(two.get_update())
    for step in second:
        play(one, step)
    written += [one.get_update(), two.get_update(one.get_state()), one.get_update(two.get_state())]
    for update in written:
        check_update(update)
    check_update(merge_updates(*written))
    if len(written) > 2:
        check_update(merge_updates(*written[::2]))  # with gaps
    check_state_vector(one.get_state())
    ends = survey(one.get_update()).ends
    assert ends == read_state_vector(one.get_state())
    del subscriptions


@given(st.binary(max_size=120))
def test_garbage_is_taken_or_refused(data: bytes) -> None:
    for check in (check_update, check_state_vector):
        try:
            check(data)
        except InvalidUpdate:
            continue


@given(st.binary(min_size=1, max_size=80), st.integers(0, 79), st.integers(0, 255))
def test_the_library_decodes_what_is_taken(words: bytes, where: int, byte: int) -> None:
    doc: Doc = Doc(client_id=5)
    doc.get("text", type=Text).insert(0, words.decode("utf-8", "replace").replace("\0", ""))
    doc.get("text", type=Text).insert_embed(0, {"a": [1, "b"]})
    doc.get("map", type=Map)["k"] = [words, {"x": None}, 1.5, Map({"y": 1})][where % 4]
    bent = bytearray(doc.get_update())
    bent[where % len(bent)] = byte
    try:
        check_update(bytes(bent))
    except InvalidUpdate:
        return
    try:
        Doc().apply_update(bytes(bent))
    except RuntimeError as error:
        assert "block parent" in str(error)  # noqa: PT017 - whether it fits is not seen here


def test_a_survey_counts_in_utf16() -> None:
    doc: Doc = Doc(client_id=9)
    text = doc.get("t", type=Text)
    text += "a😀é"
    assert survey(doc.get_update()).ends == {9: 4}
    del text[0:1]
    deletes = survey(doc.get_update()).deletes
    assert {client: list(unpacked(ranges)) for client, ranges in deletes.items()} == {9: [(0, 1)]}


def test_what_was_walked_is_not_walked_again() -> None:
    doc: Doc = Doc(client_id=9)
    doc.get("t", type=Text).insert(0, "abc")
    walked = Walked(doc.get_update())
    assert walked == doc.get_update()
    assert survey(walked) is walked.found
    assert walked.found == survey(doc.get_update())
    assert merge_updates(walked, walked) == walked
    with pytest.raises(InvalidUpdate):
        Walked(b"\xff")


@pytest.mark.parametrize(
    "vector",
    [b"", uint(1 << 32) + uint(5) * 2, uint(1 << 28) + uint(5) * 2, b"\0\0", uint(1) + uint(5)],
)
def test_a_state_vector_that_lies_is_refused(vector: bytes) -> None:
    with pytest.raises(InvalidUpdate):
        check_state_vector(vector)


numbers = st.one_of(
    st.integers(0, 300),
    st.sampled_from([1 << 28, (1 << 32) - 1, 1 << 32, (1 << 53) - 1, 1 << 53, 1 << 60]),
)


@given(st.lists(st.tuples(numbers, numbers), max_size=5), st.integers(-1, 1), st.binary(max_size=1))
def test_a_state_vector_is_taken_when_it_can_be_read(
    clocks: list[tuple[int, int]], more: int, after: bytes
) -> None:
    vector = uint(max(len(clocks) + more, 0))
    vector += b"".join(uint(client) + uint(clock) for client, clock in clocks) + after
    verdicts = []
    for check in (check_state_vector, read_state_vector):
        try:
            check(vector)
            verdicts.append(True)
        except InvalidUpdate:
            verdicts.append(False)
    assert len(set(verdicts)) == 1


def test_a_state_vector_is_read() -> None:
    assert read_state_vector(b"\0") == {}
    assert read_state_vector(uint(2) + uint(300) + uint(5) + uint(1) + uint(2)) == {300: 5, 1: 2}
