"""Escape and alt before a character, in the bytes of a terminal without the Kitty protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.drivers import linux_driver

from studio_tui.app.exact_keys import ExactParser, exact
from studio_tui.app.safe_app import SafeApp
from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.keys import KeyEncoder


def parsed(typed: str) -> list[events.Key]:
    parser = ExactParser()
    found = [*parser.feed(typed), *parser.feed("")]
    assert all(isinstance(event, events.Key) for event in found)
    return [event for event in found if isinstance(event, events.Key)]


def typed_into_a_program(typed: str) -> str:
    encoder = KeyEncoder(Emulator(80, 24, lambda reply: None))
    sent = b""
    for event in parsed(typed):
        key, character = exact(event.key, event.character)
        sent += encoder.event({"key": key, "char": character})
    return sent.decode()


@pytest.mark.parametrize(
    "typed",
    [
        "\x1b:wq\r", "\x1bb", "\x1bf", "\x1b\x7f", "\x1b1", "\x1b=", "\x1b-", "\x1b\r",
        "\x1ba", "\x1bZ", "\x1b/needle\r", "\x1b.", "\x1b§", "\x1b<\x1b>", "\x1b ", "\x1b\x1b",
        "\x1bO", "\x1b[", "\x1b]", "i\x1bu", "\x1b", "\x08", "\x1b\x08", "\x1b\t",
    ],
)  # fmt: skip
def test_a_program_gets_the_bytes_that_were_typed(typed: str) -> None:
    assert typed_into_a_program(typed) == typed


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("\x1b:", ["alt+colon"]), ("\x1b1", ["alt+1"]), ("\x1bB", ["alt+shift+b"]),
        ("\x1bb", ["ctrl+left"]), ("\x1bf", ["ctrl+right"]), ("\x1b\x7f", ["ctrl+w"]),
        ("\x1b[1;5D", ["ctrl+left"]), ("\x1bOP", ["f1"]), ("\x1b[Z", ["shift+tab"]),
        ("\x1b", ["escape"]), ("1", ["1"]), ("\x1b[97;3u", ["alt+a"]),
    ],
)  # fmt: skip
def test_bindings_see_the_names_that_they_know(typed: str, names: list[str]) -> None:
    assert [event.key for event in parsed(typed)] == names


@pytest.mark.parametrize("typed", ["\x1ba", "\x1bZ", "\x1b1", "\x1b=", "\x1b[97;3u"])
def test_a_text_field_takes_no_key_with_alt_in(typed: str) -> None:
    assert not any(event.is_printable for event in parsed(typed))


def test_a_reply_of_the_terminal_is_no_key_with_alt() -> None:
    parser = ExactParser()
    found = list(parser.feed("\x1b[?2026;1$y"))
    assert not any(isinstance(event, events.Key) for event in found)


def test_the_app_reads_keys_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_driver, "XTermParser", linux_driver.XTermParser)
    monkeypatch.setattr(SafeApp, "driver_class", linux_driver.LinuxDriver, raising=False)
    SafeApp[None]().get_driver_class()
    assert linux_driver.XTermParser is ExactParser


TABLE = Path(__file__).parents[1] / "terminal" / "keys.tsv"
AMBIGUOUS = "f3"
"""With modifiers it is written as the terminal's own answer about its cursor."""


def test_every_key_of_an_ordinary_terminal_reaches_a_program_as_it_was_typed() -> None:
    wrong = {}
    for row in rows(TABLE):
        name, _, plain, _, kitty = row
        if name.endswith(f"+{AMBIGUOUS}"):
            continue
        # What a terminal with the Kitty protocol sends means the same to a program without it.
        for typed in {plain, kitty if kitty.startswith("\x1b[") else plain}:
            if (sent := typed_into_a_program(typed)) != plain:
                wrong[name] = (typed, sent)
    assert wrong == {}


def rows(file: Path) -> list[list[str]]:
    lines = [line for line in file.read_text(encoding="ascii").splitlines() if line[0] != "#"]
    return [[cell.encode().decode("unicode_escape") for cell in line.split("\t")] for line in lines]
