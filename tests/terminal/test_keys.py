from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.keys import LONGEST_TEXT, InputError, KeyEncoder

KITTY, MODIFY_OTHER_KEYS = b"\x1b[>1u", b"\x1b[>4;2m"

# name, character, bytes in an ordinary terminal, bytes under kitty's protocol (disambiguate)
KEYS: list[tuple[str, str | None, bytes, bytes]] = [
    ("a", "a", b"a", b"a"),
    ("A", "A", b"A", b"A"),
    ("shift+A", None, b"A", b"A"),
    ("é", "é", "é".encode(), "é".encode()),
    ("漢", "漢", "漢".encode(), "漢".encode()),
    ("slightly_smiling_face", "🙂", "🙂".encode(), "🙂".encode()),
    ("space", " ", b" ", b" "),
    ("shift+space", None, b" ", b" "),
    ("exclamation_mark", "!", b"!", b"!"),
    ("slash", "/", b"/", b"/"),
    ("decimal", None, b".", b"."),
    ("0", "0", b"0", b"0"),
    ("ctrl+a", None, b"\x01", b"\x1b[97;5u"),
    ("ctrl+c", "\x03", b"\x03", b"\x1b[99;5u"),
    ("ctrl+z", "\x1a", b"\x1a", b"\x1b[122;5u"),
    ("ctrl+shift+a", None, b"\x01", b"\x1b[97;6u"),
    ("ctrl+h", "\x08", b"\x08", b"\x1b[104;5u"),
    ("ctrl+i", None, b"\t", b"\x1b[105;5u"),
    ("ctrl+j", "\n", b"\n", b"\x1b[106;5u"),
    ("ctrl+m", None, b"\r", b"\x1b[109;5u"),
    ("ctrl+space", None, b"\x00", b"\x1b[32;5u"),
    ("ctrl+@", "\x00", b"\x00", b"\x1b[64;5u"),
    ("ctrl+at", None, b"\x00", b"\x1b[64;5u"),
    ("ctrl+left_square_bracket", None, b"\x1b", b"\x1b[91;5u"),
    ("ctrl+backslash", "\x1c", b"\x1c", b"\x1b[92;5u"),
    ("ctrl+right_square_bracket", "\x1d", b"\x1d", b"\x1b[93;5u"),
    ("ctrl+circumflex_accent", "\x1e", b"\x1e", b"\x1b[94;5u"),
    ("ctrl+underscore", "\x1f", b"\x1f", b"\x1b[95;5u"),
    ("ctrl+slash", None, b"\x1f", b"\x1b[47;5u"),
    ("ctrl+minus", None, b"-", b"\x1b[45;5u"),
    ("ctrl+1", None, b"1", b"\x1b[49;5u"),
    ("alt+a", None, b"\x1ba", b"\x1b[97;3u"),
    ("alt+a", "a", b"\x1ba", b"\x1b[97;3u"),
    ("alt+shift+a", "A", b"\x1bA", b"\x1b[97;4u"),
    ("alt+full_stop", None, b"\x1b.", b"\x1b[46;3u"),
    ("alt+left_square_bracket", None, b"\x1b[", b"\x1b[91;3u"),
    ("ctrl+alt+a", None, b"\x1b\x01", b"\x1b[97;7u"),
    ("alt+ctrl+c", None, b"\x1b\x03", b"\x1b[99;7u"),
    ("alt+é", None, "\x1bé".encode(), b"\x1b[233;3u"),
    ("super+a", None, b"", b"\x1b[97;9u"),
    ("enter", "\r", b"\r", b"\r"),
    ("shift+enter", None, b"\r", b"\x1b[13;2u"),
    ("ctrl+enter", None, b"\r", b"\x1b[13;5u"),
    ("alt+enter", None, b"\x1b\r", b"\x1b[13;3u"),
    ("tab", "\t", b"\t", b"\t"),
    ("shift+tab", None, b"\x1b[Z", b"\x1b[9;2u"),
    ("ctrl+tab", None, b"\t", b"\x1b[9;5u"),
    ("escape", "\x1b", b"\x1b", b"\x1b[27u"),
    ("alt+escape", None, b"\x1b\x1b", b"\x1b[27;3u"),
    ("backspace", "\x7f", b"\x7f", b"\x7f"),
    ("ctrl+backspace", None, b"\x08", b"\x1b[127;5u"),
    ("alt+backspace", None, b"\x1b\x7f", b"\x1b[127;3u"),
    ("up", None, b"\x1b[A", b"\x1b[A"),
    ("down", None, b"\x1b[B", b"\x1b[B"),
    ("right", None, b"\x1b[C", b"\x1b[C"),
    ("left", None, b"\x1b[D", b"\x1b[D"),
    ("shift+up", None, b"\x1b[1;2A", b"\x1b[1;2A"),
    ("alt+up", None, b"\x1b[1;3A", b"\x1b[1;3A"),
    ("ctrl+right", None, b"\x1b[1;5C", b"\x1b[1;5C"),
    ("ctrl+shift+left", None, b"\x1b[1;6D", b"\x1b[1;6D"),
    ("home", None, b"\x1b[H", b"\x1b[H"),
    ("end", None, b"\x1b[F", b"\x1b[F"),
    ("insert", None, b"\x1b[2~", b"\x1b[2~"),
    ("delete", None, b"\x1b[3~", b"\x1b[3~"),
    ("ctrl+delete", None, b"\x1b[3;5~", b"\x1b[3;5~"),
    ("pageup", None, b"\x1b[5~", b"\x1b[5~"),
    ("shift+pagedown", None, b"\x1b[6;2~", b"\x1b[6;2~"),
    ("f1", None, b"\x1bOP", b"\x1b[P"),
    ("f5", None, b"\x1b[15~", b"\x1b[15~"),
    ("f12", None, b"\x1b[24~", b"\x1b[24~"),
    ("shift+f1", None, b"\x1b[1;2P", b"\x1b[1;2P"),
    # Keys that type nothing, and what no keyboard sends.
    ("left_shift", None, b"", b""),
    ("media_play", None, b"", b""),
    ("\ue053", "\ue053", b"", b""),
    ("f99", None, b"", b""),
    ("nonsense+a", None, b"", b""),
    ("", None, b"", b""),
]


def encoder(*modes: bytes) -> KeyEncoder:
    emulator = Emulator(80, 24)
    for mode in modes:
        emulator.feed(mode)
    return KeyEncoder(emulator)


@pytest.mark.parametrize(("name", "char", "plain", "kitty"), KEYS)
def test_keys(name: str, char: str | None, plain: bytes, kitty: bytes) -> None:
    assert encoder().key(name, char) == plain
    assert encoder(KITTY).key(name, char) == kitty


@pytest.mark.parametrize(
    ("name", "char", "expected"),
    [
        ("A", "A", b"A"),
        ("space", " ", b" "),
        ("ctrl+a", None, b"\x1b[27;5;97~"),
        ("ctrl+i", None, b"\x1b[27;5;105~"),
        ("shift+enter", None, b"\x1b[27;2;13~"),
        ("alt+a", None, b"\x1b[27;3;97~"),
        ("enter", "\r", b"\r"),
        ("up", None, b"\x1b[A"),
    ],
)
def test_keys_under_modify_other_keys(name: str, char: str | None, expected: bytes) -> None:
    assert encoder(MODIFY_OTHER_KEYS).key(name, char) == expected


def test_escape_and_a_key_in_one_packet_stay_two_keys_unless_a_program_can_tell() -> None:
    for modes in ((), (MODIFY_OTHER_KEYS,)):
        assert encoder(*modes).key("alt+:", "\x1b:") == b"\x1b:"
    assert encoder(KITTY).key("alt+:", "\x1b:") == b"\x1b[58;3u"
    assert encoder(MODIFY_OTHER_KEYS).key("alt+:", "\x1b:x") == b"\x1b[27;3;58~"


def test_all_keys_as_escapes() -> None:
    keys = encoder(b"\x1b[>31u")
    assert keys.key("a", "a") == b"\x1b[97;;97u"
    assert keys.key("A", "A") == b"\x1b[97:65;2;65u"
    assert keys.key("enter", "\r") == b"\x1b[13u"


def test_arrows_follow_application_mode_as_it_changes() -> None:
    emulator = Emulator(80, 24)
    keys = KeyEncoder(emulator)
    assert keys.key("up") == b"\x1b[A"
    emulator.feed(b"\x1b[?1h")
    assert (keys.key("up"), keys.key("home")) == (b"\x1bOA", b"\x1bOH")
    assert keys.key("ctrl+up") == b"\x1b[1;5A"
    emulator.feed(b"\x1b[?1l" + KITTY)
    assert keys.key("ctrl+i") == b"\x1b[105;5u"
    emulator.feed(b"\x1b[<u")
    assert keys.key("ctrl+i") == b"\t"


def test_a_paste_is_bracketed_only_when_asked_for() -> None:
    assert encoder().paste("a\nb\r\nc\td") == b"a\rb\rc\td"
    assert encoder(b"\x1b[?2004h").paste("a\nb") == b"\x1b[200~a\rb\x1b[201~"


@pytest.mark.parametrize(
    "evil", ["\x1b[201~rm -rf /\r", "\x9b201~x", "\x03\x04\x1a", "a\x00\x07\x7fb", "\x1b\x1b[201~"]
)
def test_a_paste_cannot_break_out(evil: str) -> None:
    pasted = encoder(b"\x1b[?2004h").paste(evil)
    assert pasted.startswith(b"\x1b[200~")
    assert pasted.endswith(b"\x1b[201~")
    inside = pasted[6:-6].decode()
    assert all(char in "\r\t" or char.isprintable() for char in inside)
    plain = encoder().paste(evil).decode()
    assert all(char in "\r\t" or char.isprintable() for char in plain)


def test_text_is_typed_as_it_is() -> None:
    assert encoder(b"\x1b[?2004h").text("ls\n\x03é") == b"ls\r\x03" + "é".encode()


SGR = b"\x1b[?1006h"


@pytest.mark.parametrize(
    ("modes", "event", "expected"),
    [
        ((), ("down", 1, 2, 1), b""),
        ((b"\x1b[?1000h",), ("down", 0, 0, 1), b"\x1b[M !!"),
        ((b"\x1b[?1000h", SGR), ("down", 4, 2, 1), b"\x1b[<0;5;3M"),
        ((b"\x1b[?1000h", SGR), ("up", 4, 2, 1), b"\x1b[<0;5;3m"),
        ((b"\x1b[?1000h", SGR), ("down", 4, 2, 2), b"\x1b[<1;5;3M"),
        ((b"\x1b[?1000h", SGR), ("down", 4, 2, 3), b"\x1b[<2;5;3M"),
        ((b"\x1b[?1000h", SGR), ("scroll_up", 4, 2, 0), b"\x1b[<64;5;3M"),
        ((b"\x1b[?1000h", SGR), ("scroll_down", 4, 2, 0), b"\x1b[<65;5;3M"),
        ((b"\x1b[?1000h", SGR), ("move", 4, 2, 1), b""),
        ((b"\x1b[?1002h", SGR), ("move", 4, 2, 1), b"\x1b[<32;5;3M"),
        ((b"\x1b[?1002h", SGR), ("move", 4, 2, 0), b""),
        ((b"\x1b[?1003h", SGR), ("move", 4, 2, 0), b"\x1b[<35;5;3M"),
        ((b"\x1b[?1003h", SGR), ("down", 79, 23, 1), b"\x1b[<0;80;24M"),
        ((b"\x1b[?1003h", SGR), ("down", 80, 0, 1), b""),
        ((b"\x1b[?1003h", SGR), ("down", -1, 0, 1), b""),
    ],
)
def test_mouse(modes: tuple[bytes, ...], event: tuple[str, int, int, int], expected: bytes) -> None:
    assert encoder(*modes).mouse(*event) == expected


def test_the_wheel_is_arrows_where_a_program_fills_the_screen() -> None:
    emulator = Emulator(80, 24)
    keys = KeyEncoder(emulator)
    assert keys.mouse("scroll_up", 1, 1) == b""
    emulator.feed(b"\x1b[?1049h")
    assert keys.mouse("scroll_up", 1, 1) == b"\x1b[A" * 3
    emulator.feed(b"\x1b[?1h")
    assert keys.mouse("scroll_down", 1, 1) == b"\x1bOB" * 3
    assert keys.mouse("scroll_left", 1, 1) == b""
    emulator.feed(b"\x1b[?1007l")
    assert keys.mouse("scroll_down", 1, 1) == b""
    emulator.feed(b"\x1b[?1007h\x1b[?1000h" + SGR)
    assert keys.mouse("scroll_down", 1, 1) == b"\x1b[<65;2;2M"


def test_mouse_with_modifiers() -> None:
    keys = encoder(b"\x1b[?1000h", SGR)
    assert keys.mouse("down", 0, 0, 1, shift=True, alt=True, ctrl=True) == b"\x1b[<28;1;1M"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"key": "a", "char": "a"}, b"a"),
        ({"key": "ctrl+c"}, b"\x03"),
        ({"key": "up", "char": None}, b"\x1b[A"),
        ({"key": "a", "char": 5}, b"a"),
        ({"text": "hi\n"}, b"hi\r"),
        ({"paste": "hi\x1b"}, b"hi"),
        ({"mouse": {"kind": "down", "x": 0, "y": 0, "button": 1}}, b"\x1b[<0;1;1M"),
        ({"mouse": {"kind": "scroll_up", "x": 0, "y": 0, "ctrl": True}}, b"\x1b[<80;1;1M"),
    ],
)
def test_events_of_the_wire(event: dict[str, Any], expected: bytes) -> None:
    assert encoder(b"\x1b[?1000h", SGR).event(event) == expected


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"key": 5},
        {"text": None},
        {"paste": b"x"},
        {"mouse": []},
        {"mouse": {"kind": "down", "x": "1", "y": 0}},
        {"mouse": {"kind": "down", "x": 1, "y": 0, "button": "left"}},
        {"mouse": {"kind": "lick", "x": 1, "y": 0}},
        {"paste": "x" * (LONGEST_TEXT + 1)},
        {"text": "x" * (LONGEST_TEXT + 1)},
    ],
)
def test_nonsense_is_named(event: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="bad terminal input"):
        encoder().event(event)


def test_hostile_names_do_no_harm() -> None:
    keys = encoder(KITTY)
    for name in ("ctrl+" * 500 + "a", "\x1b[201~", "\ud800", "x" * 100_000, "ctrl+\x00", "shift+"):
        assert isinstance(keys.key(name, name), bytes)


TABLE = Path(__file__).with_name("keys.tsv")


def table() -> list[list[str]]:
    """Every key with every modifier: name, character, and its bytes in each of three modes."""
    lines = TABLE.read_text(encoding="ascii").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(rows) > 500
    return [[row[0], *(cell.encode().decode("unicode_escape") for cell in row[1:])] for row in rows]


@pytest.mark.parametrize(
    ("column", "modes"), [(2, ()), (3, (b"\x1b[?1h", b"\x1b=")), (4, (KITTY,))]
)
def test_every_key_with_every_modifier(column: int, modes: tuple[bytes, ...]) -> None:
    keys = encoder(*modes)
    wrong = {
        row[0]: (sent, row[column])
        for row in table()
        if (sent := keys.key(row[0], row[1] or None).decode("latin-1")) != row[column]
    }
    assert wrong == {}
