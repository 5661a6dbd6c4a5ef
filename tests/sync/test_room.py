"""A room as a playbook: events in, messages out."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pycrdt import Array, Doc, Text

from relay_server import wire
from relay_server.wire import (
    Ack,
    Awareness,
    Call,
    CloseRoom,
    Denied,
    Entry,
    Granted,
    History,
    Level,
    Message,
    Step1,
    Step2,
    Stream,
    Token,
    Update,
)
from studio_tui.document.replica import Replica
from studio_tui.document.text import SharedText
from studio_tui.errors import Refused, StudioError
from studio_tui.sync.room import LARGEST_UPDATE, Phase, Room

NOTHING = b"\0"  # the state vector of an empty document
EMPTY = b"\0\0"  # the update without content
NO_UPDATE = b"\1"
IN_A_STRING = b"\1\1\x09\0" + b"\x04\0\5\0\2ab" + b"\0"
"""Sound by itself, but where item 0 of client 5 is a string it contradicts the document."""


class Play:
    """A room and everything it said."""

    def __init__(self, *, restores: bool = False) -> None:
        self.sent: list[Message] = []
        self.room = Room("calm-otter", self.sent.append, '{"name": "ana"}', restores=restores)
        self.text = SharedText(self.room.replica.doc)

    def hear(self, *messages: Message) -> None:
        for message in messages:
            self.room.received(message)

    def said(self) -> list[Message]:
        """What the room has said since this was last asked."""
        said, self.sent[:] = list(self.sent), []
        return said

    def type(self, text: str) -> None:
        self.text.insert(len(self.text), text)


@pytest.fixture
def play() -> Play:
    return Play()


@pytest.fixture
def live(play: Play) -> Play:
    """A room that is live, with nothing left to say and everything confirmed."""
    join(play)
    play.said()
    return play


def test_a_studio_on_another_relay_is_not_called_lost(live: Play) -> None:
    room = live.room
    for relay, history in (("ws://a", "one"), ("ws://a", "two"), ("ws://b", "two")):
        room.lost()
        room.opened("token", relay)
        if history == "one":
            live.hear(Granted("read-write"), History("one"), Step2(EMPTY), Step1(NOTHING))
            live.type("x")
            assert room.problem is None
            continue
        live.hear(History("two"), Denied("another history"), Granted("read-write"))
        assert room.problem is not None
        moved = "another relay now, ws://b" in room.problem.message
        assert moved == (relay == "ws://b")
        assert "copy" in room.problem.hint


def join(play: Play, scope: str = "read-write") -> None:
    play.room.opened("token")
    play.hear(Granted(scope), Step2(EMPTY), Step1(NOTHING), Ack(1, Level.DISK))


def content(message: Message) -> str:
    """The text that an update message carries by itself."""
    assert isinstance(message, Update | Step2)
    replica = Replica()
    replica.apply(message.update)
    return str(SharedText(replica.doc))


def update_of(text: str) -> bytes:
    doc = Doc()
    root = doc.get("text", type=Text)
    root += text
    return doc.get_update()


# -- joining ----------------------------------------------------------------------------------


def test_a_new_room_is_closed_and_says_nothing(play: Play) -> None:
    play.hear(Granted("read-write"), Step1(NOTHING), Step2(update_of("x")), Ack(9, Level.DISK))
    play.room.check()
    assert (play.room.phase, play.said(), str(play.text)) == (Phase.CLOSED, [], "")


def test_joining_in_order(play: Play) -> None:
    play.room.opened("token")
    assert play.room.phase is Phase.JOINING
    assert play.said() == [Token("token", "studio-tui", '{"name": "ana"}')]
    play.hear(Granted("read-write"))
    assert play.room.phase is Phase.SYNCING
    assert play.said() == [Step1(NOTHING)]
    play.hear(Step2(update_of("hello")))
    assert (play.room.phase, str(play.text)) == (Phase.LIVE, "hello")
    play.hear(Step1(NOTHING))
    assert [content(message) for message in play.said()] == ["hello"]


def test_a_refused_token_is_told_and_tried_again_with_the_next_link(play: Play) -> None:
    play.room.opened("token")
    play.hear(Denied("no\x1b such\nroom"))
    assert play.room.phase is Phase.REFUSED
    assert isinstance(play.room.problem, Refused)
    assert "no such" in play.room.problem.message
    assert play.room.problem.message.isprintable()
    play.room.lost()
    assert play.room.phase is Phase.REFUSED
    play.room.opened("another")
    play.hear(Granted("read-write"), Step2(EMPTY))
    assert (play.room.phase, play.room.problem) == (Phase.LIVE, None)


def test_being_put_out_is_told(live: Play) -> None:
    live.hear(CloseRoom("moved"))
    live.type("x")
    assert live.room.phase is Phase.REFUSED
    assert live.said() == []
    assert live.room.unsaved == 1


def test_what_is_left_of_an_earlier_stay_is_not_taken_for_this_ones(play: Play) -> None:
    play.type("mine")
    play.room.opened("token")
    play.hear(
        Step1(NOTHING), Ack(99, Level.DISK), Step2(EMPTY), Update(update_of("x")), CloseRoom("x"),
        Awareness((Entry(1, 1, "{}"),)),
    )  # fmt: skip
    assert play.room.phase is Phase.JOINING
    assert play.room.unsaved == 1
    assert play.room.presence == {}
    assert len(play.said()) == 1


def test_messages_that_a_room_has_no_use_for_are_ignored(live: Play) -> None:
    live.hear(
        wire.Stateless("x"), wire.SyncStatus(True), wire.Token("x"), wire.QueryAwareness(),
        Granted("readonly"), Denied("x"), Stream("s", 1, b""), Call(1, "m", b"", False),
    )  # fmt: skip
    assert (live.room.phase, live.room.writable, live.said()) == (Phase.LIVE, True, [])


# -- edits ------------------------------------------------------------------------------------


def test_an_edit_goes_out_and_is_saved_once_it_is_on_disk(live: Play) -> None:
    live.type("a")
    assert [content(message) for message in live.said()] == ["a"]
    assert (live.room.unsaved, live.room.undelivered) == (1, 1)
    live.hear(Ack(2, Level.DISK))
    assert (live.room.unsaved, live.room.undelivered) == (0, 0)


def test_one_ack_may_cover_many_and_none_covers_too_much(live: Play) -> None:
    for letter in "abcd":
        live.type(letter)
    live.hear(Ack(3, Level.DISK))
    assert live.room.unsaved == 2
    live.hear(Ack(3, Level.CLUSTER), Ack(0, Level.DISK))
    assert live.room.unsaved == 2
    live.hear(Ack(1 << 30, Level.CLUSTER))
    assert live.room.unsaved == 0


def test_in_memory_is_delivered_but_not_saved(live: Play) -> None:
    live.type("a")
    live.type("b")
    live.hear(Ack(2, Level.MEMORY))
    assert (live.room.unsaved, live.room.undelivered, live.room.store_failed) == (2, 1, True)
    live.hear(Ack(3, Level.MEMORY))
    assert (live.room.unsaved, live.room.undelivered) == (2, 0)
    live.hear(Ack(3, Level.DISK))
    assert (live.room.unsaved, live.room.store_failed) == (0, False)


def test_what_was_held_in_memory_is_saved_once_all_of_it_is_written(live: Play) -> None:
    for number in (2, 3):
        live.type("a")
        live.hear(Ack(number, Level.MEMORY))
    live.hear(Ack(2, Level.DISK))
    assert live.room.store_failed
    live.hear(Ack(3, Level.DISK))
    assert live.room.unsaved == 0


def test_what_was_held_in_memory_is_unsent_when_the_link_is_lost(live: Play) -> None:
    live.type("a")
    live.type("b")
    live.hear(Ack(2, Level.MEMORY))
    live.room.lost()
    assert (live.room.unsaved, live.room.undelivered, live.room.store_failed) == (2, 2, False)


def test_an_ack_from_the_future_does_not_hold_back_a_later_one(live: Play) -> None:
    live.type("a")
    live.hear(Ack(1 << 30, Level.MEMORY), Ack(2, Level.DISK))
    assert live.room.unsaved == 0


def test_a_join_with_nothing_to_save_does_not_look_like_a_failing_store(play: Play) -> None:
    play.room.opened("token")
    play.hear(Granted("read-write"), Step2(EMPTY), Step1(NOTHING), Ack(1, Level.MEMORY))
    assert (play.room.unsaved, play.room.store_failed) == (0, False)


def test_a_room_that_is_never_stored_keeps_no_list_of_its_edits(live: Play) -> None:
    for number in range(2, 500):
        live.type("x")
        live.hear(Ack(number, Level.MEMORY))
    assert live.room.unsaved == 498
    assert len(live.room._tail) == 0


def test_edits_made_offline_travel_in_one_piece_and_are_counted(play: Play) -> None:
    for letter in "abc":
        play.type(letter)
    assert play.said() == []
    assert play.room.unsaved == 3
    play.room.opened("token")
    play.hear(Granted("read-write"), Step2(EMPTY))
    play.said()
    play.hear(Step1(NOTHING))
    assert [content(message) for message in play.said()] == ["abc"]
    play.hear(Ack(1, Level.DISK))
    assert play.room.unsaved == 0


def test_an_edit_waits_until_the_relay_has_what_it_builds_on(play: Play) -> None:
    play.type("a")
    play.room.opened("token")
    play.hear(Granted("read-write"))
    play.said()
    play.type("b")
    play.hear(Step2(EMPTY))
    play.type("c")
    assert play.said() == []
    play.hear(Step1(NOTHING))
    play.type("d")
    step2, update = play.said()
    assert content(step2) == "abc"
    assert isinstance(update, Update)
    assert play.room.unsaved == 4
    play.hear(Ack(1, Level.DISK))
    assert play.room.unsaved == 1


def test_what_was_not_confirmed_is_unsaved_after_the_link_is_lost(live: Play) -> None:
    live.type("a")
    live.type("b")
    live.hear(Ack(2, Level.DISK))
    live.room.lost()
    assert (live.room.phase, live.room.unsaved) == (Phase.CLOSED, 1)
    live.type("c")
    live.said()
    live.room.opened("token")
    live.hear(Granted("read-write"), Step2(EMPTY), Step1(NOTHING))
    assert content(live.said()[-1]) == "abc"
    live.hear(Ack(1, Level.DISK))
    assert live.room.unsaved == 0


def test_acks_of_the_lost_link_count_no_more(live: Play) -> None:
    live.type("a")
    live.room.lost()
    live.room.opened("token")
    live.hear(Ack(2, Level.DISK), Granted("read-write"), Step2(EMPTY))
    assert live.room.unsaved == 1


def test_deletions_are_sent_again_too(live: Play) -> None:
    live.type("hello")
    live.hear(Ack(2, Level.DISK))
    relay = Replica()
    relay.apply(live.room.replica.missing_from(NOTHING))
    live.room.lost()
    live.text.delete(1, 5)
    live.room.opened("token")
    live.hear(Granted("read-write"), Step2(EMPTY), Step1(relay.state_vector()))
    step2 = live.said()[-1]
    assert isinstance(step2, Step2)
    relay.apply(step2.update)
    assert str(SharedText(relay.doc)) == "h"


def test_remote_edits_are_not_ours_to_save(live: Play) -> None:
    live.hear(Update(update_of("theirs")))
    assert (str(live.text), live.room.unsaved, live.said()) == ("theirs", 0, [])


def test_every_edit_is_told(live: Play) -> None:
    told: list[int] = []
    live.room.on_edit = lambda: told.append(live.room.unsaved)
    live.type("a")
    live.room.lost()
    live.type("b")
    assert told == [1, 2]


def test_a_check_compares_both_ways(live: Play) -> None:
    live.type("a")
    live.hear(Ack(2, Level.DISK))
    live.said()
    live.room.check()
    assert live.said() == [Step1(live.room.replica.state_vector())]
    live.hear(Step2(EMPTY), Step1(live.room.replica.state_vector()))
    (answer,) = live.said()
    assert isinstance(answer, Step2)
    live.hear(Ack(3, Level.DISK))
    assert (live.room.phase, live.room.unsaved) == (Phase.LIVE, 0)


# -- reading only -----------------------------------------------------------------------------


def test_a_reader_sends_no_document_and_has_nothing_unsaved(play: Play) -> None:
    play.type("x")
    join(play, "readonly")
    play.said()
    play.hear(Step1(NOTHING))
    play.type("y")
    assert play.said() == []
    assert (play.room.writable, play.room.unsaved, play.room.undelivered) == (False, 0, 0)


def test_a_reader_who_becomes_a_writer_sends_everything(play: Play) -> None:
    join(play, "readonly")
    play.type("x")
    play.room.lost()
    play.room.opened("better token")
    play.hear(Granted("read-write"), Step2(EMPTY), Step1(NOTHING))
    assert content(play.said()[-1]) == "x"
    assert play.room.unsaved == 1


# -- too much at once -------------------------------------------------------------------------


def test_more_than_a_message_holds_is_held_back_and_told(live: Play) -> None:
    live.type("x" * LARGEST_UPDATE)
    assert live.said() == []
    assert live.room.unsaved == 1
    assert live.room.phase is Phase.LIVE
    assert live.room.problem is not None
    assert live.room.problem.hint
    live.type("y")
    live.hear(Step1(NOTHING))
    assert live.said() == []
    assert live.room.unsaved == 2


def test_once_it_is_undone_the_next_check_heals(live: Play) -> None:
    live.type("keep")
    live.type("x" * LARGEST_UPDATE)
    live.said()
    live.text.delete(4, 4 + LARGEST_UPDATE)
    live.room.check()
    live.hear(Step2(EMPTY), Step1(NOTHING))
    assert content(live.said()[-1]) == "keep"
    assert live.room.problem is None
    live.hear(Ack(3, Level.DISK))
    assert live.room.unsaved == 0


def test_the_largest_update_fits_into_the_largest_message() -> None:
    room = "r" * wire.CAPS.room
    for message in (Update(b"x" * LARGEST_UPDATE), Step2(b"x" * LARGEST_UPDATE)):
        assert len(wire.encode(room, message)) <= wire.CAPS.message


# -- what nobody should send ------------------------------------------------------------------


@pytest.mark.parametrize("bad", [NO_UPDATE, b"", b"\xff" * 30])
def test_a_bad_update_is_left_out_and_the_relay_is_asked(live: Play, bad: bytes) -> None:
    live.hear(Update(bad))
    assert live.room.phase is Phase.LIVE
    assert live.said() == [Step1(live.room.replica.state_vector())]
    live.hear(Update(update_of("fine")))
    assert str(live.text) == "fine"


def test_an_update_that_contradicts_the_document_is_left_out(live: Play) -> None:
    doc = Doc(client_id=5)
    doc.get("list", type=Array).append("s")
    live.hear(Update(doc.get_update()), Update(IN_A_STRING))
    assert live.room.phase is Phase.LIVE
    live.type("still here")
    assert content(live.said()[-1]) == "still here"


@pytest.mark.parametrize("message", [Step2(NO_UPDATE), Step1(b""), Step1(b"\xff" * 30)])
def test_a_relay_that_cannot_say_what_it_has_ends_the_room(live: Play, message: Message) -> None:
    live.type("mine")
    live.said()
    live.hear(Awareness((Entry(1, 1, "{}"),)), message)
    assert live.room.phase is Phase.BROKEN
    assert live.said() == [CloseRoom("its document is broken here")]
    assert isinstance(live.room.problem, StudioError)
    assert live.room.presence == {}
    assert live.room.unsaved == 1


def test_a_broken_room_stays_broken(live: Play) -> None:
    live.hear(Step2(NO_UPDATE))
    live.room.lost()
    live.said()
    live.room.opened("token")
    live.hear(Granted("read-write"), Step2(update_of("x")))
    live.room.check()
    assert (live.room.phase, live.said(), str(live.text)) == (Phase.BROKEN, [], "")
    live.room.closed()
    assert live.said() == []


# -- another history --------------------------------------------------------------------------


def asks(history: str) -> Token:
    return Token("token", "studio-tui", f'{{"name": "ana", "history": "{history}"}}')


def known(play: Play, history: str = "one") -> None:
    """A live room whose history is known, with the link lost again."""
    join(play)
    play.hear(History(history))
    play.type("mine")
    play.room.lost()
    play.said()


def denied(play: Play, history: str = "two") -> None:
    """The relay has another history, and lets the room in to see what it has."""
    play.room.opened("token")
    assert play.said() == [asks("one")]
    play.hear(History(history), Denied("another history"))
    assert play.said() == [asks(history)]
    play.hear(Granted("read-write"), History(history))
    assert play.said() == [Step1(NOTHING)]
    assert play.room.joined


def test_the_history_is_told_at_each_return(play: Play) -> None:
    known(play)
    play.room.opened("token")
    assert play.said() == [asks("one")]
    play.hear(Granted("read-write"), History("two"))
    play.room.lost()
    play.said()
    play.room.opened("token")
    assert play.said() == [asks("two")]


def test_another_history_gets_nothing_of_this_copy_and_gives_it_nothing(play: Play) -> None:
    known(play)
    denied(play)
    play.hear(Step1(NOTHING), Step2(update_of("theirs")), Update(update_of("more")), Step1(NOTHING))
    play.type("!")
    assert play.said() == []
    assert str(play.text) == "mine!"
    assert play.room.phase is Phase.SYNCING
    assert play.room.unsaved == 2
    assert play.room.problem is not None
    assert "no edit is sent" in play.room.problem.message
    play.room.check()
    assert [type(message) for message in play.said()] == [Step1]
    play.room.lost()
    play.room.opened("token")
    assert play.said() == [asks("one")]
    play.hear(Granted("read-write"), History("one"), Step2(EMPTY), Step1(NOTHING))
    assert play.room.problem is None
    assert [content(message) for message in play.said()[1:]] == ["mine!"]


def test_the_same_document_under_another_id_is_gone_on_with(play: Play) -> None:
    known(play)
    restored = play.room.replica.missing_from(NOTHING)
    play.type("!")
    denied(play)
    play.hear(Step1(NOTHING), Step2(EMPTY))
    assert play.room.set_aside
    play.hear(Update(restored))
    assert (play.room.phase, play.room.problem) == (Phase.LIVE, None)
    (message,) = play.said()
    assert isinstance(message, Step2)
    there = Replica()
    there.apply(restored)
    there.apply(message.update)
    assert str(SharedText(there.doc)) == "mine!"
    play.hear(Ack(1, Level.DISK))
    assert play.room.unsaved == 0
    play.room.lost()
    play.room.opened("token")
    assert play.said() == [asks("two")]


def test_a_copy_without_content_goes_with_any_history(play: Play) -> None:
    join(play)
    play.hear(History("one"))
    play.room.lost()
    play.said()
    denied(play)
    play.hear(Step2(update_of("theirs")))
    assert (play.room.phase, str(play.text)) == (Phase.LIVE, "theirs")


def test_a_history_that_changes_once_more_is_followed(play: Play) -> None:
    known(play)
    denied(play)
    play.room.lost()
    denied(play, "three")
    assert play.room.set_aside


def test_bad_updates_of_another_history(play: Play) -> None:
    known(play)
    denied(play)
    play.hear(Update(NO_UPDATE))
    assert play.said() == [Step1(NOTHING)]
    play.hear(Step2(NO_UPDATE))
    assert play.room.phase is Phase.BROKEN
    assert str(play.text) == "mine"


def test_a_reader_follows_any_history_until_it_may_write(play: Play) -> None:
    join(play, "readonly")
    play.hear(History("one"), Update(update_of("old ")))
    play.room.lost()
    play.said()
    play.room.opened("token")
    play.hear(History("two"), Denied("another history"), Granted("readonly"), History("two"))
    assert play.said() == [asks("one"), asks("two"), Step1(play.room.replica.state_vector())]
    play.hear(Step2(update_of("new ")), Step1(NOTHING))
    assert (play.room.phase, play.said()) == (Phase.LIVE, [])
    play.room.lost()
    play.room.opened("token")
    play.said()
    play.hear(Granted("read-write"))
    assert play.room.phase is Phase.BROKEN
    assert play.said() == [CloseRoom("its document is broken here")]


def test_the_host_says_no_history_and_so_restores_its_copy() -> None:
    play = Play(restores=True)
    known(play)
    play.room.opened("token")
    assert play.said() == [Token("token", "studio-tui", '{"name": "ana"}')]
    play.hear(Granted("read-write"), History("two"), Step2(EMPTY), Step1(NOTHING))
    assert [content(message) for message in play.said()[1:]] == ["mine"]


# -- presence ---------------------------------------------------------------------------------


def seen(client: int, clock: int, state: str) -> Awareness:
    return Awareness((Entry(client, clock, state),))


def test_people_appear_change_and_disappear(live: Play) -> None:
    told: list[dict[int, dict[str, Any]]] = []
    live.room.on_presence = lambda: told.append(dict(live.room.presence))
    live.hear(seen(1, 1, '{"a": 1}'), seen(2, 1, '{"b": 1}'), seen(1, 2, '{"a": 2}'))
    live.hear(seen(1, 3, "null"), seen(7, 1, "null"))
    assert told[2] == {1: {"a": 2}, 2: {"b": 1}}
    assert told[-1] == {2: {"b": 1}}
    live.room.lost()
    assert told[-1] == {}


@pytest.mark.parametrize("state", ["5", "[]", "{", "[" * 5000, ""])
def test_presence_that_is_none_is_nobody(live: Play, state: str) -> None:
    live.hear(seen(1, 1, "{}"), seen(1, 2, state))
    assert live.room.presence == {}


def test_what_is_shown_is_shown_again_after_a_reconnect(play: Play) -> None:
    play.room.show({"gaze": {"path": "é.py"}})
    assert play.said() == []
    join(play)
    play.room.show({"gaze": {}})
    play.room.lost()
    join(play)
    shown = [entry for m in play.said() if isinstance(m, Awareness) for entry in m.entries]
    assert [json.loads(entry.state) for entry in shown] == [
        {"gaze": {"path": "é.py"}},
        {"gaze": {}},
        {"gaze": {}},
    ]
    assert [entry.clock for entry in shown] == [1, 2, 3]
    assert {entry.client_id for entry in shown} == {play.room.replica.client_id}


def test_the_own_clock_stays_ahead_of_what_the_relay_knows(live: Play) -> None:
    live.hear(seen(live.room.replica.client_id, 41, "{}"))
    live.room.show({})
    assert live.said() == [seen(live.room.replica.client_id, 42, "{}")]


def test_presence_larger_than_a_relay_takes_is_refused(live: Play) -> None:
    live.room.show({"x": "é" * 2000})
    with pytest.raises(ValueError, match="4096"):
        live.room.show({"x": "é" * 2050})


# -- streams, calls, leaving ------------------------------------------------------------------


def test_streams_and_calls_go_to_who_listens(live: Play) -> None:
    stream, call = Stream("log", 1, b"x"), Call(1, "files.list", b"{}", False)
    heard: list[Message] = []
    live.room.on_stream, live.room.on_call = heard.append, heard.append
    live.hear(stream, call)
    assert heard == [stream, call]


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_who_has_asked_to_be_let_in_says_goodbye(play: Play, stage: int) -> None:
    steps: list[Callable[[], None]] = [
        lambda: play.room.opened("token"),
        lambda: play.hear(Granted("read-write")),
        lambda: play.hear(Step2(EMPTY)),
    ]
    for step in steps[: stage + 1]:
        step()
    play.said()
    play.room.closed()
    play.room.closed()
    assert play.said() == [CloseRoom("left")]


def test_after_leaving_nothing_is_told(live: Play) -> None:
    told: list[int] = []
    live.room.on_presence = live.room.on_edit = lambda: told.append(1)
    live.room.closed()
    live.said()
    live.hear(seen(1, 1, "{}"))
    live.type("x")
    live.room.lost()
    assert (told, live.said(), live.room.phase) == ([], [], Phase.CLOSED)


def test_a_room_that_was_left_is_not_kept_in_memory() -> None:
    play = Play()
    join(play)
    play.type("x")
    play.room.closed()
    room, replica = weakref.ref(play.room), weakref.ref(play.room.replica)
    del play
    gc.collect()
    assert (room(), replica()) == (None, None)


# -- any order --------------------------------------------------------------------------------


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whichever order, what counts as saved is on the relay's disk.

    The relay here has what it was sent in memory, and now and then writes all of it to its disk
    and confirms it. It may restart, with its disk alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.play = Play()
        self.relay = Replica()
        self.updates = 0  # of this stay
        self.disk = Replica()
        self.up = False

    def take(self) -> None:
        for message in self.play.said():
            if isinstance(message, Update | Step2):
                assert self.up
                self.updates += 1
                self.relay.apply(message.update)

    @rule(text=st.sampled_from(["a", "é", "😀"]))
    def type(self, text: str) -> None:
        self.play.type(text)
        self.take()

    @rule()
    def delete(self) -> None:
        if len(self.play.text):
            self.play.text.delete(0, 1)
            self.take()

    @rule()
    def connect(self) -> None:
        if not self.up:
            self.up, self.updates = True, 0
            self.play.room.opened("token")
            self.play.hear(Granted("read-write"))
            self.take()

    @rule()
    def synchronise(self) -> None:
        if self.up:
            missing = self.relay.missing_from(self.play.room.replica.state_vector())
            self.play.hear(Step2(missing), Step1(self.relay.state_vector()))
            self.take()

    @rule()
    def confirm(self) -> None:
        if self.up and self.updates:
            self.disk.apply(self.relay.missing_from(NOTHING))
            self.play.hear(Ack(self.updates, Level.DISK))

    @rule()
    def lose(self) -> None:
        if self.up:
            self.up = False
            self.play.room.lost()

    @rule()
    def restart_the_relay(self) -> None:
        if not self.up:
            self.relay = Replica()
            self.relay.apply(self.disk.missing_from(NOTHING))

    @invariant()
    def saved_is_on_disk(self) -> None:
        if self.play.room.unsaved == 0:
            assert str(SharedText(self.disk.doc)) == str(self.play.text)


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase
