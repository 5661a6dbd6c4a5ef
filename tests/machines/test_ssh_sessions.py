"""Turns on a connection that has few sessions."""

from __future__ import annotations

import asyncio

import pytest

from studio_tui.errors import StudioError
from studio_tui.machines.ssh_sessions import FOR_COMMANDS, MOST, Sessions, Turn


async def taken(sessions: Sessions, kind: str, count: int) -> list[Turn]:
    return [await sessions.take(kind) for _ in range(count)]  # type: ignore[arg-type]


async def settled(waiting: asyncio.Task[Turn]) -> bool:
    for _ in range(5):
        await asyncio.sleep(0)
    return waiting.done()


async def test_all_can_be_taken_and_the_next_waits() -> None:
    sessions = Sessions(3)
    first, *_ = await taken(sessions, "short", 3)
    waiting = asyncio.create_task(sessions.take("short"))
    assert not await settled(waiting)
    first.give()
    await waiting


async def test_long_lived_channels_leave_some_to_commands() -> None:
    sessions = Sessions()
    await taken(sessions, "long", MOST - FOR_COMMANDS)
    waiting = asyncio.create_task(sessions.take("long"))
    assert not await settled(waiting)
    for turn in await taken(sessions, "short", FOR_COMMANDS):
        turn.give()
    assert not await settled(waiting)
    waiting.cancel()


async def test_a_turn_is_given_back_once() -> None:
    sessions = Sessions(2)
    first, _ = await taken(sessions, "short", 2)
    first.give()
    first.give()
    await sessions.take("short")
    waiting = asyncio.create_task(sessions.take("short"))
    assert not await settled(waiting)
    waiting.cancel()


async def test_whoever_gave_up_waiting_takes_no_turn() -> None:
    sessions = Sessions(1)
    (turn,) = await taken(sessions, "short", 1)
    waiting = asyncio.create_task(sessions.take("short"))
    assert not await settled(waiting)
    waiting.cancel()
    await asyncio.wait([waiting])
    turn.give()
    await sessions.take("short")


async def test_a_server_that_opens_fewer_is_believed() -> None:
    sessions = Sessions()
    first, second = await taken(sessions, "short", 2)
    (await sessions.take("short")).refused()
    waiting = asyncio.create_task(sessions.take("short"))
    assert not await settled(waiting)
    first.give()
    await waiting
    second.give()
    await sessions.take("long")
    waiting = asyncio.create_task(sessions.take("long"))
    assert not await settled(waiting)
    waiting.cancel()


@pytest.mark.parametrize(("others", "kind"), [(0, "short"), (1, "long")])
async def test_a_server_that_opens_too_few(others: int, kind: str) -> None:
    sessions = Sessions()
    for turn in await taken(sessions, "short", others):
        (await sessions.take("short")).refused()
        turn.give()
    if not others:
        (await sessions.take("short")).refused()
    with pytest.raises(StudioError, match=f"opens only {others + 1} sessions") as raised:
        await taken(sessions, kind, 1)
    assert "MaxSessions" in raised.value.hint
