from __future__ import annotations

import json
from typing import Any

import pytest

from studio_tui.terminal.cast import Cast, header, last_checkpoint

OUTPUT = "grün \x1b[1m漢字\x1b[0m 🎉\r\n".encode()


def events(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.splitlines() if not line.startswith(b"#")]


def test_a_header() -> None:
    (first,) = events(header(80, 24, 1_790_000_000.7, "bash"))
    assert first == {
        "version": 3, "term": {"cols": 80, "rows": 24, "type": "xterm-256color"},
        "timestamp": 1_790_000_000, "title": "bash",
    }  # fmt: skip


def test_every_kind_of_event_and_the_seconds_between_them() -> None:
    cast = Cast(0, 100.0)
    data = cast.output(b"hi\r\n", 100.5)
    data += cast.mark('bob "joined"', 101.0)
    data += cast.resize(100, 30, 103.25)
    data += cast.exit(7, 103.25)
    assert events(data) == [
        [0.5, "o", "hi\r\n"], [0.5, "m", 'bob "joined"'], [2.25, "r", "100x30"], [0.0, "x", "7"],
    ]  # fmt: skip


def test_a_clock_that_goes_back_is_no_negative_pause() -> None:
    cast = Cast(0, 100.0)
    data = cast.output(b"a", 50.0) + cast.output(b"b", 101.0)
    assert [event[0] for event in events(data)] == [0.0, 1.0]


def test_a_file_does_nothing_to_the_terminal_that_it_is_printed_on() -> None:
    cast = Cast(0, 0.0)
    data = cast.output("\x1b]52;c;eA==\x07 \x9b31m \u202e \u2028 \x7f\x00".encode(), 0.0)
    assert data.decode("ascii").replace("\n", "").isprintable()
    assert events(data)[0][2] == "\x1b]52;c;eA==\x07 \x9b31m \u202e \u2028 \x7f\x00"


def test_where_the_output_is_cut_does_not_matter() -> None:
    cast = Cast(0, 0.0)
    data = b"".join(cast.output(OUTPUT[at : at + 1], 0.0) for at in range(len(OUTPUT)))
    assert "".join(event[2] for event in events(data)) == OUTPUT.decode()
    broken = Cast(0, 0.0).output(b"a\xff\xfeb", 0.0)
    assert events(broken)[0][2] == "a\ufffd\ufffdb"


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_file_that_was_broken_off_goes_on_without_a_gap(size: int) -> None:
    """Wherever it was: what has no checkpoint is cut off, and is in what comes again."""
    cast = Cast(1000, 0.0)
    whole = header(80, 24, 0.0, "x")
    whole += b"".join(cast.output(OUTPUT[n : n + size], 0.0) for n in range(0, len(OUTPUT), size))
    first = whole.index(b"\n#") + 2
    for cut in range(first, len(whole) + 1):
        found = last_checkpoint(whole[:cut], cut)
        if found is None:
            assert b"\n#" not in whole[: cut - 1] or cut <= whole.index(b"\n", first)
            continue
        assert 1000 <= found.offset <= 1000 + len(OUTPUT)
        again = Cast(found.offset, 0.0)
        data = whole[: found.size] + again.output(OUTPUT[found.offset - 1000 :], 0.0)
        assert "".join(event[2] for event in events(data)[1:]) == OUTPUT.decode()


def test_what_is_no_recording_has_no_checkpoint() -> None:
    assert last_checkpoint(b"", 0) is None
    assert last_checkpoint(b'{"version": 3}\n', 15) is None
    assert last_checkpoint(b'[0, "o", "#12\\n"]\n', 19) is None
