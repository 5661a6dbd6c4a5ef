"""A job: every byte of its log once whatever breaks, its end as an exit code, its curves."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.client.job import READ_SIZE, WAITING_CHUNKS, Job, read_curves
from studio_tui.errors import NotFound, StudioError

if TYPE_CHECKING:
    from .conftest import Hosted, Soon, Stage

SECONDS = 15.0


class Reading:
    """Somebody who follows a log from `offset` on."""

    def __init__(self, job: Job, offset: int = 0) -> None:
        self.seen = b""
        self.task = asyncio.create_task(self._read(job, offset))

    async def _read(self, job: Job, offset: int) -> None:
        async for data in job.chunks(offset):
            self.seen += data

    async def until(self, expected: bytes) -> None:
        async with asyncio.timeout(SECONDS):
            while self.seen != expected:
                await asyncio.sleep(0.001)

    async def end(self) -> bytes:
        async with asyncio.timeout(SECONDS):
            await self.task
        return self.seen


async def followed(stage: Stage, log: bytearray) -> Job:
    """A running job of the played host whose log is what `log` holds."""
    stage.host.logs("j1", log)
    return await (await stage.attach()).job("j1")


async def test_a_real_job_from_start_to_end(hosted: Hosted) -> None:
    (hosted.folder / "say.py").write_text("import sys\nfor n in range(3): print('line', n)\n")
    async with hosted.attach() as studio:
        job = await studio.run("say.py", name="talk", env={"X": "1"})
        assert job.entry.name == "talk"
        assert [line async for line in job.logs()] == ["line 0", "line 1", "line 2"]
        assert await job.wait() == 0
        assert (job.code, job.entry.state) == (0, "succeeded")
        assert (await studio.job("talk")) is job
        await job.remove()
        with pytest.raises(NotFound, match="no job"):
            await studio.job("talk")


async def test_the_end_of_a_real_job_by_a_signal_and_by_a_person(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        killed = await studio.run(command=["sh", "-c", "kill -9 $$"])
        assert await killed.wait() == 137
        stopped = await studio.run(command=["sleep", "100"])
        await stopped.stop()
        assert await stopped.wait() == 143
        assert stopped.entry.state == "stopped"


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("queued", None, None),
        ("starting", None, None),
        ("running", None, None),
        ("succeeded", 0, 0),
        ("failed", 3, 3),
        ("failed", None, 1),
        ("stopped", 137, 137),
        ("stopped", 0, 143),
        ("stopped", None, 143),
        ("lost", None, 75),
    ],
)
async def test_exit_codes(
    stage: Stage, soon: Soon, state: str, code: int | None, expected: int | None
) -> None:
    job = await followed(stage, bytearray())
    stage.host.ends("j1", state, code)
    await soon(job.studio, lambda: job.entry.state == state)
    assert job.code == expected


async def test_what_is_stored_and_what_is_streamed_make_one_log(stage: Stage) -> None:
    log = bytearray(b"stored ")
    job = await followed(stage, log)
    reading = Reading(job)
    await reading.until(b"stored ")
    for piece in (b"and ", b"streamed"):
        stage.host.stream("job/j1", "log", len(log), piece)
        log += piece
    await reading.until(bytes(log))
    stage.host.ends("j1")
    assert await reading.end() == b"stored and streamed"
    # Stored once before and once after the end; what was streamed was not asked for.
    assert [call["offset"] for call in stage.host.asked("jobs.log")] == [0, len(log)]


async def test_chunks_that_come_twice_or_late_or_never(stage: Stage) -> None:
    log = bytearray(b"0123456789")
    job = await followed(stage, log)
    reading = Reading(job)
    await reading.until(b"0123456789")
    stage.host.stream("job/j1", "log", 5, b"56789ab")  # known in part
    log += b"ab"
    await reading.until(bytes(log))
    log += b"cdefgh"  # "cd" never comes
    stage.host.stream("job/j1", "log", 14, b"ef")
    await reading.until(bytes(log))
    stage.host.stream("job/j1", "log", 12, b"cd")
    stage.host.stream("job/j1", "log", 2, b"3")
    stage.host.stream("job/j1", "log", 18, b"i")
    log += b"i"
    await reading.until(bytes(log))
    stage.host.ends("j1")
    assert await reading.end() == bytes(log)


async def test_nonsense_in_the_stream_is_passed_over(stage: Stage) -> None:
    log = bytearray(b"good ")
    job = await followed(stage, log)
    reading = Reading(job)
    await reading.until(b"good ")
    stage.host.session.stream(job.room.name, "log", 1, b"short")
    stage.host.session.stream(job.room.name, "else", 1, b"\0" * 20)
    stage.host.stream("job/j1", "log", 1 << 50, b"from another log")
    stage.host.stream("job/j1", "log", 5, b"end")
    log += b"end"
    await reading.until(b"good end")
    stage.host.ends("j1")
    assert await reading.end() == b"good end"


async def test_a_job_that_is_over_is_read_to_its_end_though_chunks_wait(
    stage: Stage, soon: Soon
) -> None:
    log = bytearray(b"x" * 10)
    job = await followed(stage, log)
    async with aclosing(job.chunks()) as chunks:
        assert await anext(chunks) == b"x" * 10
        stage.host.stream("job/j1", "log", 10, b"y")
        log += b"y"
        stage.host.ends("j1")
        await soon(job.studio, lambda: job.entry.over)
        assert [data async for data in chunks] == [b"y"]
    assert len(stage.host.asked("jobs.log")) <= 3


async def test_a_slow_reader_loses_nothing_and_fills_no_memory(stage: Stage, soon: Soon) -> None:
    log = bytearray()
    job = await followed(stage, log)
    async with aclosing(job.chunks()) as chunks:
        log += b"first "
        assert await anext(chunks) == b"first "
        for number in range(3 * WAITING_CHUNKS):
            piece = b"%d " % number
            stage.host.stream("job/j1", "log", len(log), piece)
            log += piece
        stage.host.stream("job/j1", "metrics", 0, b"{}\n")
        await soon(job.studio, lambda: job._metric_rows > 0)
        assert sum(map(len, job._feeds)) == WAITING_CHUNKS
        stage.host.ends("j1")
        seen = b"first " + b"".join([data async for data in chunks])
    assert seen == bytes(log)


async def test_a_large_log_is_read_in_stretches(stage: Stage) -> None:
    log = bytearray(b"x" * (2 * READ_SIZE + 10))
    job = await followed(stage, log)
    assert b"".join([data async for data in job.chunks(5, follow=False)]) == log[5:]
    assert [call["offset"] for call in stage.host.asked("jobs.log")] == [
        5,
        5 + READ_SIZE,
        5 + 2 * READ_SIZE,
    ]


async def test_two_read_one_log(stage: Stage) -> None:
    log = bytearray(b"shared")
    job = await followed(stage, log)
    readings = [Reading(job), Reading(job, 3)]
    await readings[0].until(b"shared")
    await readings[1].until(b"red")
    stage.host.ends("j1")
    assert [await reading.end() for reading in readings] == [b"shared", b"red"]
    assert job._feeds == []


async def test_a_log_goes_on_where_it_was_when_the_host_comes_back(stage: Stage) -> None:
    log = bytearray(b"before ")
    job = await followed(stage, log)
    reading = Reading(job)
    await reading.until(b"before ")
    await stage.lose_host()
    log += b"unseen "
    await asyncio.sleep(0.05)
    await stage.open()
    await reading.until(b"before unseen ")
    stage.host.session.room(job.room.name)
    stage.host.stream("job/j1", "log", len(log), b"after")
    log += b"after"
    await reading.until(bytes(log))
    stage.host.ends("j1")
    assert await reading.end() == b"before unseen after"


async def test_a_question_that_the_host_took_with_it_is_asked_again(stage: Stage) -> None:
    log = bytearray(b"all of it")
    job = await followed(stage, log)
    answer = stage.host.answers.pop("jobs.log")
    reading = Reading(job)
    async with asyncio.timeout(SECONDS):
        while not stage.host.asked("jobs.log"):
            await asyncio.sleep(0.001)
    await stage.lose_host()
    stage.host.answers["jobs.log"] = answer
    await stage.open()
    await reading.until(b"all of it")
    stage.host.ends("j1")
    assert await reading.end() == b"all of it"


async def test_the_link_breaks_and_comes_back(stage: Stage) -> None:
    log = bytearray(b"before ")
    job = await followed(stage, log)
    reading = Reading(job)
    await reading.until(b"before ")
    number = job.studio.me.connection if job.studio.me else 0
    for connection in stage.relay.crowd:
        if connection.number == number:
            connection.abort()
    log += b"unseen"
    await reading.until(b"before unseen")
    stage.host.ends("j1")
    assert await reading.end() == b"before unseen"


async def test_without_follow_an_absent_host_is_an_error(stage: Stage, soon: Soon) -> None:
    job = await followed(stage, bytearray())
    await stage.lose_host()
    await soon(job.studio, lambda: not job.studio.host_here)
    with pytest.raises(NotFound, match="away"):
        [data async for data in job.chunks(follow=False)]


async def test_an_error_of_the_host_itself_is_told_not_tried_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.client.attachment.NEWS_SECONDS", 0.05)
    job = await followed(stage, bytearray())
    stage.host.answers["jobs.log"] = lambda _: NotFound("this machine has no job j1")
    with pytest.raises(NotFound, match="no job j1"):
        [data async for data in job.chunks()]
    assert job._feeds == []


async def test_a_job_that_is_removed_while_it_is_followed(stage: Stage) -> None:
    job = await followed(stage, bytearray(b"x"))
    reading, waiting = Reading(job), asyncio.create_task(job.wait())
    await reading.until(b"x")
    stage.host.document.jobs.remove("j1")
    for task in (reading.task, waiting):
        with pytest.raises(NotFound, match="was removed"):
            await task
    assert job.room.name not in job.studio.session.rooms


@pytest.mark.parametrize(
    "answer",
    [{}, {"data": "", "offset": -1, "size": 1}, {"data": 3, "offset": 0, "size": 1}],
)
async def test_an_answer_that_makes_no_sense_is_an_error(
    stage: Stage, answer: dict[str, Any]
) -> None:
    job = await followed(stage, bytearray())
    stage.host.answers["jobs.log"] = lambda _: answer
    with pytest.raises(StudioError, match=r"jobs\.log makes no sense"):
        [data async for data in job.chunks()]


async def test_an_answer_from_beyond_the_question_is_what_is_kept(stage: Stage) -> None:
    job = await followed(stage, bytearray())
    stage.host.answers["jobs.log"] = lambda _: {"data": "aGk=", "offset": 7, "size": 9}
    assert [data async for data in job.chunks(follow=False)] == [b"hi"]


async def test_somebody_who_stops_reading_leaves_nothing_behind(stage: Stage) -> None:
    job = await followed(stage, bytearray(b"x"))
    before = len(asyncio.all_tasks())
    async with aclosing(job.chunks()) as chunks:
        await anext(chunks)
        assert len(asyncio.all_tasks()) == before
    reading = Reading(job)
    await reading.until(b"x")
    reading.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading.task
    gc.collect()
    assert job._feeds == []
    assert len(asyncio.all_tasks()) == before


async def test_a_job_is_one_object_however_often_it_is_asked_for(stage: Stage) -> None:
    stage.host.logs("j1", bytearray())
    studio = await stage.attach()
    first, second = await asyncio.gather(studio.job("j1"), studio.job("train.py"))
    assert first is second
    await first.leave()
    assert (await studio.job("j1")) is not first


CURVES = {"train_loss": [[1, 2.5], [2, 2]]}


async def test_the_code_is_known_though_the_metrics_are_not(stage: Stage, soon: Soon) -> None:
    job = await followed(stage, bytearray())
    waiting = asyncio.create_task(job.wait())
    stage.host.answers["jobs.metrics"] = lambda _: NotFound("they are gone")
    stage.host.ends("j1", "failed", 9)
    assert await waiting == 9
    assert job.metrics == {}


async def test_the_end_brings_the_metrics(stage: Stage) -> None:
    job = await followed(stage, bytearray())
    stage.host.answers["jobs.metrics"] = lambda _: {"metrics": CURVES}
    stage.host.ends("j1")
    assert await job.wait() == 0
    assert job.metrics == {"train_loss": [(1, 2.5), (2, 2.0)]}


async def test_curves_come_each_time_they_have_grown(stage: Stage) -> None:
    curves: dict[str, Any] = {}
    job = await followed(stage, bytearray())
    rung: list[bool] = []
    job.on_metrics = lambda: rung.append(True)
    stage.host.answers["jobs.metrics"] = lambda _: {"metrics": curves}
    async with aclosing(job.curves(every=0)) as growing, asyncio.timeout(SECONDS):
        assert await anext(growing) == {}
        curves["loss"] = [[1, 3.0]]
        stage.host.stream("job/j1", "metrics", 0, b"{}\n")
        assert await anext(growing) == {"loss": [(1, 3.0)]}
        curves["loss"] = [[1, 3.0], [2, 2.0]]
        stage.host.ends("j1")
        assert await anext(growing) == {"loss": [(1, 3.0), (2, 2.0)]}
        assert [more async for more in growing] == []
    assert rung == [True]


def test_what_is_no_curve_is_left_out() -> None:
    told = {
        "good": [[1, 2], [2, 0.5]],
        "mixed": [[1, 1.0], [2.5, 1.0], [True, 1.0], [3], "ab", [4, None], [5, float("nan")]],
        "huge": [[1, 10**400], [2, float("inf")], [3, -float("inf")]],
        "none": [],
        "text": "abc",
    }
    assert read_curves(told) == {"good": [(1, 2.0), (2, 0.5)], "mixed": [(1, 1.0)]}
    for nonsense in (None, [], "x", 3):
        assert read_curves(nonsense) == {}
