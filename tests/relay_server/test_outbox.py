"""What waits for a client goes out together, and no more than its budget waits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from relay_server.fanout import Turns
from relay_server.health import Counters
from relay_server.outbox import Outbox


class Pair:
    """An outbox over a real socket whose other end reads only when told to."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.counters = Counters()
        self.late = 0
        self.turns = Turns(loop, 0, lambda room: None)
        self.box = Outbox(self.turns, self.counters, 1000, self.be_late)
        self.here, self.there = socket.socketpair()

    def be_late(self) -> None:
        self.late += 1


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=made.here)
    made.box.open(transport)
    yield made
    transport.abort()
    made.there.close()


async def test_frames_of_a_turn_are_written_at_once(pair: Pair) -> None:
    pair.box.send(b"one")
    pair.box.send(b"two")
    assert pair.counters.sent_bytes == 0
    pair.turns.run()
    assert pair.there.recv(100) == b"onetwo"
    assert pair.counters.sent_bytes == 6
    assert not pair.box.moves()  # there is nothing more


async def test_a_closed_one_takes_no_more(pair: Pair) -> None:
    pair.box.closed = True
    pair.box.send(b"one")
    pair.box.write(b"bye")
    pair.turns.run()
    assert pair.there.recv(100) == b"bye"


async def test_who_reads_too_slowly_is_late_but_for_what_was_allowed(pair: Pair) -> None:
    state = bytes(4 << 20)  # more than a socket takes unread
    pair.box.fill()
    pair.box.allow(len(state))
    pair.box.send(state)
    pair.turns.run()
    assert pair.late == 0
    pair.box.send(state)
    pair.turns.run()
    assert pair.late == 1
