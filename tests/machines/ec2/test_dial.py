"""A machine of kind ec2 by its entry: AWS over HTTP, and a real OpenSSH server at its address."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.errors import StudioError, UsageFault
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.dial import dial_for
from studio_tui.machines.power import power_for
from studio_tui.settings import paths
from tests.machines.sshd import Server


def nothing(_: str) -> None:
    pass


async def test_it_is_started_as_it_should_be_reached_and_stopped(
    aws: Any, sshd: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.instance.LOOK", 0.01)
    config = sshd.folder / "any_config"
    config.write_text(sshd.client_lines("*", "UserKnownHostsFile none"))
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(config))
    fingerprint = sshd.host_key.get_fingerprint()
    what = "SSH HOST KEY FINGERPRINTS"
    shown = f"-----BEGIN {what}-----\n256 {fingerprint} root (ED25519)\n-----END {what}-----\n"
    aws.rules({"console": shown})
    id = aws.launch()
    entry = {"kind": "ec2", "instance": id, "region": "us-east-1", "type": "g5.xlarge"}
    machine = Machine("cloud", "ec2", entry=entry | {"root": str(sshd.folder / "root")})
    dial, power = dial_for(machine), power_for(machine)
    assert power is not None

    with pytest.raises(StudioError, match="stopped instance alone"):
        await power.start(nothing)
    await power.start(nothing, restart=True)
    assert aws.instance(id)["InstanceType"] == "g5.xlarge"
    connection = await dial()
    assert (await connection.run(["echo", "here"])).stdout == b"here\n"
    await connection.close()
    assert paths.known_hosts_file().read_text().startswith(f"{id} ")

    await power.stop(nothing)
    assert aws.instance(id)["State"]["Name"] == "stopped"
    with pytest.raises(ConnectionLost, match="is stopped"):
        await dial()


async def test_one_whose_type_is_left_to_it(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.instance.LOOK", 0.01)
    id = aws.launch()
    entry = {"kind": "ec2", "instance": id, "region": "us-east-1"}
    power = power_for(Machine("cloud", "ec2", entry=entry))
    assert power is not None
    assert await power.runs()
    await power.stop(nothing)
    assert not await power.runs()
    await power.start(nothing)
    assert await power.runs()
    told = aws.instance(id)
    assert (told["State"]["Name"], told["InstanceType"]) == ("running", "t3.medium")


def test_an_entry_that_makes_no_sense() -> None:
    machine = Machine("cloud", "ec2", entry={"kind": "ec2", "instance": "gpu-box"})
    with pytest.raises(UsageFault, match="machine 'cloud' has instance = 'gpu-box'"):
        dial_for(machine)
    with pytest.raises(UsageFault, match="machine 'cloud' has instance = 'gpu-box'"):
        power_for(machine)
