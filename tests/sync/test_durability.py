"""What was typed is there afterwards, once: over outages, restarts, kills and lost stores."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relay_server.serve import serve
from relay_server.settings import RelaySettings
from studio_tui.document.text import SharedText
from studio_tui.sync.link import LinkState, Timing
from studio_tui.sync.room import Room
from studio_tui.sync.session import Session

ROOM = "calm-otter"
ROOT = Path(__file__).parents[2]
Attach = Callable[..., Awaitable[Session]]
OpenLine = Callable[[int], Awaitable[Any]]


def text_of(room: Room) -> SharedText:
    return SharedText(room.replica.doc)


async def until(session: Session, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        await session.until(condition)


async def read_by_a_stranger(place: Any, attach: Attach) -> str:
    """What the relay itself has: the text of somebody who was never here before."""
    stranger = await attach(place.url, place.token("viewer"))
    return str(text_of(await stranger.join(ROOM)))


async def test_edits_made_offline_arrive_once(stored: Any, attach: Attach, line: OpenLine) -> None:
    broken = await line(stored.port)
    ana = await attach(broken.url, stored.token())
    room = await ana.join(ROOM)
    text = text_of(room)
    text.insert(0, "before ")
    await until(ana, lambda: ana.unsaved == 0)
    broken.silence()
    await broken.cut()
    await until(ana, lambda: ana.state is LinkState.OFFLINE)
    text.insert(7, "offline 😀")
    text.delete(0, 7)
    assert ana.unsaved == 2
    broken.heal()
    await until(ana, lambda: ana.unsaved == 0)
    assert str(text) == "offline 😀"
    assert await read_by_a_stranger(stored, attach) == "offline 😀"


async def test_a_relay_that_restarts_gets_the_unsaved_tail_once(
    stored: Any, attach: Attach
) -> None:
    ana = await attach(stored.url, stored.token())
    bob = await attach(stored.url, stored.token())
    text, theirs = text_of(await ana.join(ROOM)), text_of(await bob.join(ROOM))
    for word in ("one ", "two ", "three "):
        text.insert(len(text), word)
    await until(ana, lambda: ana.unsaved == 0)
    await stored.stop()
    await until(ana, lambda: ana.state is LinkState.OFFLINE)
    text.insert(len(text), "four ")
    text.delete(0, 4)
    theirs.insert(0, "zero ")
    assert (ana.unsaved, bob.unsaved) == (2, 1)
    await stored.start()
    await until(ana, lambda: ana.unsaved == 0)
    await until(bob, lambda: bob.unsaved == 0)
    await until(ana, lambda: str(text) == "zero two three four ")
    await until(bob, lambda: str(theirs) == str(text))
    await stored.stop()
    await stored.start()
    assert await read_by_a_stranger(stored, attach) == "zero two three four "


async def test_what_is_sent_as_the_relay_stops_is_not_lost(stored: Any, attach: Attach) -> None:
    ana = await attach(stored.url, stored.token())
    text = text_of(await ana.join(ROOM))
    for life in range(3):
        stopping = asyncio.create_task(stored.stop())
        for letter in f"life {life} ":
            text.insert(len(text), letter)
            await asyncio.sleep(0)
        await stopping
        await stored.start()
        await until(ana, lambda: ana.unsaved == 0)
    assert str(text) == "life 0 life 1 life 2 "
    assert await read_by_a_stranger(stored, attach) == str(text)


async def test_a_relay_that_lost_everything_gets_it_back_once(relay: Any, attach: Attach) -> None:
    """From the host; what the others wrote meanwhile comes with it."""
    ana = await attach(relay.url, relay.token("owner"), role="host")
    bob = await attach(relay.url, relay.token())
    text, theirs = text_of(await ana.join(ROOM)), text_of(await bob.join(ROOM))
    text.insert(0, "hello 日本 world")
    text.delete(5, 8)
    await until(bob, lambda: str(theirs) == "hello world")
    await relay.stop()
    await until(ana, lambda: ana.state is LinkState.OFFLINE)
    text.insert(0, "oh, ")
    theirs.insert(11, "!")
    await relay.start()
    await until(ana, lambda: ana.room(ROOM).undelivered == 0)
    await until(bob, lambda: str(theirs) == "oh, hello world!")
    await until(ana, lambda: str(text) == "oh, hello world!")
    assert bob.room(ROOM).problem is None
    assert await read_by_a_stranger(relay, attach) == "oh, hello world!"


async def test_a_copy_waits_for_the_host_to_restore_what_the_relay_lost(
    relay: Any, attach: Attach, line: OpenLine
) -> None:
    away = await line(relay.port)
    host = await attach(away.url, relay.token("owner"), role="host")
    bob = await attach(relay.url, relay.token())
    text = text_of(await host.join(ROOM))
    room = await bob.join(ROOM)
    theirs = text_of(room)
    text.insert(0, "hello")
    await until(bob, lambda: str(theirs) == "hello")
    away.silence()
    await away.cut()
    await relay.stop()
    await relay.start()
    await until(bob, lambda: room.set_aside and room.joined)
    theirs.insert(5, " world")
    assert await read_by_a_stranger(relay, attach) == ""
    assert room.problem is not None
    assert room.unsaved == 1
    away.heal()
    await until(bob, lambda: not room.set_aside and room.undelivered == 0)
    await until(host, lambda: str(text) == "hello world")
    assert room.problem is None
    await relay.stop()
    await relay.start()
    await until(bob, lambda: room.undelivered == 0 and room.problem is None)
    assert str(theirs) == await read_by_a_stranger(relay, attach) == "hello world"


async def test_a_copy_of_a_lost_document_is_never_merged_with_one_typed_alike(
    relay: Any, attach: Attach
) -> None:
    """A new host reads the same file again: merged, all of it would be there twice."""
    bob = await attach(relay.url, relay.token())
    room = await bob.join(ROOM)
    theirs = text_of(room)
    theirs.insert(0, "the file")
    await until(bob, lambda: room.undelivered == 0)
    await relay.stop()
    await until(bob, lambda: bob.state is LinkState.OFFLINE)
    theirs.insert(8, " and mine")
    await relay.start()
    host = await attach(relay.url, relay.token("owner"), role="host")
    text = text_of(await host.join(ROOM))
    text.insert(0, "the file")
    await until(host, lambda: host.room(ROOM).undelivered == 0)
    await until(bob, lambda: room.set_aside and room.joined)
    text.insert(8, ".")
    assert await read_by_a_stranger(relay, attach) == "the file."
    assert str(theirs) == "the file and mine"
    assert room.problem is not None
    assert room.problem.hint
    bob.leave(ROOM)
    assert str(text_of(await bob.join(ROOM))) == "the file."


async def test_the_same_relay_after_an_outage_is_the_same_history(
    stored: Any, attach: Attach
) -> None:
    bob = await attach(stored.url, stored.token())
    room = await bob.join(ROOM)
    text_of(room).insert(0, "hello")
    await until(bob, lambda: bob.unsaved == 0)
    for _ in range(2):
        await stored.stop()
        text_of(room).insert(0, "oh ")
        await stored.start()
        await until(bob, lambda: bob.unsaved == 0)
        assert not room.set_aside
    assert await read_by_a_stranger(stored, attach) == "oh oh hello"


async def test_an_update_lost_on_the_way_is_found_missing(relay: Any, attach: Attach) -> None:
    ana = await attach(relay.url, relay.token())
    bob = await attach(relay.url, relay.token())
    room = await ana.join(ROOM)
    text, theirs = text_of(room), text_of(await bob.join(ROOM))
    send, room._send = room._send, lambda message: None
    text.insert(0, "lost")
    room._send = send
    text.insert(4, " and found")
    await until(bob, lambda: str(theirs) == "lost and found")


async def test_half_open_lines_are_noticed_and_nothing_is_lost(
    stored: Any, attach: Attach, line: OpenLine, quick: Timing
) -> None:
    broken = await line(stored.port)
    timing = replace(quick, dead_after=0.5)
    ana = await attach(broken.url, stored.token(), timing=timing)
    text = text_of(await ana.join(ROOM))
    broken.silence()
    text.insert(0, "into the void")
    await until(ana, lambda: ana.state is LinkState.OFFLINE)
    assert ana.unsaved == 1
    broken.heal()
    await until(ana, lambda: ana.unsaved == 0)
    assert await read_by_a_stranger(stored, attach) == "into the void"


# -- killed -----------------------------------------------------------------------------------


class Killable:
    """A relay in a process of its own, on one port and one store."""

    def __init__(self, place: Any) -> None:
        self._place = place

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relay_server", "serve", "--port", str(self._place.port),
            "--store", self._place.store, "--key", str(self._place.key_path),
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert b"relay at" in await self._process.stdout.readline()

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.communicate()


@pytest.fixture
async def killable(stored: Any) -> AsyncIterator[Killable]:
    await stored.stop()
    process = Killable(stored)
    await process.start()
    yield process
    await process.kill()


async def test_killed_five_times_while_people_type(
    stored: Any, killable: Killable, attach: Attach
) -> None:
    """Every letter that counted as saved is in the store, whatever came after."""
    ana = await attach(stored.url, stored.token())
    text = text_of(await ana.join(ROOM))
    draw = random.Random(5)
    saved: list[str] = []

    async def write() -> None:
        for number in itertools.count():
            text.insert(len(text), f"{number} ")
            await asyncio.sleep(0.002)
            if number % 5 == 4:
                await ana.until(lambda: ana.unsaved == 0)
                saved.append(str(text))

    writing = asyncio.create_task(write())
    for _ in range(5):
        before = len(saved)
        await until(ana, lambda before=before: len(saved) > before + 1)
        await asyncio.sleep(draw.random() * 0.05)
        await killable.kill()
        assert (await in_the_store(stored, attach)).startswith(saved[-1])
        await killable.start()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await until(ana, lambda: ana.unsaved == 0)
    await killable.kill()
    count = len(str(text).split())
    assert str(text) == "".join(f"{number} " for number in range(count))
    assert await in_the_store(stored, attach) == str(text)


async def in_the_store(place: Any, attach: Attach) -> str:
    """What a relay finds in the store, on another port, where nobody brings anything back."""
    settings = RelaySettings(port=0, store=place.store, key_path=place.key_path)
    async with serve(settings) as relay, asyncio.timeout(10):
        probe = await attach(relay.url, place.token("viewer"))
        return str(text_of(await probe.join(ROOM)))
