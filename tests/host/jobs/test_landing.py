"""Jobs that were left: they go on, in one place."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from studio_tui.errors import StudioError
from studio_tui.host.jobs import landing
from studio_tui.machines.carry.carrier import Outcome, carry
from studio_tui.machines.carry.tree import Place
from tests.host.conftest import Bench
from tests.host.two_machines import COUNT, Machines, logged, machines, steps_come_once

__all__ = ["machines"]

pytestmark = pytest.mark.timeout(90)


async def test_a_target_that_refuses_costs_nothing(
    bench: Bench, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First before the job is left, then after it."""
    (bench.root / "count.py").write_text(COUNT)
    (bench.root / ".studioignore").write_text("only/\n")
    (bench.root / "only").mkdir()
    (bench.root / "only" / "python").symlink_to(sys.executable)
    async with machines.hosted(bench):
        ana = await bench.attach("ana")
        job = await ana.run("count.py", python="only/python")
        await logged(job, "step 3")
        with pytest.raises(StudioError, match="no Python called only/python"):
            await job.move("box")
        assert await machines.jobs() == {"local": [job.id], "box": []}
        (Path(machines.box.folder) / "only").mkdir()
        (Path(machines.box.folder) / "only" / "python").symlink_to(sys.executable)

        async def lose(source: Place, target: Place) -> None:
            shutil.rmtree(target.folder)

        monkeypatch.setattr(landing, "carry", lose)
        with pytest.raises(StudioError, match="is not on this machine.*it goes on on local"):
            await job.move("box")
        assert await machines.jobs() == {"local": [f"{job.id}-m2"], "box": []}
        (bench.root / "enough").touch()
        assert await job.wait() == 0
        await steps_come_once(job)


async def test_a_road_that_is_cut_is_waited_for(
    bench: Bench, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.root / "count.py").write_text(COUNT)
    cut = carry

    async def carried(source: Place, target: Place) -> Outcome:
        if not cuts:
            cuts.append(await asyncio.to_thread(machines.server.cut))
        return await cut(source, target)

    cuts: list[None] = []
    monkeypatch.setattr(landing, "carry", carried)
    async with machines.hosted(bench):
        ana = await bench.attach("ana")
        job = await ana.run("count.py")
        await logged(job, "step 3")
        await job.move("box")
        assert cuts
        assert await machines.jobs() == {"local": [], "box": [f"{job.id}-m1"]}
        (Path(machines.box.folder) / "enough").touch()
        assert await job.wait() == 0
        await steps_come_once(job)
        await job.remove()
        assert not list(Path(machines.box.supervisor.folder).glob("*"))
        assert not list(Path(machines.local.supervisor.folder).glob("*"))
