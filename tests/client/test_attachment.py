"""One connection to a studio: who is here, what is asked, and how one leaves."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from studio_tui.client.studio import Studio
from studio_tui.document.presence import Gaze
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.meters.sample import Sample
from studio_tui.sync.link import Endpoint

if TYPE_CHECKING:
    from .conftest import Soon, Stage


async def test_entering_tells_who_is_here(stage: Stage, soon: Soon) -> None:
    async with stage.studio("ana") as ana:
        assert ana.me is not None
        assert (ana.me.name, ana.me.role) == ("ana", "owner")
        assert (ana.state, ana.reason, ana.reachable, ana.writable) == ("live", "", True, True)
        assert ana.url == stage.relay.url
        async with stage.studio("bob", "viewer") as bob:
            assert [person.name for person in bob.people] == ["ana", "bob"]
            assert not bob.writable
            await soon(ana, lambda: [p.name for p in ana.people] == ["ana", "bob"])
        await soon(ana, lambda: [p.name for p in ana.people] == ["ana"])


async def test_entering_says_at_once_that_there_is_no_studio() -> None:
    async def nowhere() -> Endpoint:
        raise NotFound("studio calm-otter is not running", "start it again")

    with pytest.raises(NotFound, match="not running"):
        async with Studio("calm-otter", nowhere):
            pass
    assert len(asyncio.all_tasks()) == 1


async def test_a_token_that_does_not_fit_is_refused(stage: Stage) -> None:
    with pytest.raises(Refused, match="not good for this room"):
        async with Studio("other-id", stage.locator("owner")):
            pass
    assert len([t for t in asyncio.all_tasks() if "relay session" in t.get_name()]) == 1


async def test_what_a_person_looks_at_is_seen_by_the_others(stage: Stage, soon: Soon) -> None:
    ana, bob = await stage.attach("ana"), await stage.attach("bob")
    for line in range(1, 50):
        bob.look(Gaze("train.py", line))
    await soon(ana, lambda: [p.gaze.line for p in ana.people] == [0, 49])
    assert ana.people[1].gaze.path == "train.py"


async def test_a_place_that_is_too_long_to_show_is_not_shown(stage: Stage, soon: Soon) -> None:
    ana, bob = await stage.attach("ana"), await stage.attach("bob")
    bob.look(Gaze("x" * 10_000, 1))
    async with asyncio.timeout(5):
        while bob._gaze_timer is not None:
            await asyncio.sleep(0.01)
    bob.look(Gaze("train.py", 2))
    await soon(ana, lambda: ana.people[1].gaze == Gaze("train.py", 2))


async def test_observers_hear_of_each_kind_of_change_until_they_stop(
    stage: Stage, soon: Soon
) -> None:
    studio = await stage.attach()
    await stage.host.opens("train.py", "text")
    heard: list[str] = []
    stop = studio.observe(heard.append)
    await (await studio.file("train.py")).insert(0, "x")
    sample = Sample("local", 1.0, cpu=0.5)
    stage.host.session.stream(studio.id, "meters", 1, sample.to_json().encode())
    await stage.lose_host()
    await soon(studio, lambda: not studio.host_here and not studio.unsaved)
    assert {"document", "saved", "meters", "people"} <= set(heard)
    assert studio.meters["local"] == sample
    assert studio.series["local"].latest == sample
    stop()
    stop()
    heard.clear()
    await stage.open()
    await soon(studio, lambda: studio.host_here)
    assert heard == []


async def test_a_query_waits_for_nobody_and_an_ask_waits_for_the_host(
    stage: Stage, soon: Soon
) -> None:
    studio = await stage.attach()
    stage.host.answers["meters.latest"] = lambda _: {"local": {}}
    await stage.lose_host()
    await soon(studio, lambda: not studio.reachable)
    with pytest.raises(NotFound, match="away"):
        await studio.query("meters.latest")
    asking = asyncio.create_task(studio.ask("meters.latest"))
    await asyncio.sleep(0.02)
    assert not asking.done()
    await stage.open()
    async with asyncio.timeout(15):
        assert await asking == {"local": {}}


async def test_a_viewer_may_ask_but_not_command(stage: Stage) -> None:
    studio = await stage.attach("eve", "viewer")
    stage.host.answers["meters.latest"] = lambda _: {}
    assert await studio.query("meters.latest") == {}
    with pytest.raises(Refused, match="viewer"):
        await studio.command("studio.stop")


async def test_what_is_typed_last_arrives_though_nobody_waits_for_it(stage: Stage) -> None:
    await stage.host.opens("train.py", "")
    async with stage.studio() as studio:
        await (await studio.file("train.py")).insert(0, "the last words")
    async with stage.studio() as studio:
        assert str(await studio.file("train.py")) == "the last words"


async def test_leaving_without_the_relay_says_what_is_lost(
    stage: Stage, soon: Soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.client.attachment.DELIVERY_SECONDS", 0.05)
    await stage.host.opens("train.py", "")
    studio = await stage.studio().__aenter__()
    text = await studio.file("train.py")
    stage.relay._ports.shut()
    for connection in stage.relay.crowd:
        connection.abort()
    await soon(studio, lambda: studio.state == "offline")
    await text.insert(0, "lost")
    await text.insert(0, "too")
    with pytest.raises(StudioError, match="2 of the last edits did not reach the relay"):
        await studio.__aexit__(None, None, None)
    assert studio.session.failure is not None


async def test_leaving_because_of_an_error_waits_for_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.client.attachment.DELIVERY_SECONDS", 3600.0)
    await stage.host.opens("train.py", "")
    studio = await stage.studio().__aenter__()
    text = await studio.file("train.py")
    monkeypatch.setattr(stage.relay, "_closing", True)  # it takes nothing more in
    await text.insert(0, "x")
    await studio.__aexit__(KeyError, KeyError("mine"), None)
    assert studio.session.failure is not None
    monkeypatch.undo()


async def test_nothing_is_left_behind(stage: Stage) -> None:
    await stage.host.opens("train.py", "text")
    stage.host.terminal("t1")
    stage.host.logs("j1", bytearray())
    tasks = len(asyncio.all_tasks())
    async with stage.studio() as studio:
        things = [
            await studio.file("train.py"),
            await studio.terminal("t1"),
            await studio.job("j1"),
        ]
        waiting = asyncio.create_task(studio.until(lambda: False))
        await asyncio.sleep(0)
        gone = [weakref.ref(thing) for thing in [studio, *things]]
    with pytest.raises(StudioError, match="over"):
        await waiting
    del studio, things, waiting
    gc.collect()
    assert [ref() for ref in gone] == [None] * 4
    assert len(asyncio.all_tasks()) == tasks


async def test_what_the_host_removes_is_left(stage: Stage, soon: Soon) -> None:
    stage.host.terminal("t1")
    stage.host.logs("j1", bytearray())
    studio = await stage.attach()
    await studio.terminal("t1")
    await studio.job("j1")
    stage.host.document.terminals.remove("t1")
    stage.host.document.jobs.remove("j1")
    await soon(studio, lambda: not studio.document.jobs)
    assert list(studio.session.rooms) == [studio.id]
