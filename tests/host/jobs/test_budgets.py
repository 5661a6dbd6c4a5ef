"""Jobs that may cost so much, on a machine that has its price, by a clock that the test turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from studio_tui.client.job import Job
from studio_tui.errors import UsageFault
from studio_tui.host.jobs import budgets
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.machines.sites import Site
from studio_tui.machines.catalogue import Machine
from tests.host.conftest import STUDIO, Bench
from tests.host.two_machines import COUNT, logged

PRICED = Machine("local", price_per_hour=3.6)
"""A thousandth a second."""


class Clock:
    """The time, and what the test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@asynccontextmanager
async def hosted(bench: Bench, site: Site, clock: Clock) -> AsyncIterator[Jobs]:
    (bench.root / "count.py").write_text(COUNT)
    async with bench.host() as parts:
        sites = parts.sites(site)
        jobs = Jobs(sites, parts.document, parts.session, STUDIO, parts.tasks, clock)
        await jobs.resume()
        parts.answer(jobs.calls())
        try:
            yield jobs
        finally:
            for status in await site.supervisor.list():
                await site.supervisor.stop(status.id, grace=0)


async def state(job: Job, wanted: str) -> None:
    async with asyncio.timeout(20):
        await job.studio.until(lambda: job.entry.budget_state == wanted)


async def test_people_are_told_in_time_and_then_it_is_over(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "PERIOD", 0.05)
    clock = Clock()
    async with hosted(bench, replace(site, machine=PRICED), clock):
        ana = await bench.attach("ana")
        job = await ana.run("count.py", budget="5.00", budget_alarm="50%")
        await logged(job, "step 2")
        assert (job.entry.budget, job.entry.budget_state) == (5.0, "")
        clock.ahead = 2600.0
        await state(job, "alarm")
        assert job.entry.notes == ["52% of its budget of 5.00 is spent"]
        assert job.entry.state == "running"
        clock.ahead = 5100.0
        await state(job, "spent")
        assert await job.wait() == 143
        assert job.entry.state == "stopped"
        first, why, where = job.entry.notes
        assert why == "stopped: its budget of 5.00 is spent"
        assert where.startswith("its last checkpoint is on local: ")
        again = await ana.run("count.py", env={"STUDIO_RESUME": where.split(" ")[-1]})
        (bench.root / "enough").touch()
        assert await again.wait() == 0
        step = int(where.rpartition("step-")[2].removesuffix(".ckpt"))
        told = [line async for line in again.logs()]
        assert told[0] == f"step {step + 1}"


async def test_the_machine_itself_keeps_to_it(bench: Bench, site: Site) -> None:
    """A second of it: the host has nothing to do."""
    clock = Clock()
    async with hosted(bench, replace(site, machine=PRICED), clock):
        ana = await bench.attach("ana")
        job = await ana.run("count.py", budget=0.001)
        assert await job.wait() == 143
        assert "stopped: its budget of 0.001 is spent" in job.entry.notes


async def test_a_machine_without_a_price_has_no_budgets(bench: Bench, site: Site) -> None:
    usual = replace(site, machine=replace(PRICED, job_budget=2.0))
    async with hosted(bench, site, Clock()):
        ana = await bench.attach("ana")
        with pytest.raises(UsageFault, match="local has no price") as problem:
            await ana.run("count.py", budget=5)
        assert '[machines.local] in machines.toml, with kind = "local"' in problem.value.hint
        assert (await ana.run(command=["true"])).entry.budget is None
    async with hosted(bench, usual, Clock()):
        await ana.until(lambda: ana.reachable)
        assert (await ana.run(command=["true"])).entry.budget == 2.0
        assert (await ana.run(command=["true"], budget=1)).entry.budget == 1.0
