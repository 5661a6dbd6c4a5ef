"""What is printed: JSON, tables, and nothing that a terminal would obey."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from studio_tui.cli.output import copy, emit, plain, say, table, write

Capture = pytest.CaptureFixture[str]


def test_json_is_one_document_of_plain_ascii(capsys: Capture) -> None:
    emit({"name": "é\x1b]0;x\x07", "n": None}, True, "for people")
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == {"name": "é\x1b]0;x\x07", "n": None}


def test_people_get_text(capsys: Capture) -> None:
    emit({"a": 1}, False, "for people")
    assert capsys.readouterr().out == "for people\n"


def test_talk_is_not_the_result(capsys: Capture) -> None:
    say("by the way")
    assert capsys.readouterr() == ("", "by the way\n")


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\n", "\r", "\x9b", "\u202e", "\ud800", "\x7f"])
def test_what_a_terminal_would_obey_is_replaced(char: str) -> None:
    assert plain(f"a{char}b") == "a\ufffdb"
    assert char not in table(["NAME"], [[f"x{char}y"]], "").replace("\n", "", 1)


def test_a_table_is_aligned_and_without_trailing_blanks() -> None:
    rows = [["a", 1, None], ["bcd", 22, "é"]]
    assert table(["ID", "N", "WHAT"], rows, "none").splitlines() == [
        "ID   N   WHAT",
        "a    1   -",
        "bcd  22  é",
    ]
    assert table(["ID"], [], "none yet") == "none yet"


async def test_bytes_are_printed_as_they_are_and_at_once(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"\xff\x00"
        assert capsysbinary.readouterr().out == b"\xff\x00"
        yield b"\x1b[0m"

    await copy(chunks())
    assert capsysbinary.readouterr().out == b"\x1b[0m"
    write(b"end")
    assert capsysbinary.readouterr().out == b"end"
