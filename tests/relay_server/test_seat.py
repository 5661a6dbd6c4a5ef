"""How a room's messages are framed for its members."""

from __future__ import annotations

import pytest

from relay_server import wire
from relay_server.fanout import binary_frame
from relay_server.seat import framed


@pytest.mark.parametrize(
    "message", [wire.Update(b"xy"), wire.Step1(b"\0"), wire.SyncStatus(True)], ids=lambda m: str(m)
)
def test_a_room_precedes_the_message_where_there_are_many(message: wire.Message) -> None:
    made = framed(wire.write_string("r"), wire.encode_body(message), message)
    assert made == binary_frame(wire.encode("r", message))


def test_where_there_is_one_it_is_left_out() -> None:
    for message in (wire.Update(b"xy"), wire.Step1(b"\0"), wire.Denied("no")):
        made = framed(None, wire.encode_body(message), message)
        body = wire.encode_y(message)
        assert body is not None
        assert made == binary_frame(body)


def test_what_y_websocket_has_no_word_for_is_not_sent() -> None:
    message = wire.SyncStatus(True)
    assert framed(None, wire.encode_body(message), message) is None
