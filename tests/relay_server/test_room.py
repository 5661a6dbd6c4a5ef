"""Playbooks of one room: message in, effects out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import pytest
from pycrdt import Doc, Text

from relay_server import wire
from relay_server.effects import Append, Broadcast, Effects, Expel, Reload, Send, Snapshot
from relay_server.lobby import policy_of
from relay_server.member import Member
from relay_server.replica import BATCH, Broken
from relay_server.room import REST, SNAPSHOT_EVERY, Room
from relay_server.validate import survey
from relay_server.wire import Ack, Close, Entry, Level, Step1, Step2, SyncStatus, Update

Typed = Callable[[str], list[bytes]]
BOMB = b"\x01\x01\x07\x00\x08\x01\x01t\x01" + b"\x75\x01" * 30_000 + b"\x7e\x00"
NO_PARENT = bytes([1, 1, 8, 0, 4, 0, 7, 0, 1, 97, 0])  # a character inside a character


def a_room(name: str = "calm-otter", *, restored: bool = True) -> Room:
    room = Room(name, policy_of(name), itertools.count(1), Level.DISK)
    if restored and not room.restored:
        room.restore([])
    return room


def enter(room: Room, number: int, role: str = "editor", *, own: bool = True) -> Effects:
    return room.join(Member(number, number * 10, f"m{number}", role, own=own, pinned=True))


def said(number: int, clock: int = 1, state: str = "{}") -> wire.Awareness:
    return wire.Awareness((Entry(number, clock, state),))


# ---------------------------------------------------------------- updates


def test_an_update_goes_to_the_journal_then_to_the_others(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2)
    (update,) = typed("x")
    assert room.receive(1, Update(update)) == []
    assert room.due
    assert room.flush() == [Append(1, update), Broadcast(Update(update), frozenset({1}))]
    assert not room.due
    assert room.durable(1) == [Send(1, Ack(1, Level.DISK))]


def test_who_has_no_word_for_it_is_promised_no_acknowledgement(typed: Typed) -> None:
    room = a_room()
    room.join(Member(1, 10, "stock", "editor", told=False))
    enter(room, 2)
    first, second, third = typed("abc")
    room.receive(1, Update(first))
    assert room.flush()[0] == Append(1, first, awaited=False)
    assert room.durable(1) == []
    room.receive(1, Update(second))
    room.receive(2, Update(third))
    appends = [effect for effect in room.flush() if isinstance(effect, Append)]
    assert [append.awaited for append in appends] == [True, True]
    assert room.durable(3) == [Send(2, Ack(1, Level.DISK))]


def test_a_turns_updates_are_one_message_and_one_row(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    for update in typed("hello"):
        room.receive(1, Update(update))
    append, broadcast = room.flush()
    assert isinstance(append, Append)
    assert isinstance(broadcast, Broadcast)
    assert broadcast.message == Update(append.update)
    assert len(survey(append.update).ends) == 1
    assert room.durable(append.ticket) == [Send(1, Ack(5, Level.DISK))]


def test_a_burst_is_merged_in_bounded_groups(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    updates = typed("x" * (3 * BATCH + 1))
    for update in updates:
        room.receive(1, Update(update))
    effects = room.flush()
    assert sum(isinstance(e, Append) for e in effects) == 4
    assert sum(isinstance(e, Broadcast) for e in effects) == 4


def test_two_senders_never_share_a_row(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2)
    ours, theirs = typed("ab"), typed("cd")
    for one, other in zip(ours, theirs, strict=True):
        room.receive(1, Update(one))
        room.receive(2, Update(other))
    effects = room.flush()
    rows = [e.update for e in effects if isinstance(e, Append)]
    assert [len(survey(row).ends) for row in rows] == [1, 1]
    assert [e.skip for e in effects if isinstance(e, Broadcast)] == [frozenset(), frozenset()]
    assert room.durable(2) == [Send(1, Ack(2, Level.DISK)), Send(2, Ack(2, Level.DISK))]


def test_other_clients_are_told_of_each_update(typed: Typed) -> None:
    room = a_room()
    enter(room, 1, own=False)
    for update in typed("abc"):
        room.receive(1, Update(update))
    room.flush()
    assert room.durable(1) == [Send(1, SyncStatus(True))] * 3


def test_one_acknowledgement_covers_many_turns(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    for update in typed("abc"):
        room.receive(1, Update(update))
        room.flush()
    assert room.durable(2) == [Send(1, Ack(2, Level.DISK))]
    assert room.durable(2) == []
    assert room.durable(3) == [Send(1, Ack(3, Level.DISK))]


def test_a_failing_store_is_told_once_and_made_good_later(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2, own=False)
    (one,), (other,) = typed("x"), typed("y")
    room.receive(1, Update(one))
    room.receive(2, Update(other))
    room.flush()
    assert room.failed(2) == [Send(1, Ack(1, Level.MEMORY))]
    assert room.failed(2) == []
    assert room.durable(2) == [Send(1, Ack(1, Level.DISK)), Send(2, SyncStatus(True))]


def test_who_left_is_not_acknowledged(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    room.receive(1, Update(typed("x")[0]))
    room.flush()
    room.leave(1)
    assert room.durable(1) == []


def test_a_viewer_writes_nothing(typed: Typed) -> None:
    room = a_room()
    enter(room, 1, "viewer")
    before = room.receive(1, Step1(b"\0"))
    (update,) = typed("x")
    assert room.receive(1, Update(update)) == [Send(1, SyncStatus(False))]
    assert room.receive(1, Step2(update)) == [Send(1, SyncStatus(False))]
    assert room.flush() == []
    assert room.receive(1, Step1(b"\0")) == before


def test_a_step_without_news_is_fine_from_anybody(typed: Typed) -> None:
    room = a_room()
    updates = typed("abc")
    enter(room, 1)
    enter(room, 2, "viewer", own=False)
    for update in updates:
        room.receive(1, Update(update))
    room.flush()
    room.durable(1)
    assert room.receive(2, Step2(updates[0])) == []
    assert room.receive(1, Step2(updates[2])) == []
    assert room.flush() == [Send(2, SyncStatus(True)), Send(1, Ack(4, Level.DISK))]


def test_a_step_without_news_waits_for_what_came_before(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    (update,) = typed("x")
    room.receive(1, Update(update))
    room.flush()
    room.receive(1, Step2(b"\0\0"))
    assert room.flush() == []
    assert room.durable(1) == [Send(1, Ack(2, Level.DISK))]


def test_a_step_with_news_is_an_update(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    (update,) = typed("x")
    room.receive(1, Step2(update))
    assert room.flush() == [Append(1, update), Broadcast(Update(update), frozenset({1}))]


def test_a_question_is_answered_and_asked_back(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    room.receive(1, Update(typed("hi")[0]))
    room.flush()
    answer, question = room.receive(1, Step1(b"\0"))
    assert isinstance(answer, Send)
    assert isinstance(answer.message, Step2)
    assert isinstance(question, Send)
    assert isinstance(question.message, Step1)
    assert room.receive(1, Step1(question.message.state_vector))[0] == Send(1, Step2(b"\0\0"))


@pytest.mark.parametrize("message", [Update(BOMB), Step2(BOMB), Step1(b"\xff" * 20), Update(b"")])
def test_a_bomb_costs_its_sender_the_connection(message: wire.Message) -> None:
    room = a_room()
    enter(room, 1)
    (effect,) = room.receive(1, message)
    assert isinstance(effect, Expel)
    assert (effect.member, effect.code) == (1, Close.PROTOCOL)
    assert room.flush() == []


# ---------------------------------------------------------------- terminals


def test_a_terminal_is_written_by_its_host_and_never_journaled(typed: Typed) -> None:
    room = a_room("calm-otter/term/1")
    enter(room, 1, "host")
    enter(room, 2, "owner")
    first, second = typed("ab")
    room.receive(1, Update(first))
    assert room.flush() == [
        Broadcast(Update(first), frozenset({1})),
        Send(1, Ack(1, Level.MEMORY)),
    ]
    assert room.receive(2, Update(second)) == [Send(2, SyncStatus(False))]
    assert room.snapshot() == []


def test_a_terminal_that_breaks_asks_its_host(typed: Typed) -> None:
    room = a_room("calm-otter/term/1")
    enter(room, 1, "host")
    doc: Doc = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "a")
    room.receive(1, Update(doc.get_update()))
    room.receive(1, Update(NO_PARENT))
    room.flush()
    assert room.receive(1, Step1(b"\0")) == [Broadcast(Step1(b"\0"))]
    assert room.receive(1, Step1(b"\0"))[0] == Send(1, Step2(b"\0\0"))


# ---------------------------------------------------------------- presence


def test_who_joins_hears_who_is_here() -> None:
    room = a_room()
    assert enter(room, 1) == []
    room.receive(1, said(5))
    (told,) = room.flush()
    assert isinstance(told, Broadcast)
    assert told.skip == frozenset()  # the sender hears its own, as stock clients need
    assert enter(room, 2) == [Send(2, told.message)]
    assert room.receive(2, wire.QueryAwareness()) == [Send(2, told.message)]


def test_presence_of_a_turn_is_the_last_of_each() -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2, "viewer")
    room.receive(1, said(5, 1))
    room.receive(1, said(5, 2, '{"x":1}'))
    room.receive(2, said(6))
    (told,) = room.flush()
    assert isinstance(told, Broadcast)
    assert isinstance(told.message, wire.Awareness)
    states = {e.client_id: json.loads(e.state) for e in told.message.entries}
    assert states[5]["x"] == 1
    assert states[6]["person"] == {"name": "m2", "role": "viewer", "connection": 20}


def test_who_leaves_is_announced() -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2)
    room.receive(1, said(5))
    room.flush()
    assert room.leave(1) == []
    assert room.flush() == [Broadcast(wire.Awareness((Entry(5, 2, "null"),)))]
    assert room.leave(1) == []


def test_who_comes_back_sees_its_own_clock() -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2)
    room.receive(1, said(5, 8))
    room.leave(1)
    room.flush()
    enter(room, 3)
    room.receive(3, said(5, 8))
    echo, told = room.flush()
    assert isinstance(echo, Send)
    assert isinstance(echo.message, wire.Awareness)
    assert echo.message.entries[0].clock == 8
    assert isinstance(told, Broadcast)
    assert told.skip == {3}


def test_presence_over_the_cap_is_an_offence() -> None:
    room = a_room()
    enter(room, 1)
    (effect,) = room.receive(1, said(5, 1, json.dumps({"x": "y" * 5000})))
    assert isinstance(effect, Expel)
    assert effect.code == Close.TOO_BIG


# ---------------------------------------------------------------- calls and streams


def test_a_call_goes_to_the_host_and_back() -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2, "host")
    sender = wire.Sender(10, "m1", "editor")
    (sent,) = room.receive(1, wire.Call(7, "jobs.run", b"{}", True))
    assert sent == Send(2, wire.Call(1, "jobs.run", b"{}", True, sender))
    assert room.receive(2, wire.Reply(1, True, b"ok")) == [Send(1, wire.Reply(7, True, b"ok"))]
    assert room.receive(2, wire.Reply(1, True, b"ok")) == []
    assert room.receive(1, wire.Reply(1, True, b"ok")) == []


def code_of(effects: Effects) -> str:
    (effect,) = effects
    assert isinstance(effect, Send)
    assert isinstance(effect.message, wire.Reply)
    assert not effect.message.ok
    return str(json.loads(effect.message.body)["code"])


def test_without_a_host_the_answer_is_away() -> None:
    room = a_room()
    enter(room, 1)
    assert code_of(room.receive(1, wire.Call(7, "files.list", b"", False))) == "away"
    enter(room, 2, "host")
    room.receive(1, wire.Call(8, "files.list", b"", False))
    assert code_of(room.leave(2)) == "away"


def test_the_host_that_came_last_is_asked() -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2, "host")
    enter(room, 3, "host")
    (sent,) = room.receive(1, wire.Call(7, "files.list", b"", False))
    assert isinstance(sent, Send)
    assert sent.member == 3


def test_a_viewer_may_ask_but_not_command() -> None:
    room = a_room()
    enter(room, 1, "viewer")
    enter(room, 2, "host")
    (sent,) = room.receive(1, wire.Call(7, "files.list", b"", False))
    assert isinstance(sent, Send)
    assert sent.member == 2
    assert code_of(room.receive(1, wire.Call(8, "jobs.run", b"", True))) == "refused"


def test_streams_of_the_host_go_to_all_and_of_others_to_the_host() -> None:
    room = a_room("calm-otter/term/1")
    enter(room, 1)
    enter(room, 2, "viewer")
    enter(room, 3, "host")
    meters = wire.Stream("meters", 1, b"x", wire.Sender(99, "root", "owner"))
    host = wire.Sender(30, "m3", "host")
    assert room.receive(3, meters) == [
        Broadcast(wire.Stream("meters", 1, b"x", host), frozenset({3}))
    ]
    typed_in = wire.Stream("input", 1, b"ls")
    me = wire.Sender(10, "m1", "editor")
    assert room.receive(1, typed_in) == [Send(3, wire.Stream("input", 1, b"ls", me))]
    assert room.receive(2, typed_in) == []
    room.leave(3)
    assert room.receive(1, typed_in) == []


# ---------------------------------------------------------------- history


def test_a_room_works_before_its_history_is_here(typed: Typed) -> None:
    room = a_room(restored=False)
    enter(room, 1)
    first, second, third = typed("abc")
    assert room.receive(1, Step1(b"\0")) == []
    room.receive(1, Update(third))
    append = room.flush()[0]
    assert append == Append(1, third)
    answer, _ = room.restore([first, second], [survey(first), survey(second)])
    assert isinstance(answer, Send)
    assert isinstance(answer.message, Step2)
    doc: Doc = Doc()
    doc.apply_update(answer.message.update)
    assert str(doc.get("text", type=Text)) == "abc"


def test_a_snapshot_is_the_whole_state(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    assert room.snapshot() == []
    for update in typed("abc"):
        room.receive(1, Update(update))
    assert room.snapshot() == []  # flush comes first
    room.flush()
    (effect,) = room.snapshot()
    assert isinstance(effect, Snapshot)
    assert survey(effect.state).ends == survey(room.receive(1, Step1(b"\0"))[0].message.update).ends
    assert room.snapshot() == []


def test_what_waits_for_another_update_is_never_snapshot_away(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    first, second, third = typed("abc")
    for update in (first, third):
        room.receive(1, Update(update))
    room.flush()
    assert room.snapshot() == []
    room.receive(1, Update(second))
    room.flush()
    assert len(room.snapshot()) == 1


def fill(room: Room, update: bytes, rows: int) -> Effects:
    effects: Effects = []
    for _ in range(rows):
        room.receive(1, Update(update))
        effects += room.flush()
    return [effect for effect in effects if isinstance(effect, Snapshot)]


def test_a_room_in_use_is_snapshot_when_it_rests(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    (update,) = typed("x")
    assert fill(room, update, SNAPSHOT_EVERY) == []
    assert room.rest(10) == []
    fill(room, update, 1)
    assert room.rest(20) == []  # it worked in between
    assert room.rest(20 + REST / 2) == []
    (effect,) = room.rest(20 + REST)
    assert isinstance(effect, Snapshot)
    assert room.rest(30) == room.rest(40) == []


def test_rows_of_an_earlier_life_count(typed: Typed) -> None:
    (update,) = typed("x")
    room = a_room(restored=False)
    room.restore([update] * (SNAPSHOT_EVERY + 1))
    assert room.rest(10) == []
    assert len(room.rest(10 + REST)) == 1
    room = a_room(restored=False)
    room.restore([update])
    assert room.snapshot() == []


def test_a_room_that_never_rests_is_snapshot_at_last(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay_server.room.SNAPSHOT_AT_LAST", 100)
    room = a_room()
    enter(room, 1)
    (update,) = typed("x")
    assert fill(room, update, 99) == []
    assert len(fill(room, update, 101)) == 2


def test_a_misfit_is_undone_and_its_sender_expelled(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2)
    doc: Doc = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "a")
    good = doc.get_update()
    room.receive(1, Update(good))
    room.flush()
    room.receive(2, Update(NO_PARENT))
    room.flush()
    assert room.receive(1, Step1(b"\0")) == [Reload()]
    assert not room.restored
    with pytest.raises(Broken):
        room.restore([good, NO_PARENT])
    answer, _ = room.restore([good], [survey(good)])
    assert isinstance(answer, Send)
    assert answer.member == 1
    assert room.blame([NO_PARENT]) == [
        Expel(2, Close.PROTOCOL, "an update does not fit the document")
    ]


def test_a_misfit_that_came_before_the_history_is_looked_for_in_it(typed: Typed) -> None:
    room = a_room(restored=False)
    enter(room, 1)
    enter(room, 2)
    doc: Doc = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "a")
    history = doc.get_update()
    room.receive(1, Step1(b"\0"))
    room.receive(2, Update(NO_PARENT))
    room.flush()
    assert Reload() in room.restore([history])
    assert not room.restored
    answer, _ = room.restore([history])
    assert isinstance(answer, Send)
    assert answer.member == 1


def test_what_waits_outside_a_document_that_breaks_is_not_forgotten(typed: Typed) -> None:
    room = a_room()
    enter(room, 1)
    enter(room, 2)
    doc: Doc = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "a")
    good, (_, second) = doc.get_update(), typed("xy")
    room.receive(1, Update(good))
    room.receive(2, Update(NO_PARENT))
    room.flush()
    room.receive(1, Update(second))
    assert room.receive(1, Step1(b"\0")) == [Reload()]
    room.restore([good], [survey(good)])
    room.flush()
    assert room.snapshot() == []
