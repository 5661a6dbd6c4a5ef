"""An attached studio: what is in it, and what happens when something goes away."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.client import start
from studio_tui.document.entries import FileEntry
from studio_tui.errors import NotFound, Refused, StudioError

if TYPE_CHECKING:
    from .conftest import Hosted, Soon, Stage

LETTERS = "abc é ß 漢字 🎉 👩‍🔬 \n \t \u2028 \x0c e\u0301 𝔘"
EDITS = 1000


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
    monkeypatch.setattr("studio_tui.client.attachment.LISTED_SECONDS", 0.05)
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
