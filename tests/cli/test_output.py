"""What is printed: JSON, tables, and nothing that a terminal would obey."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.cli import output
from studio_tui.cli.output import copy, emit, flowed, plain, say, table, this_program, write

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


def test_the_program_is_named_as_it_can_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "studio-tui"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert this_program() == "studio-tui"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(program), "demo"])
    assert this_program() == str(program)
    monkeypatch.chdir(tmp_path)
    assert this_program() == "bin/studio-tui"
    monkeypatch.setattr(sys, "argv", ["studio_tui/__main__.py", "demo"])
    assert this_program() == f"{sys.executable} -m studio_tui"


def test_what_is_said_breaks_between_words_but_not_in_a_command() -> None:
    said = "the studio goes on: studio-tui attach calm-parrot, or stop it: studio-tui stop it"
    assert flowed(said, None) == said
    assert flowed(said, 40).split("\n") == [
        "the studio goes on:",
        "studio-tui attach calm-parrot, or stop",
        "it: studio-tui stop it",
    ]
    assert flowed("a\n\nb", 40) == "a\n\nb"
    path = "/a" * 40
    assert flowed(f"in {path}", 40) == f"in\n{path}"


def test_the_last_column_of_a_table_goes_on_below_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda stream: 34)
    assert table(["NAME", "WHAT"], [["char-gpt", "a small language model to train"]], "") == (
        "NAME      WHAT\nchar-gpt  a small language model\n          to train"
    )


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
