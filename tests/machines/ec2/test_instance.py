"""An EC2 instance that is looked at, started, stopped and changed, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.machines.catalogue import MachineGPU
from studio_tui.machines.ec2.client import Client, NoCapacity
from studio_tui.machines.ec2.instance import Instance

FULL = {"code": "InsufficientInstanceCapacity", "message": "We currently do not have enough."}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.instance.LOOK", 0.01)


@pytest.fixture
def id(aws: Any) -> str:
    return str(aws.launch())


@pytest.fixture
def instance(id: str) -> Instance:
    return Instance(Client("us-east-1"), id)


def nothing(_: str) -> None:
    pass


def disks(told: dict[str, Any]) -> set[str]:
    return {mapping["Ebs"]["VolumeId"] for mapping in told["BlockDeviceMappings"]}


async def test_what_it_is(aws: Any, instance: Instance) -> None:
    seen = await instance.look()
    assert (seen.id, seen.state, seen.type) == (instance.id, "running", "t3.medium")
    assert (seen.architecture, seen.zone[:-1], seen.spot) == ("x86_64", "us-east-1", False)
    assert seen.address == aws.instance(instance.id)["PublicIpAddress"]
    kind = await instance.type("g5.12xlarge")
    assert (kind.cpus, kind.memory_bytes, kind.stores) == (48, 192 << 30, True)
    assert kind.gpus == (MachineGPU("NVIDIA A10G", 22888 << 20),) * 4


async def test_its_host_keys_are_on_its_console(instance: Instance) -> None:
    keys = await instance.host_keys()
    assert [key[:12] for key in keys.keys] == ["ssh-ed25519 "]
    assert [fingerprint[:8] for fingerprint in keys.fingerprints] == ["SHA256:q"]


async def test_a_console_of_an_older_kind(aws: Any, instance: Instance) -> None:
    message = "The instance does not support latest."
    aws.rules(
        {
            "action": "GetConsoleOutput",
            "code": "UnsupportedOperation",
            "message": message,
            "times": 1,
        }
    )
    assert (await instance.host_keys()).keys


async def test_stop_and_start_with_a_new_address(aws: Any, instance: Instance) -> None:
    before = (await instance.look()).address
    aws.rules(
        {"action": "StopInstances", "state": "stopping", "looks": 2},
        {"action": "StartInstances", "state": "pending", "looks": 2},
    )
    said: list[str] = []
    assert (await instance.stop(said.append)).state == "stopped"
    assert (await instance.stop(nothing)).state == "stopped"
    seen = await instance.start(said.append)
    assert said == [
        f"{instance.id}, a t3.medium, is stopping",
        f"{instance.id}, a t3.medium, is pending",
    ]
    assert seen.state == "running"
    assert seen.address not in ("", before)
    assert (await instance.start(nothing)).address == seen.address


async def test_another_type_with_the_same_disks(aws: Any, instance: Instance) -> None:
    before = aws.instance(instance.id)
    said: list[str] = []
    seen = await instance.change_type("g5.12xlarge", said.append, stop=True)
    after = aws.instance(instance.id)
    assert (seen.id, seen.type, seen.state) == (instance.id, "g5.12xlarge", "running")
    assert seen.address == after["PublicIpAddress"] != before["PublicIpAddress"]
    assert disks(after) == disks(before) != set()
    assert f"{instance.id} becomes a g5.12xlarge" in said


async def test_a_stopped_one_needs_no_leave(aws: Any, instance: Instance) -> None:
    await instance.stop(nothing)
    assert (await instance.change_type("t3.large", nothing)).type == "t3.large"
    assert (await instance.change_type("t3.large", nothing)).state == "running"


async def test_a_running_one_is_stopped_only_with_leave(aws: Any, instance: Instance) -> None:
    with pytest.raises(StudioError, match="runs: AWS changes the type of a stopped") as raised:
        await instance.change_type("t3.large", nothing)
    assert "agree to a stop" in raised.value.hint
    told = aws.instance(instance.id)
    assert (told["State"]["Name"], told["InstanceType"]) == ("running", "t3.medium")


@pytest.mark.parametrize(
    ("wanted", "kind", "said"),
    [
        ("t4g.medium", StudioError, "is x86_64, a t4g.medium is arm64"),
        ("p4de.24xlarge", StudioError, "AWS has no p4de.24xlarge in us-east-1a, where the disks"),
        ("h9.huge", UsageFault, "no such instance type in us-east-1"),
        ("; rm -rf /", UsageFault, "no such instance type"),
    ],
)
async def test_what_aws_would_refuse_is_refused_before_anything_stops(
    aws: Any, instance: Instance, wanted: str, kind: type[StudioError], said: str
) -> None:
    with pytest.raises(kind, match=said) as raised:
        await instance.change_type(wanted, nothing, stop=True)
    assert raised.value.hint
    told = aws.instance(instance.id)
    assert (told["State"]["Name"], told["InstanceType"]) == ("running", "t3.medium")


@pytest.mark.parametrize("ran", [True, False], ids=["it ran", "it was stopped"])
async def test_no_capacity_gives_the_old_type_back(aws: Any, instance: Instance, ran: bool) -> None:
    if not ran:
        await instance.stop(nothing)
    aws.rules({"action": "StartInstances", "times": 1, **FULL})
    said: list[str] = []
    with pytest.raises(NoCapacity, match=r"no p5.48xlarge in us-east-1\w: AWS has none") as raised:
        await instance.change_type("p5.48xlarge", said.append, stop=ran)
    end = "a t3.medium again, and runs" if ran else "a t3.medium, stopped as before"
    assert raised.value.message.endswith(end)
    assert any("becomes a t3.medium again" in words for words in said)
    told = aws.instance(instance.id)
    assert told["InstanceType"] == "t3.medium"
    assert told["State"]["Name"] == ("running" if ran else "stopped")


async def test_no_capacity_that_shows_only_while_it_starts(aws: Any, instance: Instance) -> None:
    aws.rules(
        {
            "action": "StartInstances",
            "state": "stopped",
            "reason": "Server.InsufficientInstanceCapacity",
        }
    )
    with pytest.raises(NoCapacity, match="again, and runs"):
        await instance.change_type("g5.xlarge", nothing, stop=True)
    told = aws.instance(instance.id)
    assert (told["State"]["Name"], told["InstanceType"]) == ("running", "t3.medium")


async def test_no_capacity_for_the_old_type_either(aws: Any, instance: Instance) -> None:
    aws.rules({"action": "StartInstances", "times": 2, **FULL})
    with pytest.raises(NoCapacity, match="a t3.medium again, but stopped: AWS has none"):
        await instance.change_type("g5.xlarge", nothing, stop=True)
    told = aws.instance(instance.id)
    assert (told["State"]["Name"], told["InstanceType"]) == ("stopped", "t3.medium")


async def test_a_limit_of_the_account(aws: Any, instance: Instance) -> None:
    aws.rules(
        {"action": "StartInstances", "times": 1, "code": "VcpuLimitExceeded", "message": "32 vCPU"}
    )
    with pytest.raises(NoCapacity, match="limit of vCPUs .* again, and runs"):
        await instance.change_type("g5.48xlarge", nothing, stop=True)


async def test_a_change_that_is_not_allowed(aws: Any, instance: Instance) -> None:
    aws.rules(
        {
            "action": "ModifyInstanceAttribute",
            "times": 1,
            "code": "UnauthorizedOperation",
            "message": "",
        }
    )
    with pytest.raises(Refused, match="do not allow ec2:ModifyInstanceAttribute"):
        await instance.change_type("t3.large", nothing, stop=True)
    assert aws.instance(instance.id)["InstanceType"] == "t3.medium"


async def test_a_start_that_is_refused_keeps_the_old_type(aws: Any, instance: Instance) -> None:
    aws.rules(
        {
            "action": "StartInstances",
            "times": 1,
            "code": "InvalidParameter",
            "message": "no such thing",
        }
    )
    with pytest.raises(StudioError, match="refuses StartInstances: no such thing") as raised:
        await instance.change_type("t3.large", nothing, stop=True)
    assert raised.value.hint == "AWS calls this InvalidParameter"
    told = aws.instance(instance.id)
    assert (told["State"]["Name"], told["InstanceType"]) == ("stopped", "t3.medium")


class CutClient(Client):
    """A client whose user gives up when the call of this number begins, counted from 0."""

    def __init__(self, calls: int, like: Client) -> None:
        super().__init__("us-east-1")
        self._client = like._client  # which takes long to make
        self.left = calls

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.left -= 1
        if self.left == -1:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        return await super().call(method, **parameters)


async def test_a_change_that_is_given_up_leaves_one_type_or_the_other(aws: Any) -> None:
    ends, whole = set(), Client("us-east-1")
    await whole.call("describe_instances")
    for calls in range(20):
        client = CutClient(calls, whole)
        instance = Instance(client, aws.launch())
        call = asyncio.create_task(instance.change_type("t3.large", nothing, stop=True))
        await asyncio.wait([call])
        told = aws.instance(instance.id)
        ends.add((told["InstanceType"], told["State"]["Name"], call.cancelled()))
        if not call.cancelled():
            break
    assert client.left >= 0  # it was cut before each of its calls, and then not at all
    assert ends == {
        ("t3.medium", "running", True),
        ("t3.medium", "stopped", True),
        ("t3.large", "running", True),
        ("t3.large", "running", False),
    }


async def test_a_stop_that_is_waited_for_no_longer(
    aws: Any, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.instance.PATIENCE", 0.0)
    aws.rules({"action": "StopInstances", "state": "stopping", "looks": 1000})
    with pytest.raises(StudioError, match="is stopping for 0 seconds, not stopped"):
        await instance.change_type("t3.large", nothing, stop=True)
    aws.rules()


async def test_one_that_is_not_there(aws: Any, instance: Instance) -> None:
    aws.terminate(instance.id)
    with pytest.raises(NotFound, match="is terminated"):
        await instance.start(nothing)
    with pytest.raises(NotFound, match="us-east-1 has no such instance"):
        await Instance(Client("us-east-1"), "i-0123456789abcdef0").look()
    with pytest.raises(NotFound, match="eu-west-1 has no such instance"):
        await Instance(Client("eu-west-1"), instance.id).look()
