"""One job on two machines that are reached by ssh: real sshd, torchrun and gloo."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from studio_tui.host.jobs import following
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.machines.sites import Site
from studio_tui.machines import reach as reaching
from studio_tui.machines import ssh
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import Connection
from studio_tui.machines.install import install
from studio_tui.machines.reach import Reach
from tests.host.conftest import STUDIO, Bench
from tests.machines.sshd import MakeServer, Server, login_to

pytest.importorskip("torch", reason="torch is not installed")
pytestmark = pytest.mark.timeout(150)

REDUCE = """
import os, time
import torch
import torch.distributed as dist
dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
print("sum", int(total), "of", dist.get_world_size(), flush=True)
open("up", "w").close()
while os.path.exists("hold"):
    time.sleep(0.05)
dist.all_reduce(total)
print("twice", int(total), flush=True)
dist.destroy_process_group()
"""


class Boxes:
    """Two machines behind servers of their own."""

    def __init__(self, servers: list[Server], sites: list[Site]) -> None:
        self.servers = servers
        self.sites = sites

    def files(self, name: str) -> list[Path]:
        return [Path(site.folder) / name for site in self.sites]

    async def up(self) -> None:
        """Wait until both nodes have computed together."""
        async with asyncio.timeout(120):
            while not all(file.exists() for file in self.files("up")):
                await asyncio.sleep(0.05)


@pytest.fixture
async def boxes(
    make_sshd: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Boxes]:
    monkeypatch.setattr(reaching, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(reaching, "LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.1)
    async with AsyncExitStack() as closing:
        servers, sites = [], []
        for name in ("box1", "box2"):
            server = make_sshd()
            (tmp_path / name).mkdir()
            login = login_to(server, tmp_path / name)

            async def dial(login: object = login) -> Connection:
                return await ssh.connect(login)  # type: ignore[arg-type]

            reach = Reach(name, dial)
            owner = asyncio.create_task(reach.run_until_closed())
            await reach.up()
            closing.push_async_callback(asyncio.wait, [owner])
            closing.push_async_callback(reach.close)
            folder = tmp_path / f"project on {name}"
            folder.mkdir()
            (folder / "reduce.py").write_text(REDUCE)
            (folder / "hold").touch()
            servers.append(server)
            sites.append(
                Site(Machine(name, kind="ssh"), reach, await install(reach), str(folder),
                     sys.executable)
            )  # fmt: skip
        yield Boxes(servers, sites)


@asynccontextmanager
async def hosted(bench: Bench, boxes: Boxes) -> AsyncIterator[None]:
    async with bench.host() as parts:
        jobs = Jobs(
            parts.sites(*boxes.sites), parts.document, parts.session, STUDIO, parts.tasks, time.time
        )
        parts.answer(jobs.calls())
        yield


async def test_connections_that_are_cut_are_nothing_to_the_nodes(
    bench: Bench, boxes: Boxes
) -> None:
    async with hosted(bench, boxes):
        ana = await bench.attach("ana")
        job = await ana.run("reduce.py", machine="box1,box2")
        await boxes.up()
        for server in boxes.servers:
            await asyncio.to_thread(server.cut)
        for file in boxes.files("hold"):
            file.unlink()
        assert await job.wait() == 0
        told = [line async for line in job.logs()]
        assert sorted(line for line in told if "sum" in line or "twice" in line) == [
            "[rank0]: sum 3 of 2", "[rank0]: twice 6", "[rank1]: sum 3 of 2", "[rank1]: twice 6",
        ]  # fmt: skip


async def test_a_node_that_is_gone_ends_the_job(
    bench: Bench, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GIVE_UP_SECONDS", 2.0)
    async with hosted(bench, boxes):
        ana = await bench.attach("ana")
        job = await ana.run("reduce.py", machine="box1,box2")
        await boxes.up()
        mark = f"/jobs/{job.id}-n1".encode()
        boxes.servers[1].stop()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                lives_there = mark in (entry / "environ").read_bytes()
                if lives_there or mark in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue
        for file in boxes.files("hold"):
            file.unlink()
        assert await job.wait() == 1
        assert job.entry.state == "failed"
        assert "box2 cannot be reached: what runs there may go on" in job.entry.notes
        (status,) = await boxes.sites[0].supervisor.list()
        assert status.state.ended
