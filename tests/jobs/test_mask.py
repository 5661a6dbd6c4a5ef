"""No secret is told, wherever a log is cut, and every byte keeps its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_tui.jobs.mask import Mask, MaskedStream

# Few letters, so that values overlap, contain each other, and nearly begin everywhere.
VALUES = st.lists(st.text("ab\n", min_size=4, max_size=9), min_size=1, max_size=3)
PIECES = st.lists(st.text("abc\n", max_size=12), max_size=12)


def starred(values: list[str], text: str) -> str:
    """What is expected, found letter by letter."""
    forms = {*values, *(value.strip() for value in values)}
    lines = {line.strip() for value in values for line in value.splitlines()}
    forms |= {line for line in lines if len(line) >= 8}
    forms |= {form.replace("\n", "\\n") for form in forms}
    hidden = set()
    for form in forms:
        if len(form) >= 4:
            for at in range(len(text) - len(form) + 1):
                if text.startswith(form, at):
                    hidden.update(range(at, at + len(form)))
    return "".join("*" if at in hidden else letter for at, letter in enumerate(text))


@given(VALUES, PIECES)
def test_however_a_log_is_cut_it_is_covered_as_a_whole(
    values: list[str], pieces: list[str]
) -> None:
    stream, told = MaskedStream(Mask(values)), b""
    offset = 0
    for piece in pieces:
        at, data = stream.feed(offset, piece.encode())
        assert at == len(told)
        told += data
        offset += len(piece)
    at, data = stream.rest()
    assert at == len(told)
    told += data
    assert told.decode() == starred(values, "".join(pieces))


@given(VALUES, st.text("abc\n", max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_any_stretch_with_its_surroundings_is_covered(
    values: list[str], text: str, start: int, length: int
) -> None:
    mask = Mask(values)
    first, last = max(0, start - mask.reach), start + length + mask.reach
    covered = mask.cover(text.encode()[first:last])
    stretch = covered[start - first : start - first + length].decode()
    assert stretch == starred(values, text)[start : start + length]


def test_the_beginning_of_a_value_waits() -> None:
    stream = MaskedStream(Mask(["hunter22"]))
    assert stream.feed(0, b"it is hunt") == (0, b"it is ")
    assert stream.feed(10, b"ing season, not hunter") == (6, b"hunting season, not ")
    assert stream.feed(32, b"22!") == (26, b"********!")
    assert stream.feed(35, b"h") == (35, b"")
    assert stream.rest() == (35, b"h")


def test_what_is_covered_in_which_form() -> None:
    key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\n-----END KEY-----\n"
    mask = Mask(['say "hé"', key, "abc"])
    assert mask.text('x say "hé" abc') == "x ********* abc"  # as many stars as bytes
    assert mask.text(json.dumps('say "hé"')) == f'"{"*" * 15}"'
    assert mask.text("read MIIEowIBAAKCAQEA\n") == f"read {'*' * 16}\n"
    assert not Mask(["abc", ""])
    assert Mask([]).cover(b"all") == b"all"


@pytest.mark.parametrize(("rows", "told"), [(False, b"****5, *****"), (True, b"12345, *****")])
def test_rows_stay_rows(rows: bool, told: bytes) -> None:
    assert Mask(["1234", "a.b.c"], rows=rows).cover(b"12345, a.b.c") == told
