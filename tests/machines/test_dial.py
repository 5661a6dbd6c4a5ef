"""A machine of the catalogue, connected to by its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.errors import UsageFault
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.dial import dial_for
from studio_tui.settings import paths
from tests.machines.sshd import Server


async def test_this_machine(tmp_path: Path) -> None:
    connection = await dial_for(Machine("local"))()
    assert connection.root == str(paths.machine_root())
    await connection.close()
    connection = await dial_for(Machine("local"), root=tmp_path / "other")()
    assert connection.root == str(tmp_path / "other")
    await connection.close()


async def test_a_machine_reached_by_ssh(sshd: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(sshd.client_config))
    machine = Machine("gpu-box", "ssh", entry={"kind": "ssh", "host": "box"})
    connection = await dial_for(machine)()
    assert (await connection.run(["echo", "here"])).stdout == b"here\n"
    await connection.close()


def test_a_kind_that_nothing_connects_to() -> None:
    with pytest.raises(UsageFault, match="kind boat, which cannot be connected to"):
        dial_for(Machine("box", "boat"))
