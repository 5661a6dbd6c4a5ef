"""Calls find the host and their way back, under ids that nobody can guess at."""

from __future__ import annotations

import itertools
import json

from relay_server.calls import CallTable, away
from relay_server.wire import CAPS, Call, Reply, Sender

SENDER = Sender(1, "Ann", "editor")
CALL = Call(7, "files.list", b"{}", False)


def table() -> CallTable:
    return CallTable(itertools.count(100))


def test_a_call_is_stamped_and_renumbered() -> None:
    forged = Call(7, "files.list", b"{}", False, Sender(9, "Eve", "owner"))
    assert table().send(1, 2, forged, SENDER) == Call(100, "files.list", b"{}", False, SENDER)


def test_a_reply_goes_back_under_the_callers_id() -> None:
    calls = table()
    calls.send(1, 2, CALL, SENDER)
    calls.send(3, 2, CALL, SENDER)
    assert calls.answer(2, Reply(101, True, b"x")) == (3, Reply(7, True, b"x"))
    assert calls.answer(2, Reply(100, False, b"y")) == (1, Reply(7, False, b"y"))
    assert len(calls) == 0


def test_a_reply_counts_once_and_from_the_host_that_was_asked() -> None:
    calls = table()
    calls.send(1, 2, CALL, SENDER)
    assert calls.answer(3, Reply(100, True, b"")) is None
    assert calls.answer(2, Reply(999, True, b"")) is None
    assert calls.answer(2, Reply(100, True, b"")) is not None
    assert calls.answer(2, Reply(100, True, b"")) is None


def test_a_host_that_leaves_leaves_no_call_open() -> None:
    calls = table()
    calls.send(1, 2, CALL, SENDER)
    calls.send(3, 4, CALL, SENDER)
    assert calls.leave(2) == [(1, away(7))]
    assert len(calls) == 1
    assert json.loads(away(7).body)["code"] == "away"


def test_a_caller_that_leaves_is_forgotten() -> None:
    calls = table()
    calls.send(1, 2, CALL, SENDER)
    assert calls.leave(1) == []
    assert calls.answer(2, Reply(100, True, b"")) is None


def test_one_caller_cannot_fill_the_table() -> None:
    calls = table()
    for _ in range(CAPS.calls):
        assert isinstance(calls.send(1, 2, CALL, SENDER), Call)
    refused = calls.send(1, 2, CALL, SENDER)
    assert isinstance(refused, Reply)
    assert json.loads(refused.body)["code"] == "busy"
    assert isinstance(calls.send(3, 2, CALL, SENDER), Call)
    calls.answer(2, Reply(100, True, b""))
    assert isinstance(calls.send(1, 2, CALL, SENDER), Call)
