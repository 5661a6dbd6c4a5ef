"""Asking for a move; tests/host/jobs/test_moving.py has the move itself."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import Any

import pytest

from studio_tui.document.entries import JobEntry, JobMove
from studio_tui.errors import NotFound, StudioError
from tests.client.conftest import Stage

OLD = JobMove("local", "box", "bob", 5.0, "done")


async def test_a_move_is_waited_for_and_not_taken_for_an_earlier_one(stage: Stage) -> None:
    stage.host.logs("j", bytearray())
    listed = stage.host.document.jobs

    def tell(*moves: JobMove) -> None:
        told = [asdict(move) for move in moves]
        listed.put(replace(listed["j"], machine=moves[-1].source, moves=told))

    def asked(params: dict[str, Any]) -> dict[str, Any]:
        assert params == {"job": "j", "machine": "box", "precision": "bf16-mixed", "restart": True}
        return {"asked": 7.5}

    tell(OLD)
    studio = await stage.attach()
    job = await studio.job("j")
    stage.host.answers["jobs.move"] = asked
    going = asyncio.create_task(job.move("box", precision="bf16-mixed", restart=True))
    while not stage.host.asked("jobs.move"):
        await asyncio.sleep(0.01)
    new = replace(OLD, asked=7.5, phase="saving")
    tell(OLD, new)
    tell(OLD, replace(new, phase="done", step=20))
    assert (await going).step == 20

    tell(OLD, replace(new, phase="failed", note="box is full"))
    with pytest.raises(StudioError, match="was not moved to box: box is full") as raised:
        await job.move("box", precision="bf16-mixed", restart=True)
    assert raised.value.hint.endswith("studio-tui job show calm-otter j")


async def test_who_waits_no_more_leaves_the_job_where_it_is(stage: Stage) -> None:
    stage.host.logs("j", bytearray())
    studio = await stage.attach()
    job = await studio.job("j")
    stage.host.answers["jobs.move"] = lambda _: {"asked": 7.5}
    stage.host.answers["jobs.stay"] = lambda _: StudioError("it is too late")
    going = asyncio.create_task(job.move("box"))
    while not stage.host.asked("jobs.move"):
        await asyncio.sleep(0.01)
    with pytest.raises(StudioError, match="too late"):
        await job.stay()  # what was asked before has been answered then
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert stage.host.asked("jobs.stay") == [{"job": "j"}] * 2


async def test_a_job_that_is_removed_on_the_way(stage: Stage) -> None:
    stage.host.document.jobs.put(JobEntry("j", state="running"))
    studio = await stage.attach()
    job = await studio.job("j")
    stage.host.answers["jobs.move"] = lambda _: {"asked": 7.5}
    stage.host.answers["jobs.stay"] = lambda _: {}
    going = asyncio.create_task(job.move("box"))
    await job.stay()
    stage.host.document.jobs.remove("j")
    with pytest.raises(NotFound, match="j was removed"):
        await going
