"""Two machines that a job is moved between: the host's own, and one behind a real sshd."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from studio_tui.client.job import Job
from studio_tui.host.jobs import following, landing, moving
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.jobs.records import CURVE_POINTS
from studio_tui.host.machines.sites import Site
from studio_tui.machines import reach as reaching
from studio_tui.machines import ssh
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import Connection
from studio_tui.machines.install import install
from studio_tui.machines.reach import Reach
from tests.host.conftest import STUDIO, Bench
from tests.machines.sshd import MakeServer, Server, login_to

COUNT = """
import json, os, sys, time
from studio_hold import Desk

desk, step = Desk(os.environ["STUDIO_JOB_DIR"]), 0
if os.environ.get("STUDIO_RESUME"):
    step = int(open(os.environ["STUDIO_RESUME"]).read())
if "deaf" not in sys.argv:
    desk.open("trainer")
while step < 20 or not os.path.exists("enough"):
    step += 1
    print("step", step, flush=True)
    with open(os.environ["STUDIO_METRICS"], "a") as metrics:
        row = {"event": "step", "step": step, "values": {"at": step}}
        metrics.write(json.dumps(row) + "\\n")
    if "deaf" not in sys.argv and desk.asked():
        os.makedirs(desk.parcel, exist_ok=True)
        path = os.path.join(desk.parcel, "step-%d.ckpt" % step)
        open(path, "w").write(str(step))
        with open(os.environ["STUDIO_CHECKPOINTS"], "a") as listed:
            listed.write(path + "\\n")
        desk.held(step, path)
        desk.wait(first=True)
    time.sleep(0.02)
"""
"""A training without torch, held as a real one is."""


class Machines:
    """Two machines: local, and box behind a server of its own."""

    def __init__(self, server: Server, local: Site, box: Site) -> None:
        self.server = server
        self.local = local
        self.box = box

    @asynccontextmanager
    async def hosted(self, bench: Bench) -> AsyncIterator[Jobs]:
        async with bench.host() as parts:
            sites = parts.sites(self.local, self.box)
            jobs = Jobs(sites, parts.document, parts.session, STUDIO, parts.tasks, time.time)
            await jobs.resume()
            parts.answer(jobs.calls())
            yield jobs

    async def jobs(self) -> dict[str, list[str]]:
        """Machine to the jobs that run there."""
        found = {}
        for site in (self.local, self.box):
            listed = await site.supervisor.list()
            found[site.machine.id] = [each.id for each in listed if not each.state.ended]
        return found


@pytest.fixture
async def machines(
    make_sshd: MakeServer, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Machines]:
    monkeypatch.setattr(reaching, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(reaching, "LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(landing, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(moving, "ASK_SECONDS", 0.1)
    async with AsyncExitStack() as closing:
        server = make_sshd()
        login = login_to(server, tmp_path)

        async def dial() -> Connection:
            return await ssh.connect(login)

        reach = Reach("box", dial)
        owner = asyncio.create_task(reach.run_until_closed())
        await reach.up()
        closing.push_async_callback(asyncio.wait, [owner])
        closing.push_async_callback(reach.close)
        folder = tmp_path / "project on box"
        folder.mkdir()
        box = Site(
            Machine("box", kind="ssh", price_per_hour=3600.0), reach, await install(reach),
            str(folder), sys.executable,
        )  # fmt: skip
        made = Machines(server, site, box)
        yield made
        for each in (site, box):
            if each is box and reach.state.phase != "up":
                continue
            for status in await each.supervisor.list():
                await each.supervisor.stop(status.id, grace=0)


async def logged(job: Job, text: str) -> None:
    async with asyncio.timeout(60):
        async for line in job.logs():
            if line.startswith(text):
                return


async def steps_come_once(job: Job) -> None:
    told = [line async for line in job.logs()]
    steps = [int(line.split()[1]) for line in told if line.startswith("step ")]
    assert steps == list(range(1, steps[-1] + 1))
    curve = job.metrics["at"]
    assert curve == sorted({(step, float(step)) for step, _ in curve})
    if len(steps) <= CURVE_POINTS:  # else it is thinned
        assert [step for step, _ in curve] == steps
    assert (curve[0][0], curve[-1][0]) == (steps[0], steps[-1])
