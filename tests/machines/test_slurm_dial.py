"""A machine of kind slurm by its entry: a real login node by ssh, a real Slurm behind it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import StudioError, UsageFault
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.dial import dial_for
from studio_tui.machines.power import power_for
from tests.machines.sshd import MakeServer


@pytest.fixture
def machine(
    slurm: None, make_sshd: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Machine:
    home = tmp_path / "sshd-0" / "home"
    server = make_sshd(f"SetEnv HOME={home} SLURM_CONF={os.environ['SLURM_CONF']}")
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(server.client_config))
    entry: dict[str, Any] = {"kind": "slurm", "host": "box", "partition": "gpu", "gpus": 2}
    return Machine("cluster", "slurm", entry=entry)


def nothing(_: str) -> None:
    pass


async def test_it_is_asked_for_reached_and_given_back(machine: Machine) -> None:
    dial, power, said = dial_for(machine), power_for(machine), list[str]()
    assert power is not None
    with pytest.raises(StudioError, match="cluster has no allocation") as raised:
        await dial()
    assert raised.value.hint == "ask for a new one: studio-tui machine start cluster"

    assert not await power.runs()
    await power.start(nothing)
    await power.start(nothing)
    assert await power.runs()
    node = await dial()
    assert (await node.run(["sh", "-c", "echo $CUDA_VISIBLE_DEVICES"])).stdout == b"0,1\n"
    await node.close()

    await power.stop(said.append)
    await power.stop(said.append)
    assert not await power.runs()
    assert [words.startswith("cluster: allocation ") for words in said] == [True]
    with pytest.raises(StudioError, match="has no allocation"):
        await dial()


async def test_one_that_waits_is_only_down(machine: Machine) -> None:
    other = Machine("other", "slurm", entry=machine.entry)
    first, second = power_for(machine), power_for(other)
    assert first is not None
    assert second is not None
    await first.start(nothing)
    said: asyncio.Queue[str] = asyncio.Queue()
    waiting = asyncio.create_task(second.start(said.put_nowait))
    await said.get()
    with pytest.raises(ConnectionLost, match="other is queued: "):
        await dial_for(other)()
    await first.stop(nothing)
    await waiting
    await second.stop(nothing)


def test_an_entry_that_makes_no_sense() -> None:
    machine = Machine("cluster", "slurm", entry={"kind": "slurm", "gpus": "many"})
    with pytest.raises(UsageFault, match="machine 'cluster' has gpus = 'many'"):
        dial_for(machine)
    with pytest.raises(UsageFault, match="machine 'cluster' has gpus = 'many'"):
        power_for(machine)
