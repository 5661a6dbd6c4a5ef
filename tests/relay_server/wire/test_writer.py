"""The bytes that stock clients expect."""

from __future__ import annotations

from relay_server import wire


def test_ping_and_pong_are_bare_bytes() -> None:
    assert wire.encode("room", wire.Ping()) == b"\x09"
    assert wire.encode("room", wire.Pong()) == b"\x0a"
    assert wire.decode(b"\x09") == ("", wire.Ping())
    assert wire.decode(b"\x0a") == ("", wire.Pong())


def test_the_bytes_are_those_of_hocuspocus() -> None:
    assert wire.encode("r", wire.Token("t", "4.8.0")) == b"\x01r\x02\x00\x01t\x054.8.0"
    assert wire.encode("r", wire.Token("t", "4", "{}")) == b"\x01r\x02\x00\x01t\x014\x02{}"
    assert wire.encode("r", wire.Granted("readonly")) == b"\x01r\x02\x02\x08readonly"
    assert wire.encode("r", wire.Denied("no")) == b"\x01r\x02\x01\x02no"
    assert wire.encode("r", wire.SyncStatus(True)) == b"\x01r\x08\x01"
    assert wire.encode("r", wire.Update(b"xy")) == b"\x01r\x00\x02\x02xy"


def test_encoding_survives_text_that_utf8_cannot_say() -> None:
    assert wire.decode(wire.encode("r", wire.Stateless("\ud800"))) == ("r", wire.Stateless("?"))
