"""Rooms come with their history, bad rows are set aside, and cold rooms are found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pycrdt import Doc, Text

from relay_server.effects import Send
from relay_server.journal import Row
from relay_server.journal.memory import MemoryJournal
from relay_server.lobby import Lobby, salvage, walk
from relay_server.member import Member
from relay_server.room import Room
from relay_server.wire import Step1, Step2

Typed = Callable[[str], list[bytes]]
BOMB = b"\x01\x01\x07\x00\x08\x01\x01t\x01" + b"\x75\x01" * 30_000 + b"\x7e\x00"
NO_PARENT = bytes([1, 1, 8, 0, 4, 0, 7, 0, 1, 97, 0])  # a character inside a character


async def a_lobby(rows: list[bytes]) -> tuple[Lobby, MemoryJournal]:
    journal = MemoryJournal()
    for ticket, row in enumerate(rows, 1):
        journal.append("r", ticket, row)
    return Lobby(journal), journal


async def text_of(lobby: Lobby, room: Room) -> str:
    room.join(Member(1, 1, "Ann", "editor"))
    room.receive(1, Step1(b"\0"))
    effects = await lobby.load(room)
    (answer,) = [e.message for e in effects if isinstance(e, Send) and type(e.message) is Step2]
    assert isinstance(answer, Step2)
    doc: Doc = Doc()
    doc.apply_update(answer.update)
    return str(doc.get("text", type=Text))


async def test_a_room_is_made_once() -> None:
    lobby, _ = await a_lobby([])
    assert lobby.room("r") is lobby.room("r")
    assert lobby.room("s") is not lobby.room("r")


async def test_a_room_comes_with_its_history(typed: Typed) -> None:
    lobby, _ = await a_lobby(typed("hello"))
    assert await text_of(lobby, lobby.room("r")) == "hello"


async def test_a_long_history_is_walked_beside_the_loop(typed: Typed) -> None:
    lobby, _ = await a_lobby(typed("x" * 4000))
    assert await text_of(lobby, lobby.room("r")) == "x" * 4000


async def test_a_bomb_in_the_store_is_set_aside(typed: Typed) -> None:
    first, *rest = typed("hello")
    lobby, journal = await a_lobby([first, BOMB, b"", *rest])
    assert await text_of(lobby, lobby.room("r")) == "hello"
    assert lobby.quarantined == 2
    assert [row.update for row in await journal.load("r")] == [first, *rest]


async def test_a_misfit_in_the_store_is_set_aside(typed: Typed) -> None:
    doc: Doc = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "a")
    lobby, _ = await a_lobby([doc.get_update(), NO_PARENT, *typed("b")])
    assert sorted(await text_of(lobby, lobby.room("r"))) == ["a", "b"]
    assert lobby.quarantined == 1


def test_what_is_good_and_what_is_bad(typed: Typed) -> None:
    rows = [Row(n, body) for n, body in enumerate([*typed("ab"), BOMB])]
    history = walk(rows)
    assert history.updates == [rows[0].update, rows[1].update]
    assert len(history.surveys) == 2
    assert history.bad == [rows[2]]
    assert salvage(rows).bad == [rows[2]]


def waits_for(clock: int, client: int = 8) -> bytes:
    """A character inside a character that client 7 has not typed yet."""
    return bytes([1, 1, client, 0, 4, 0, 7, clock, 1, 97, 0])


def typed_by_7(text: str) -> list[bytes]:
    doc: Doc = Doc(client_id=7)
    root, updates = doc.get("text", type=Text), []
    for character in text:
        before = doc.get_state()
        root += character
        updates.append(doc.get_update(before))
    return updates


@pytest.mark.parametrize("order", [(0, 3, 1, 2), (0, 3, 2, 1), (3, 0, 1, 2), (3, 2, 1, 0)])
def test_who_waited_for_a_row_is_bad_and_not_the_row(order: tuple[int, ...]) -> None:
    updates = [*typed_by_7("abc"), waits_for(1)]
    rows = [Row(n, updates[at]) for n, at in enumerate(order)]
    assert [row.update for row in salvage(rows).bad] == [waits_for(1)]


def test_who_waits_honestly_is_kept(typed: Typed) -> None:
    later = typed("xyz")
    rows = [Row(n, u) for n, u in enumerate([later[2], waits_for(0), *typed_by_7("a"), later[0]])]
    assert [row.update for row in salvage(rows).bad] == [waits_for(0)]


def test_two_that_wait_are_both_found() -> None:
    updates = [waits_for(0, 8), waits_for(1, 9), *typed_by_7("abc")]
    rows = [Row(n, update) for n, update in enumerate(updates)]
    assert salvage(rows).bad == rows[:2]


async def test_a_row_that_waited_is_set_aside(typed: Typed) -> None:
    lobby, journal = await a_lobby([waits_for(0), *typed_by_7("abc")])
    assert await text_of(lobby, lobby.room("r")) == "abc"
    assert lobby.quarantined == 1
    assert [row.update for row in await journal.load("r")] == typed_by_7("abc")


async def test_rooms_go_cold_when_nobody_is_in() -> None:
    lobby, _ = await a_lobby([])
    empty, used = lobby.room("empty"), lobby.room("used")
    used.join(Member(1, 1, "Ann", "editor"))
    assert lobby.cold(100, 30) == []
    assert lobby.cold(129, 30) == []
    assert lobby.cold(131, 30) == [empty]
    lobby.room("empty")  # somebody is about to join
    assert lobby.cold(132, 30) == []
    lobby.forget(empty)
    assert lobby.room("empty") is not empty
