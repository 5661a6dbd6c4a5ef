"""Turns: the leading edge at once, a busy room once per window, a connection once per turn."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from relay_server import fanout
from relay_server.fanout import Turns, binary_frame
from relay_server.lobby import policy_of
from relay_server.member import Member
from relay_server.room import Room
from relay_server.wire import Level


@pytest.fixture(autouse=True)
def an_hour_per_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """A room with a member has the longest window that it may, an empty one none."""
    monkeypatch.setattr(fanout, "WRITE", 3600)


class Outlet:
    """Counts how often it was written."""

    writes = 0

    def write_out(self) -> None:
        self.writes += 1


def a_room(members: int = 0) -> Room:
    room = Room("r", policy_of("r"), itertools.count(), Level.MEMORY)
    for number in range(members):
        room.join(Member(number, number, "", "viewer"))
    return room


async def turn() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_quiet_room_is_flushed_in_the_same_turn() -> None:
    flushed: list[Room] = []
    turns = Turns(asyncio.get_running_loop(), 3600, flushed.append)
    room = a_room()
    turns.flush_soon(room)
    turns.flush_soon(room)
    await turn()
    assert flushed == [room]


async def test_a_busy_room_waits_for_its_window() -> None:
    flushed: list[Room] = []
    turns = Turns(asyncio.get_running_loop(), 3600, flushed.append)
    busy, quiet = a_room(1), a_room(1)
    turns.flush_soon(busy)
    await turn()
    turns.flush_soon(busy)
    turns.flush_soon(quiet)
    await turn()
    assert flushed == [busy, quiet]
    turns.close()
    assert flushed == [busy, quiet, busy]


async def test_a_window_ends() -> None:
    flushed: list[Room] = []
    turns = Turns(asyncio.get_running_loop(), 0.001, flushed.append)
    room = a_room(1)
    async with asyncio.timeout(10):
        while len(flushed) < 3:
            turns.flush_soon(room)
            await asyncio.sleep(0)


async def test_the_window_grows_with_the_room() -> None:
    flushed: list[Room] = []
    loop = asyncio.get_running_loop()
    turns = Turns(loop, 3600, flushed.append)
    small, big = a_room(0), a_room(1)
    for room in (small, big):
        turns.flush_soon(room)
    await turn()
    async with asyncio.timeout(10):
        while len(flushed) < 3:
            for room in (small, big):
                turns.flush_soon(room)
            await asyncio.sleep(0)
    assert flushed == [small, big, small]
    turns.close()


async def test_a_forgotten_room_is_flushed_no_more() -> None:
    flushed: list[Room] = []
    turns = Turns(asyncio.get_running_loop(), 3600, flushed.append)
    room = a_room(1)
    turns.flush_soon(room)
    await turn()
    turns.flush_soon(room)
    turns.forget(room)
    turns.close()
    assert flushed == [room]


async def test_what_a_flush_has_to_say_is_written_in_its_turn() -> None:
    outlet = Outlet()
    turns = Turns(asyncio.get_running_loop(), 0, lambda room: turns.write_soon(outlet))
    turns.flush_soon(a_room())
    turns.run()
    assert outlet.writes == 1


async def test_what_is_read_after_a_lull_is_written_without_another_turn() -> None:
    loop = asyncio.get_running_loop()
    outlet = Outlet()
    turns = Turns(loop, 0, lambda room: turns.write_soon(outlet))
    turns.take_in(lambda data: turns.flush_soon(a_room()), b"", loop.time())
    assert outlet.writes == 1
    turns.take_in(lambda data: turns.flush_soon(a_room()), b"", turns._ran)
    assert outlet.writes == 1
    await turn()
    assert outlet.writes == 2


async def test_a_read_that_fails_holds_nothing_up() -> None:
    outlet = Outlet()
    turns = Turns(asyncio.get_running_loop(), 0, lambda room: None)

    def fail(data: bytes) -> None:
        raise ValueError(data)

    with pytest.raises(ValueError, match="bad"):
        turns.take_in(fail, b"bad", 0)
    turns.write_soon(outlet)
    await turn()
    assert outlet.writes == 1


def test_a_frame_is_one_that_clients_read() -> None:
    for size in (0, 1, 125, 126, 65535, 65536, 100_000):
        client = ClientProtocol(parse_uri("ws://x/"), state=OPEN, max_size=None)
        client.receive_data(binary_frame(bytes(size)))
        (event,) = client.events_received()
        assert isinstance(event, Frame)
        assert (event.opcode, event.fin, len(event.data)) == (Opcode.BINARY, True, size)
