"""An attached studio: who is here, what is in it, and what happens when something goes away."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.client import start
from studio_tui.client.studio import Studio
from studio_tui.document.entries import FileEntry
from studio_tui.document.presence import Gaze
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.meters.sample import Sample
from studio_tui.sync.link import Endpoint

if TYPE_CHECKING:
    from .conftest import Hosted, Soon, Stage

LETTERS = "abc é ß 漢字 🎉 👩‍🔬 \n \t \u2028 \x0c e\u0301 𝔘"
EDITS = 1000


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


async def test_meters_that_are_none_are_passed_over(stage: Stage, soon: Soon) -> None:
    studio = await stage.attach()
    for data in (b"", b"[1]", b"\xff", b'{"machine": "m", "time": 2}'):
        stage.host.session.stream(studio.id, "meters", 1, data)
    await soon(studio, lambda: bool(studio.meters))
    assert list(studio.meters) == ["m"]


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


# -- files ------------------------------------------------------------------------------------


async def test_files_of_a_real_studio(hosted: Hosted) -> None:
    folder = hosted.folder / "files"
    folder.mkdir()
    (folder / "a.txt").write_bytes("é\r\n".encode())
    (folder / "data.bin").write_bytes(bytes(range(256)) * 2500)
    (folder / "sub").mkdir()
    async with hosted.attach() as studio:
        listing = await studio.folder("files")
        assert [(e.name, e.kind) for e in listing.entries] == [
            ("a.txt", "file"), ("data.bin", "file"), ("sub", "dir"),
        ]  # fmt: skip
        assert await studio.read("files/data.bin") == bytes(range(256)) * 2500
        with pytest.raises(StudioError, match="cannot be edited: a binary file"):
            await studio.file("files/data.bin")
        with pytest.raises(NotFound):
            await studio.file("files/none.txt")
        for path in ("../x", "/etc/passwd", "files/../../x"):
            with pytest.raises(Refused, match="outside"):
                await studio.file(path)

        assert not studio.is_open("files/a.txt")
        text = await studio.file("./files//a.txt")
        assert (text.path, str(text)) == ("files/a.txt", "é\n")
        assert studio.is_open("files/sub/../a.txt")
        assert await studio.file("files/a.txt") is text
        await text.insert(1, "è")
        await text.flush()
        assert (folder / "a.txt").read_bytes() == "éè\r\n".encode()


async def test_an_open_file_can_be_edited_while_the_host_is_away(stage: Stage, soon: Soon) -> None:
    await stage.host.opens("train.py", "text")
    studio = await stage.attach()
    await stage.lose_host()
    await soon(studio, lambda: not studio.host_here)
    text = await studio.file("./train.py")
    await text.insert(0, "more ")
    await text.saved()
    assert str(text) == "more text"
    with pytest.raises(NotFound, match="away"):
        await studio.file("other.py")


@pytest.mark.parametrize("room", ["bold-lynx/file/f1@1", "calm-otter/term/t1", "calm-otter", ""])
async def test_a_host_cannot_lead_into_another_room(stage: Stage, room: str) -> None:
    studio = await stage.attach()
    stage.host.document.files.put(FileEntry("f1", "train.py", room))
    stage.host.answers["files.open"] = lambda _: {
        "file": "f1", "room": room, "readonly": False, "reason": "",
    }  # fmt: skip
    with pytest.raises(Refused, match="outside of this studio"):
        await studio.file("train.py")


@pytest.mark.parametrize(
    "answer",
    [{}, {"readonly": 1}, {"readonly": True}, {"readonly": False, "file": 3, "room": "x"}],
)
async def test_an_answer_that_makes_no_sense_is_an_error(
    stage: Stage, answer: dict[str, Any]
) -> None:
    studio = await stage.attach()
    stage.host.answers["files.open"] = lambda _: answer
    with pytest.raises(StudioError, match=r"files\.open makes no sense"):
        await studio.file("train.py")


async def test_a_file_that_the_host_opens_but_does_not_list(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.client.studio.LISTED_SECONDS", 0.05)
    studio = await stage.attach()
    stage.host.answers["files.open"] = lambda _: {
        "file": "f1", "room": "calm-otter/file/f1@1", "readonly": False, "reason": "",
    }  # fmt: skip
    with pytest.raises(NotFound, match=r"no file train\.py"):
        await studio.file("train.py")


async def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(stage: Stage) -> None:
    studio = await stage.attach()
    pieces = iter([("YWI=", 4), ("Y2Q=", 6), ("", 6)])

    def answer(_: Any) -> dict[str, Any]:
        data, size = next(pieces)
        return {"data": data, "size": size, "binary": False}

    stage.host.answers["files.read"] = answer
    assert await studio.read("growing") == b"abcd"


# -- jobs -------------------------------------------------------------------------------------


async def test_a_machine_that_the_studio_does_not_have(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        with pytest.raises(NotFound, match="no machine 'gpu-box'"):
            await studio.run("train.py", machine="gpu-box")
        assert len(studio.document.jobs) == 0


async def test_the_newest_job_of_a_name(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        for _ in range(2):
            await (await studio.run(command=["true"], name="same")).wait()
        jobs = sorted(studio.document.jobs.values(), key=lambda job: job.started or 0)
        assert (await studio.job("same")).id in {jobs[-1].id, jobs[-2].id}
        with pytest.raises(NotFound, match="no job 'other'"):
            await studio.job("other")


async def test_bad_options_are_the_hosts_errors(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        with pytest.raises(NotFound, match=r"no none\.py"):
            await studio.run("none.py")
        with pytest.raises(StudioError, match="unknown precision 'float'"):
            await studio.run(command=["true"], precision="float")
        with pytest.raises(StudioError, match="no setting 'colour'"):
            await studio.run(command=["true"], colour="red")


# -- leaving ----------------------------------------------------------------------------------


async def test_what_is_typed_last_arrives_though_nobody_waits_for_it(stage: Stage) -> None:
    await stage.host.opens("train.py", "")
    async with stage.studio() as studio:
        await (await studio.file("train.py")).insert(0, "the last words")
    async with stage.studio() as studio:
        assert str(await studio.file("train.py")) == "the last words"


async def test_leaving_without_the_relay_says_what_is_lost(
    stage: Stage, soon: Soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.client.studio.DELIVERY_SECONDS", 0.05)
    await stage.host.opens("train.py", "")
    studio = await stage.studio().__aenter__()
    text = await studio.file("train.py")
    stage.relay._servers[0].close()
    for connection in list(stage.relay._connections):
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
    monkeypatch.setattr("studio_tui.client.studio.DELIVERY_SECONDS", 3600.0)
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


# -- the whole of it --------------------------------------------------------------------------


@pytest.mark.timeout(60)
async def test_two_people_and_a_thousand_edits_end_byte_for_byte_on_disk(
    hosted: Hosted, soon: Soon
) -> None:
    draw = random.Random(7)
    path = hosted.folder / "both.py"
    path.write_text("start\n")
    async with hosted.attach("ana") as ana, hosted.attach("bob") as bob:
        texts = [await ana.file("both.py"), await bob.file("both.py")]
        for number in range(EDITS):
            text = texts[number % 2]
            length = len(str(text))
            at = draw.randint(0, length)
            if draw.random() < 0.3:
                await text.delete(at, min(length, at + draw.randint(0, 5)))
            else:
                await text.insert(at, "".join(draw.choices(LETTERS, k=draw.randint(1, 6))))
            if number % 50 == 0:
                await asyncio.sleep(0)
        await asyncio.gather(*(text.saved() for text in texts))
        await soon(ana, lambda: str(texts[0]) == str(texts[1]))
        await texts[0].flush()
        await soon(ana, lambda: texts[0].mark == "✓")
        assert path.read_bytes() == str(texts[1]).encode()


@pytest.mark.timeout(60)
async def test_a_host_that_is_killed_is_missed_by_nothing(hosted: Hosted, soon: Soon) -> None:
    """Text typed meanwhile reaches the disk, a log goes on without a gap, the shell is there."""
    (hosted.folder / "edited.txt").write_text("")
    counting = "i=0; while [ $i -lt 150 ]; do i=$((i+1)); echo $i; sleep 0.01; done"
    async with hosted.attach("ana") as ana:
        text = await ana.file("edited.txt")
        term = await ana.terminal(command=["sh"])
        await term.type("kept=still; echo $kept here\n")
        await term.until("still here")
        job = await ana.run(command=["sh", "-c", counting])
        lines: list[str] = []

        async def follow() -> None:
            async for line in job.logs():
                lines.append(line)  # noqa: PERF401 - as they come

        following = asyncio.create_task(follow())
        await soon(ana, lambda: len(lines) > 20)
        os.kill(hosted.record.pid, signal.SIGKILL)
        await soon(ana, lambda: ana.state == "offline")
        await text.insert(0, "typed while the host was away\n")
        await asyncio.to_thread(start.ensure, hosted.folder)
        await soon(ana, lambda: ana.reachable)
        await text.flush()
        assert (hosted.folder / "edited.txt").read_text() == "typed while the host was away\n"
        await term.type("echo $kept alive\n")
        await term.until("still alive")
        assert await job.wait() == 0
        await following
        assert lines == [str(number) for number in range(1, 151)]
        await term.close()
