"""Sessions on real relays: rooms, calls, streams, presence, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from pycrdt import Array, Doc
from websockets.asyncio.server import ServerConnection, serve

from relay_server import wire
from studio_tui.document.text import SharedText
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.sync.link import Endpoint, LinkState, Timing
from studio_tui.sync.room import Phase, Room
from studio_tui.sync.session import Session, read_problem, read_reply

ROOM = "calm-otter"
IN_A_STRING = b"\1\1\x09\0" + b"\x04\0\5\0\2ab" + b"\0"
"""Sound by itself, but where item 0 of client 5 is a string it contradicts the document."""

Attach = Callable[..., Awaitable[Session]]
OpenLine = Callable[[int], Awaitable[Any]]


def text_of(room: Room) -> SharedText:
    return SharedText(room.replica.doc)


def names(room: Room) -> list[str]:
    return sorted(state["person"]["name"] for state in room.presence.values())


async def until(session: Session, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        await session.until(condition)


@pytest.fixture
async def host(relay: Any, attach: Attach) -> Session:
    """A host in the studio's room."""
    session = await attach(relay.url, relay.token("owner"), "host", "host")
    await session.join(ROOM)
    return session


@pytest.fixture
async def ana(relay: Any, attach: Attach) -> Session:
    """An editor in the studio's room."""
    session = await attach(relay.url, relay.token(), "ana")
    await session.join(ROOM)
    return session


# -- joining ----------------------------------------------------------------------------------


async def test_what_one_types_the_other_reads(ana: Session, relay: Any, attach: Attach) -> None:
    bob = await attach(relay.url, relay.token(), "bob")
    mine, theirs = text_of(ana.room(ROOM)), text_of(await bob.join(ROOM))
    mine.insert(0, "hé 😀")
    await until(bob, lambda: str(theirs) == "hé 😀")
    theirs.delete(1, 3)
    await until(ana, lambda: str(mine) == "h😀")
    assert ana.state is bob.state is LinkState.LIVE


async def test_who_joins_late_has_everything_at_once(
    ana: Session, relay: Any, attach: Attach
) -> None:
    text_of(ana.room(ROOM)).insert(0, "hello")
    bob = await attach(relay.url, relay.token())
    await until(ana, lambda: ana.room(ROOM).undelivered == 0)
    assert str(text_of(await bob.join(ROOM))) == "hello"


async def test_a_token_of_another_relay_is_refused_for_good(relay: Any, attach: Attach) -> None:
    session = await attach(relay.url, "no token at all")
    with pytest.raises(Refused, match="not valid here") as caught:
        await session.join(ROOM)
    assert caught.value.hint
    await until_failed(session)
    assert isinstance(session.failure, Refused)
    with pytest.raises(Refused):
        await session.call(ROOM, "files.list", {}, changes=False)
    with pytest.raises(Refused):
        await session.until(lambda: False)


async def until_failed(session: Session) -> None:
    with contextlib.suppress(StudioError):
        await until(session, lambda: session.failure is not None)


async def test_one_refused_room_leaves_the_others_alone(ana: Session) -> None:
    with pytest.raises(Refused, match="not good for this room"):
        await ana.join("brave-fox")
    with pytest.raises(Refused):
        await ana.join("brave-fox")
    with pytest.raises(Refused):
        await ana.call("brave-fox", "files.list", {}, changes=False)
    assert (await ana.join(f"{ROOM}/file/f@1")).phase is Phase.LIVE
    assert ana.failure is None


async def test_where_no_relay_is_the_reason_is_told(attach: Attach) -> None:
    session = await attach("ws://127.0.0.1:1", "token")
    with pytest.raises(NotFound, match="could not join calm-otter at ws://.*: connection refused"):
        await session.join(ROOM, timeout=0.2)
    with pytest.raises(NotFound, match="offline: connection refused"):
        await session.call(ROOM, "files.list", {}, changes=False)


async def test_a_room_may_be_asked_for_before_there_is_a_link(relay: Any, quick: Timing) -> None:
    async def locate() -> Endpoint:
        return Endpoint(relay.url, relay.token())

    session = Session(locate, timing=quick)
    room = session.room(ROOM)
    text_of(room).insert(0, "early")
    assert session.unsaved == 1
    async with session:
        assert await session.join(ROOM) is room
        await until(session, lambda: room.undelivered == 0)


async def test_a_reader_reads(host: Session, relay: Any, attach: Attach) -> None:
    text_of(host.room(ROOM)).insert(0, "hello")
    reader = await attach(relay.url, relay.token("viewer"))
    room = await reader.join(ROOM)
    await until(reader, lambda: str(text_of(room)) == "hello")
    text_of(room).insert(0, "not ")
    assert (room.writable, reader.unsaved) == (False, 0)


async def test_a_room_can_be_left_and_joined_again(ana: Session, relay: Any) -> None:
    first = await ana.join(f"{ROOM}/file/f@1")
    text_of(first).insert(0, "kept")
    await until(ana, lambda: first.undelivered == 0)
    ana.leave(f"{ROOM}/file/f@1")
    ana.leave(f"{ROOM}/file/f@1")
    second = await ana.join(f"{ROOM}/file/f@1")
    assert second is not first
    assert str(text_of(second)) == "kept"
    assert relay.relay.counters.closed.total() == 0


async def test_a_room_left_while_joining_is_left_at_the_relay_too(
    ana: Session, relay: Any, attach: Attach
) -> None:
    room = ana.room(f"{ROOM}/file/f@1")
    room.show({"gaze": {}})
    ana.leave(f"{ROOM}/file/f@1")
    bob = await attach(relay.url, relay.token(), "bob")
    theirs = await bob.join(f"{ROOM}/file/f@1")
    theirs.show({"gaze": {}})
    await until(bob, lambda: bool(theirs.presence))
    assert names(theirs) == ["bob"]


async def test_who_leaves_a_room_is_seen_no_more(ana: Session, relay: Any, attach: Attach) -> None:
    name = f"{ROOM}/file/f@1"
    bob = await attach(relay.url, relay.token(), "bob")
    room = await bob.join(name)
    (await ana.join(name)).show({"gaze": {}})
    await until(bob, lambda: names(room) == ["ana"])
    ana.leave(name)
    await until(bob, lambda: names(room) == [])


async def test_only_a_room_that_synchronised_makes_the_next_outage_small(attach: Attach) -> None:
    go_on = asyncio.Event()
    settled: list[Phase] = []

    async def play(socket: ServerConnection) -> None:
        await socket.send(wire.encode(ROOM, wire.Granted("read-write")))
        await go_on.wait()
        await socket.send(wire.encode(ROOM, wire.Step2(b"\0\0")))
        await socket.wait_closed()

    async with serve(play, "127.0.0.1", 0) as server:
        session = await attach(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", "t")
        room = session.room(ROOM)
        session.link.settled = lambda: settled.append(room.phase)  # type: ignore[method-assign]
        await until(session, lambda: room.phase is Phase.SYNCING)
        assert settled == []
        go_on.set()
        await session.join(ROOM)
        assert settled == [Phase.LIVE]


# -- presence ---------------------------------------------------------------------------------


async def test_people_appear_and_disappear(ana: Session, relay: Any, attach: Attach) -> None:
    room = ana.room(ROOM)
    room.show({"gaze": {"path": "a.py"}})
    await until(ana, lambda: names(room) == ["ana"])
    token = relay.token("viewer", "bob")
    async with contextlib.AsyncExitStack() as stack:
        bob = await stack.enter_async_context(session_at(relay.url, token, "not bob"))
        theirs = await bob.join(ROOM)
        theirs.show({"gaze": {}, "person": {"name": "eve", "role": "host", "connection": 1}})
        await until(ana, lambda: names(room) == ["ana", "bob"])
        await until(bob, lambda: names(theirs) == ["ana", "bob"])
        assert room.presence[theirs.replica.client_id]["person"]["role"] == "viewer"
    await until(ana, lambda: names(room) == ["ana"])


def session_at(url: str, token: str, name: str = "") -> Session:
    async def locate() -> Endpoint:
        return Endpoint(url, token)

    return Session(locate, name)


async def test_offline_nobody_is_here_and_back_everybody_is(
    relay: Any, attach: Attach, line: OpenLine
) -> None:
    broken = await line(relay.port)
    ana = await attach(broken.url, relay.token(), "ana")
    bob = await attach(relay.url, relay.token(), "bob")
    for session in (ana, bob):
        (await session.join(ROOM)).show({"gaze": {}})
    room = ana.room(ROOM)
    await until(ana, lambda: names(room) == ["ana", "bob"])
    await broken.cut()
    await until(ana, lambda: not room.presence)
    await until(ana, lambda: names(room) == ["ana", "bob"])
    await until(bob, lambda: names(bob.room(ROOM)) == ["ana", "bob"])


# -- calls ------------------------------------------------------------------------------------


def answering(host: Session, answer: Callable[[wire.Call], dict[str, Any] | StudioError]) -> None:
    room = host.room(ROOM)
    room.on_call = lambda call: host.reply(ROOM, call.call_id, answer(call))


async def test_a_call_is_answered(host: Session, ana: Session) -> None:
    heard: list[wire.Call] = []

    def answer(call: wire.Call) -> dict[str, Any]:
        heard.append(call)
        return {"path": "é", "n": len(heard)}

    answering(host, answer)
    calls = [ana.call(ROOM, "files.open", {"path": "é"}, changes=True) for _ in range(5)]
    assert [answer["n"] for answer in await asyncio.gather(*calls)] == [1, 2, 3, 4, 5]
    assert heard[0].params == b'{"path": "\\u00e9"}'
    assert heard[0].changes
    assert heard[0].sender is not None
    assert (heard[0].sender.name, heard[0].sender.role) == ("ana", "editor")


@pytest.mark.parametrize("kind", [StudioError, UsageFault, NotFound, Refused])
async def test_the_hosts_error_is_raised_as_what_it_is(
    host: Session, ana: Session, kind: type[StudioError]
) -> None:
    answering(host, lambda call: kind("it is so", "do this"))
    with pytest.raises(kind) as caught:
        await ana.call(ROOM, "files.save", {}, changes=True)
    assert (type(caught.value), caught.value.message, caught.value.hint) == (
        kind,
        "it is so",
        "do this",
    )


async def test_without_a_host_it_is_away(ana: Session) -> None:
    with pytest.raises(NotFound, match="host is away"):
        await ana.call(ROOM, "files.list", {}, changes=False)


async def test_a_viewers_command_is_refused(host: Session, relay: Any, attach: Attach) -> None:
    viewer = await attach(relay.url, relay.token("viewer"))
    await viewer.join(ROOM)
    with pytest.raises(Refused, match="viewer"):
        await viewer.call(ROOM, "files.save", {}, changes=True)


async def test_a_host_that_leaves_answers_no_more(relay: Any, ana: Session) -> None:
    async with session_at_as_host(relay) as host:
        called = asyncio.Event()
        (await host.join(ROOM)).on_call = lambda call: called.set()
        call = asyncio.create_task(ana.call(ROOM, "files.list", {}, changes=False))
        await called.wait()
    with pytest.raises(NotFound, match="host is away"):
        await call


@contextlib.asynccontextmanager
async def session_at_as_host(relay: Any) -> AsyncIterator[Session]:
    async def locate() -> Endpoint:
        return Endpoint(relay.url, relay.token("owner"))

    async with Session(locate, "host", "host") as session:
        yield session


async def test_a_host_that_is_silent_is_not_waited_for_without_end(
    host: Session, relay: Any, attach: Attach, quick: Timing
) -> None:
    called: list[wire.Call] = []
    host.room(ROOM).on_call = called.append
    ana = await attach(relay.url, relay.token(), timing=replace(quick, answer=0.05))
    await ana.join(ROOM)
    with pytest.raises(NotFound, match="did not answer files.list"):
        await ana.call(ROOM, "files.list", {}, changes=False)
    await until(host, lambda: bool(called))
    host.reply(ROOM, called[0].call_id, {"late": True})
    answering(host, lambda call: {"n": 2})
    assert await ana.call(ROOM, "files.list", {}, changes=False) == {"n": 2}


async def test_a_call_under_way_when_the_link_breaks_is_told(
    host: Session, relay: Any, attach: Attach, line: OpenLine
) -> None:
    broken = await line(relay.port)
    ana = await attach(broken.url, relay.token())
    await ana.join(ROOM)
    called = asyncio.Event()
    host.room(ROOM).on_call = lambda call: called.set()
    calls = [asyncio.create_task(ana.call(ROOM, "jobs.run", {}, changes=True)) for _ in range(3)]
    await called.wait()
    await broken.cut()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [NotFound] * 3
    assert "connection was lost" in str(results[0])


async def test_a_cancelled_call_leaves_nothing_behind(host: Session, ana: Session) -> None:
    called = asyncio.Event()
    host.room(ROOM).on_call = lambda call: called.set()
    call = asyncio.create_task(ana.call(ROOM, "files.list", {}, changes=False))
    await called.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert ana._calls == {}


async def test_an_answer_that_is_too_large_is_an_error_for_the_caller_alone(
    host: Session, ana: Session
) -> None:
    answering(host, lambda call: {"data": "x" * (1 << 20)})
    with pytest.raises(StudioError, match="more than the relay takes"):
        await ana.call(ROOM, "files.read", {}, changes=False)
    with pytest.raises(StudioError, match="more than the relay takes"):
        await ana.call(ROOM, "files.write", {"data": "x" * (1 << 20)}, changes=True)
    assert host.state is ana.state is LinkState.LIVE


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"5", b"[" * 100_000, b'"x"'])
@pytest.mark.parametrize("ok", [True, False])
def test_an_answer_that_is_no_object_is_an_error(body: bytes, ok: bool) -> None:
    with pytest.raises(StudioError, match=r"answer to files\.list cannot be read"):
        read_reply("files.list", wire.Reply(1, ok, body))


@pytest.mark.parametrize(
    ("problem", "kind", "message"),
    [
        ({"message": "m", "code": 3}, NotFound, "m"),
        ({"message": "m", "code": 4}, Refused, "m"),
        ({"message": "m", "code": "refused"}, Refused, "m"),
        ({"message": "m", "code": 2}, UsageFault, "m"),
        ({"message": "m", "code": 1}, StudioError, "m"),
        ({"message": "m", "code": "busy"}, StudioError, "m"),
        ({"message": "m", "code": ["x"]}, StudioError, "m"),
        ({"message": "m"}, StudioError, "m"),
        ({"message": "a\x1b[2Jb\nc"}, StudioError, "a[2Jbc"),
        ({"message": "x" * 5000}, StudioError, "x" * 1000),
    ],
)
def test_problems_are_read_with_care(problem: Any, kind: type, message: str) -> None:
    error = read_problem(problem)
    assert (type(error), error.message) == (kind, message)


def test_a_problem_without_words_has_some() -> None:
    assert read_problem({}).message
    assert read_problem({"message": None, "hint": [1]}).message == "None"


# -- streams ----------------------------------------------------------------------------------


async def test_a_hosts_stream_goes_to_everybody_in_order(
    host: Session, ana: Session, relay: Any, attach: Attach
) -> None:
    bob = await attach(relay.url, relay.token("viewer"))
    heard: dict[str, list[bytes]] = {"ana": [], "bob": []}
    ana.room(ROOM).on_stream = lambda message: heard["ana"].append(message.data)
    (await bob.join(ROOM)).on_stream = lambda message: heard["bob"].append(message.data)
    sent = [bytes([n]) * n for n in range(50)]
    for seq, data in enumerate(sent):
        host.stream(ROOM, "meters", seq, data)
    await until(ana, lambda: len(heard["ana"]) == 50)
    await until(bob, lambda: len(heard["bob"]) == 50)
    assert heard == {"ana": sent, "bob": sent}


async def test_anybody_elses_goes_to_the_host_with_the_senders_name(
    host: Session, ana: Session
) -> None:
    heard: list[wire.Stream] = []
    host.room(ROOM).on_stream = heard.append
    ana.stream(ROOM, "input", 7, b"x")
    await until(host, lambda: bool(heard))
    (message,) = heard
    assert (message.stream, message.seq, message.data) == ("input", 7, b"x")
    assert message.sender is not None
    assert message.sender.name == "ana"


async def test_a_frame_that_is_too_large_is_refused_here(ana: Session) -> None:
    with pytest.raises(StudioError, match="more than the relay takes"):
        ana.stream(ROOM, "input", 1, b"x" * (1 << 20))
    assert (await ana.join(f"{ROOM}/file/f@1")).phase is Phase.LIVE


# -- what is saved ----------------------------------------------------------------------------


async def test_a_relay_with_a_disk_confirms_each_edit(stored: Any, attach: Attach) -> None:
    ana = await attach(stored.url, stored.token())
    room = await ana.join(ROOM)
    text_of(room).insert(0, "hello")
    assert ana.unsaved == 1
    await until(ana, lambda: ana.unsaved == 0)
    text_of(room).delete(0, 5)
    assert ana.unsaved == 1
    await until(ana, lambda: ana.unsaved == 0)


async def test_a_relay_without_one_delivers_and_says_that_it_keeps_nothing(ana: Session) -> None:
    room = ana.room(ROOM)
    text_of(room).insert(0, "hello")
    await until(ana, lambda: room.undelivered == 0)
    assert (ana.unsaved, room.store_failed) == (1, True)


async def test_a_hosts_frames_reach_the_others_and_are_no_matter_of_saving(
    stored: Any, attach: Attach
) -> None:
    host = await attach(stored.url, stored.token("owner"), "host", "host")
    ana = await attach(stored.url, stored.token(), "ana")
    frames: Array[Any] = (await host.join(f"{ROOM}/term/t")).replica.doc.get("frames", type=Array)
    room = await ana.join(f"{ROOM}/term/t")
    for number in range(20):
        frames.append(bytes([number]))
    theirs: Array[Any] = room.replica.doc.get("frames", type=Array)
    await until(ana, lambda: len(theirs) == 20)
    assert (ana.unsaved, room.store_failed, room.writable) == (0, False, False)


# -- until ------------------------------------------------------------------------------------


@pytest.fixture
async def lonely(quick: Timing) -> AsyncIterator[Session]:
    """A session in which nothing happens by itself."""

    async def locate() -> Endpoint:
        await asyncio.Event().wait()
        raise AssertionError

    async with Session(locate, timing=quick) as session:
        yield session


async def test_every_waiter_is_woken_by_an_edit_made_here(lonely: Session) -> None:
    text = text_of(lonely.room(ROOM))
    waiters = [asyncio.create_task(lonely.until(lambda n=n: len(text) >= n)) for n in (1, 2, 3, 3)]
    await asyncio.sleep(0)
    for letter in "abc":
        text.insert(0, letter)
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await asyncio.gather(*waiters)


async def test_what_holds_already_is_not_waited_for(attach: Attach) -> None:
    session = await attach("ws://127.0.0.1:1", "token")
    await session.until(lambda: True)


async def test_many_frames_in_one_turn_wake_a_waiter_once(host: Session, ana: Session) -> None:
    looks: list[int] = []
    frames: list[wire.Stream] = []
    ana.room(ROOM).on_stream = frames.append
    for seq in range(500):
        host.stream(ROOM, "meters", seq, b"x")

    def enough() -> bool:
        looks.append(1)
        return len(frames) == 500

    await until(ana, enough)
    assert len(looks) < 250


async def test_a_condition_that_fails_fails_its_waiter_alone(ana: Session) -> None:
    text = text_of(ana.room(ROOM))

    def fails() -> bool:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await ana.until(fails)
    text.insert(0, "a")
    await until(ana, lambda: len(text) == 1)


# -- ends -------------------------------------------------------------------------------------


async def test_the_last_words_get_out(
    host: Session, relay: Any, line: OpenLine, quick: Timing
) -> None:
    """More than the line holds at once is queued when the session ends."""
    heard: list[int] = []
    host.room(ROOM).on_stream = lambda message: heard.append(message.seq)
    slow = await line(relay.port)

    async def locate() -> Endpoint:
        return Endpoint(slow.url, relay.token())

    async with Session(locate, timing=replace(quick, close=8.0)) as ana:
        await ana.join(ROOM)
        slow.silence()
        for seq in range(40):
            ana.stream(ROOM, "input", seq, b"x" * 400_000)
        asyncio.get_running_loop().call_later(0.1, slow.heal)
    await until(host, lambda: heard == list(range(40)))


async def test_the_end_does_not_wait_for_a_line_that_takes_nothing(
    relay: Any, line: OpenLine, quick: Timing
) -> None:
    broken = await line(relay.port)

    async def locate() -> Endpoint:
        return Endpoint(broken.url, relay.token())

    async with asyncio.timeout(10), Session(locate, timing=replace(quick, close=0.05)) as session:
        text = text_of(await session.join(ROOM))
        broken.silence()
        for _ in range(40):
            text.insert(0, "x" * 500_000)


@pytest.mark.parametrize("stage", ["connecting", "joining", "live", "offline"])
async def test_a_session_leaves_no_task_behind(
    relay: Any, line: OpenLine, quick: Timing, stage: str
) -> None:
    broken = await line(relay.port)
    before = asyncio.all_tasks()
    if stage == "connecting":
        broken.silence()

    async def locate() -> Endpoint:
        return Endpoint("ws://127.0.0.1:1" if stage == "offline" else broken.url, relay.token())

    async with Session(locate, timing=replace(quick, close=0.05)) as session:
        room = session.room(ROOM)
        if stage == "connecting":
            while not broken.accepted:
                await asyncio.sleep(0.01)
        elif stage == "joining":
            await until(session, lambda: room.phase is Phase.JOINING)
        elif stage == "live":
            await session.join(ROOM)
        else:
            await until(session, lambda: session.state is LinkState.OFFLINE)
    await broken.cut()
    left = asyncio.all_tasks() - before
    assert [task for task in left if "relay" in task.get_name()] == []


async def test_who_waits_on_a_session_that_never_was_live_is_told_of_its_end(
    quick: Timing,
) -> None:
    async def locate() -> Endpoint:
        await asyncio.Event().wait()
        raise AssertionError

    async with Session(locate, timing=quick) as session:
        waiter = asyncio.create_task(session.until(lambda: False))
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        with pytest.raises(StudioError, match="session is over"):
            await waiter


async def test_who_waits_on_a_session_that_ends_is_told(relay: Any, attach: Attach) -> None:
    session = session_at(relay.url, relay.token())
    async with session:
        await session.join(ROOM)
        waiter = asyncio.create_task(session.until(lambda: False))
        await asyncio.sleep(0)
    with pytest.raises(StudioError, match="session is over"):
        await waiter
    with pytest.raises(StudioError, match="session is over"):
        await session.join(f"{ROOM}/file/f@1")
    assert session.state is LinkState.OFFLINE


async def test_a_session_may_be_cancelled_while_it_ends(
    relay: Any, line: OpenLine, quick: Timing
) -> None:
    broken = await line(relay.port)

    async def locate() -> Endpoint:
        return Endpoint(broken.url, relay.token())

    joined = asyncio.Event()

    async def work() -> None:
        async with Session(locate, timing=replace(quick, close=1.0)) as session:
            text = text_of(await session.join(ROOM))
            broken.silence()
            for _ in range(40):
                text.insert(0, "x" * 500_000)
            joined.set()

    task = asyncio.create_task(work())
    await joined.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_after_the_end_nothing_is_told(relay: Any) -> None:
    told: list[str] = []
    async with session_at(relay.url, relay.token()) as session:
        room = await session.join(ROOM)
        room.show({})
        await until(session, lambda: bool(room.presence))
        session.on_change = lambda: told.append("change")
        room.on_presence = lambda: told.append("presence")
    assert told == []


async def test_an_error_in_a_callback_ends_the_session_for_all_to_see(
    host: Session, relay: Any
) -> None:
    def fails(_: object) -> None:
        raise KeyError("boom")

    seen: list[object] = []

    async def work() -> None:
        async with session_at(relay.url, relay.token()) as session:
            (await session.join(ROOM)).on_stream = fails
            host.stream(ROOM, "meters", 1, b"x")
            with contextlib.suppress(StudioError):
                await until(session, lambda: False)
            seen.extend([str(session.failure), session.state])

    with pytest.raises(ExceptionGroup) as caught:
        await work()
    assert caught.group_contains(KeyError)
    assert seen == ["the session broke: KeyError('boom')", LinkState.OFFLINE]


# -- hostile peers ----------------------------------------------------------------------------


async def test_a_relay_that_sends_garbage_ends_the_session(attach: Attach) -> None:
    async def play(socket: ServerConnection) -> None:
        await socket.send(b"\x05hello")
        await socket.wait_closed()

    async with serve(play, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        session = await attach(url, "token")
        with pytest.raises(StudioError, match="does not speak the relay's protocol"):
            await session.join(ROOM)


async def test_a_relay_whose_document_is_garbage_breaks_the_room_alone(attach: Attach) -> None:
    async def play(socket: ServerConnection) -> None:
        async for frame in socket:
            room, message = wire.decode(bytes(frame))
            if isinstance(message, wire.Token):
                await socket.send(wire.encode(room, wire.Granted("read-write")))
                update = b"\xff" if room == ROOM else b"\0\0"
                await socket.send(wire.encode(room, wire.Step2(update)))

    async with serve(play, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        session = await attach(url, "token")
        with pytest.raises(StudioError, match=f"{ROOM}: "):
            await session.join(ROOM)
        with pytest.raises(StudioError, match=f"{ROOM}: "):
            await session.call(ROOM, "files.list", {}, changes=False)
        assert (await session.join(f"{ROOM}/file/f@1")).phase is Phase.LIVE


@pytest.mark.parametrize("with_disk", [False, True])
async def test_an_editor_cannot_break_a_room_for_the_others(
    relay: Any, stored: Any, attach: Attach, with_disk: bool
) -> None:
    at = stored if with_disk else relay
    ana = await attach(at.url, at.token())
    bob = await attach(at.url, at.token())
    eve = await attach(at.url, at.token())
    mine, theirs = text_of(await ana.join(ROOM)), text_of(await bob.join(ROOM))
    await eve.join(ROOM)
    doc = Doc(client_id=5)
    doc.get("list", type=Array).append("s")
    for update in (doc.get_update(), IN_A_STRING):
        eve.link.send(ROOM, wire.Update(update))
    for number in range(20):
        mine.insert(0, str(number % 10))
        theirs.insert(0, "b")
    await until(ana, lambda: len(mine) == 40)
    await until(bob, lambda: len(theirs) == 40)
    await until(ana, lambda: str(mine) == str(theirs))
    carl = await attach(at.url, at.token())
    assert str(text_of(await carl.join(ROOM))) == str(mine)
