"""Allocations of a real Slurm: asked for, waited for, found again, given back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.errors import StudioError
from studio_tui.machines.allocation import Request
from studio_tui.machines.cluster import Cluster, Forgotten
from studio_tui.machines.connection import CommandFailed
from studio_tui.machines.local import LocalConnection
from tests.conftest import find_program

BOTH = Request(partition="gpu", gpus="2", cpus=1, memory="100M")


@pytest.fixture
async def login(tmp_path: Path) -> AsyncIterator[LocalConnection]:
    connection = LocalConnection(tmp_path / "root")
    yield connection
    await connection.close()


def jobs() -> list[str]:
    listed = ["squeue", "--noheader", "--format=%j", "--states=PENDING,RUNNING"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.usefixtures("slurm")
async def test_an_allocation_is_found_again_and_given_back(login: LocalConnection) -> None:
    said: list[str] = []
    cluster = Cluster(login, "my cluster", BOTH)
    assert await cluster.find() is None
    job = await cluster.allocate(said.append)
    assert (job.state, job.partition, bool(job.node)) == ("RUNNING", "gpu", True)
    assert jobs() == ["studio-my_cluster"]
    again = Cluster(login, "my cluster", Request(partition="cpu"))
    assert (await again.allocate(said.append)).id == job.id
    assert await cluster.over(job.id) is None
    await cluster.release(job.id)
    await cluster.release(job.id)
    over = await cluster.over(job.id)
    assert over is not None
    assert over.message == f"the allocation {job.id} is over: it was cancelled"
    assert await cluster.find() is None


@pytest.mark.usefixtures("slurm")
async def test_a_queue_is_told_in_words_until_it_is_ones_turn(login: LocalConnection) -> None:
    first, second = Cluster(login, "first", BOTH), Cluster(login, "second", BOTH)
    holding = await first.allocate(lambda _: None)
    said: asyncio.Queue[str] = asyncio.Queue()
    waiting = asyncio.create_task(second.allocate(said.put_nowait))
    while not (words := await said.get()).startswith("queued: waiting for a node with enough free"):
        assert words.startswith("queued: ")
    assert "1 of 1 in gpu" in words
    await first.release(holding.id)
    job = await waiting
    assert job.state == "RUNNING"
    await second.release(job.id)


@pytest.mark.usefixtures("slurm")
async def test_one_who_waits_no_longer_leaves_nothing_in_the_queue(login: LocalConnection) -> None:
    first, second = Cluster(login, "first", BOTH), Cluster(login, "second", BOTH)
    holding = await first.allocate(lambda _: None)
    said: asyncio.Queue[str] = asyncio.Queue()
    waiting = asyncio.create_task(second.allocate(said.put_nowait))
    await said.get()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert jobs() == ["studio-first"]
    await first.release(holding.id)


@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(partition="none"), "refuses the allocation: Invalid partition name specified"),
        (Request(partition="gpu", gpus="3"), "refuses the allocation: Requested node config"),
        (Request(partition="gpu", minutes=600), "will never give this: it asks for more time"),
    ],
)
async def test_what_the_cluster_does_not_give(
    login: LocalConnection, request_: Request, said: str
) -> None:
    with pytest.raises(StudioError, match=said) as raised:
        await Cluster(login, "cluster", request_).allocate(lambda _: None)
    assert raised.value.hint
    assert jobs() == []


@pytest.mark.usefixtures("slurm")
async def test_an_allocation_that_slurm_has_forgotten(login: LocalConnection) -> None:
    cluster = Cluster(login, "cluster", BOTH)
    with pytest.raises(Forgotten, match="the allocation 999999 is over"):
        await cluster.look("999999")
    assert "has forgotten it" in str(await cluster.over("999999"))


@pytest.mark.usefixtures("slurm_programs")
async def test_a_controller_that_is_away_ends_no_allocation(
    login: LocalConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("studio_tui.machines.cluster.CONTROLLER", 0.5)
    conf = ["ClusterName=none", "SlurmctldHost=none(127.0.0.1)", "SlurmctldPort=1"]
    (tmp_path / "slurm.conf").write_text("\n".join([*conf, "NodeName=none", ""]))
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    assert await Cluster(login, "cluster", BOTH).over("1") is None


async def test_a_host_without_slurm(
    login: LocalConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for program in ("mkdir", "chmod"):
        (tmp_path / program).symlink_to(find_program(program))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandFailed, match="cannot start squeue"):
        await Cluster(login, "cluster", BOTH).allocate(lambda _: None)
