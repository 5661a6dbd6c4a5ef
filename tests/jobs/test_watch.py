"""Every byte of a job once and in order, whatever dies on the way."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from studio_tui.errors import NotFound
from studio_tui.jobs.launch import JobState, Supervisor
from studio_tui.jobs.plan import JobPlan, plan
from studio_tui.jobs.spec import JobSpec
from studio_tui.jobs.watch import (
    Event,
    Follower,
    FrameError,
    FrameParser,
    LogChunk,
    MetricRows,
    StateChange,
)
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.local import LocalConnection

STREAM = b"H running - 0 0\nF log 0 5\n01\n34F metrics 0 3\n{}\nF log 5 1\n5E failed 3 6 3\n"


def told(events: list[Event]) -> tuple[bytes, bytes, list[StateChange]]:
    """The log, the metrics and the states; the offsets must fit."""
    log = metrics = b""
    states = []
    for event in events:
        match event:
            case LogChunk(offset, data):
                assert offset == len(log)
                log += data
            case MetricRows(offset, data):
                assert offset == len(metrics)
                metrics += data
            case StateChange():
                states.append(event)
    return log, metrics, states


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_however_they_are_cut(size: int) -> None:
    parser = FrameParser(0, 0)
    events = [
        event
        for start in range(0, len(STREAM), size)
        for event in parser.feed(STREAM[start : start + size])
    ]
    assert told(events) == (
        b"01\n345",
        b"{}\n",
        [StateChange(JobState.RUNNING, None), StateChange(JobState.FAILED, 3)],
    )
    assert parser.ended
    assert parser.feed(b"anything") == []


@pytest.mark.parametrize(
    "stream",
    [
        b"F log 1 5\n",  # a gap
        b"F log 0 0\n",
        b"F log 0 -1\n",
        b"F script 0 5\n",
        b"F log 0\n",
        b"Last login: yesterday\n",
        b"H unknown - 0 0\n",
        b"E failed x 0 0\n",
        b"\xff\n",
        b"x" * 256,
    ],
)
def test_what_is_no_frame_is_refused(stream: bytes) -> None:
    with pytest.raises(FrameError, match="sent something else"):
        FrameParser(0, 0).feed(stream)


def test_a_job_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="no such job"):
        FrameParser(0, 0).feed(b"E missing - 0 0\n")


def job(supervisor: Supervisor, studio: Path, text: str) -> JobPlan:
    spec = JobSpec(command=("sh", "-c", text))
    return plan(spec, job_id="j", cwd=str(studio), payload=supervisor.payload)


async def collect(follower: Follower) -> list[Event]:
    return [event async for event in follower.events()]


async def test_a_job_from_its_start_to_its_end(supervisor: Supervisor, studio: Path) -> None:
    text = "echo one; echo '{}' >> $STUDIO_METRICS; sleep 0.1; printf two; exit 3"
    await supervisor.start(job(supervisor, studio, text))
    log, metrics, states = told(await collect(Follower(supervisor, "j")))
    assert (log, metrics) == (b"one\ntwo", b"{}\n")
    assert states[-1] == StateChange(JobState.FAILED, 3)


async def test_only_what_is_new(supervisor: Supervisor, studio: Path) -> None:
    await supervisor.start(job(supervisor, studio, "printf 0123456789"))
    events = await collect(Follower(supervisor, "j", log_offset=6))
    assert [event for event in events if isinstance(event, LogChunk)] == [LogChunk(6, b"6789")]
    assert events[-1] == StateChange(JobState.SUCCEEDED, 0)


async def test_metrics_come_in_whole_rows(supervisor: Supervisor, studio: Path) -> None:
    text = (
        "printf '{\"a\"' >> $STUDIO_METRICS; sleep 0.3; "
        "printf ':1}\\n{\"b\"' >> $STUDIO_METRICS; sleep 0.3; printf ':2}' >> $STUDIO_METRICS"
    )
    await supervisor.start(job(supervisor, studio, text))
    rows = [e.data for e in await collect(Follower(supervisor, "j")) if isinstance(e, MetricRows)]
    assert rows == [b'{"a":1}\n', b'{"b":2}']


NOISY = """
i=0
while [ $i -lt 40 ]; do
  seq $((i * 8000)) $((i * 8000 + 7999)); echo err $i >&2
  seq $((i * 500)) $((i * 500 + 499)) >> $STUDIO_METRICS
  i=$((i + 1)); sleep 0.04
done
printf 'no newline at the end'; exit 7
"""


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
async def test_every_byte_once_while_followers_are_killed(
    supervisor: Supervisor,
    studio: Path,
    tmp_path: Path,
    shell: str,
    require: Callable[[str], str],
) -> None:
    supervisor.shell = require(shell)
    if shell == "busybox":
        wrapper = tmp_path / "busybox-sh"
        wrapper.write_text('#!/bin/sh\nexec busybox sh "$@"\n')
        wrapper.chmod(0o755)
        supervisor.shell = str(wrapper)
    await supervisor.start(job(supervisor, studio, NOISY))
    opened: list[int] = supervisor.connection.opened  # type: ignore[attr-defined]

    async def murder() -> None:
        chance = random.Random(1)
        while True:
            await asyncio.sleep(chance.uniform(0.1, 0.4))
            if opened:
                os.kill(opened[-1], signal.SIGKILL)

    murderer = asyncio.create_task(murder())
    try:
        log, metrics, states = told(await collect(Follower(supervisor, "j")))
    finally:
        murderer.cancel()
    assert len(opened) > 3
    folder = Path(supervisor.folder, "j")
    for got, file in ((log, "log"), (metrics, "metrics")):
        kept = (folder / file).read_bytes()
        assert hashlib.sha256(got).hexdigest() == hashlib.sha256(kept).hexdigest()
    assert len(log) > 1_900_000
    assert states[-1] == StateChange(JobState.FAILED, 7)


async def test_followers_that_die_at_once_are_given_up(
    supervisor: Supervisor, studio: Path
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    supervisor.payload = "/no/such/folder"
    with pytest.raises(ConnectionLost, match="cannot be followed"):
        await collect(Follower(supervisor, "j", sleep=sleep))
    assert waits == sorted(waits)
    assert max(waits) <= 2.0


async def test_a_follower_that_is_let_go_leaves_no_process(
    supervisor: Supervisor, studio: Path
) -> None:
    await supervisor.start(job(supervisor, studio, "echo up; sleep 30"))
    events = Follower(supervisor, "j").events()
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    await supervisor.connection.close()
    (pid,) = supervisor.connection.opened  # type: ignore[attr-defined]
    assert not Path(f"/proc/{pid}").exists()
    again = Supervisor(LocalConnection(supervisor.connection.root), supervisor.payload)
    assert (await again.status("j")).state is JobState.RUNNING


async def test_nothing_can_be_followed_over_a_closed_connection(supervisor: Supervisor) -> None:
    await supervisor.connection.close()
    with pytest.raises(ConnectionLost):
        await collect(Follower(supervisor, "j"))
