from __future__ import annotations

from studio_tui.terminal.echo import ECHO_SECONDS, EchoAck


def test_what_is_old_enough_is_answered() -> None:
    ack = EchoAck()
    assert (ack.at(0.0), ack.due) == (0, None)
    ack.typed(7, 1.0)
    ack.typed(8, 1.01)
    assert ack.at(1.0) == 0
    assert ack.at(1.0 + ECHO_SECONDS) == 7
    assert ack.due == 1.01 + ECHO_SECONDS
    assert ack.at(2.0) == 8
    assert (ack.due, ack.at(9.0)) == (None, 8)
