"""What instances and types are, and what fits what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio_tui.errors import UsageFault
from studio_tui.machines.catalogue import MachineGPU
from studio_tui.machines.ec2.shape import (
    InstanceType,
    Rental,
    Seen,
    as_machine,
    read_instance,
    read_rental,
    read_type,
    unfit,
)

SEEN = Seen(
    id="i-0abc",
    state="stopped",
    type="t3.medium",
    address="",
    zone="us-east-1a",
    architecture="x86_64",
    virtualization="hvm",
    boot_mode="uefi",
    ena=True,
    root_device="ebs",
    spot=False,
    interfaces=2,
    reason="",
    launched=None,
)
WANTED = InstanceType(
    name="g5.xlarge",
    cpus=4,
    memory_bytes=16 << 30,
    gpus=(MachineGPU("NVIDIA A10G", 24 << 30),),
    architectures=("x86_64",),
    virtualizations=("hvm",),
    boot_modes=("legacy-bios", "uefi"),
    ena_required=True,
    max_interfaces=4,
    stores=True,
)


def test_what_fits() -> None:
    assert unfit(SEEN, WANTED) is None
    silent = replace(SEEN, ena=None, boot_mode="", root_device="")
    assert unfit(silent, replace(WANTED, boot_modes=())) is None
    assert unfit(replace(SEEN, ena=False), replace(WANTED, ena_required=False)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "arm64"}, "i-0abc is arm64, a g5.xlarge is x86_64"),
        ({"virtualization": "paravirtual"}, "is virtualised by paravirtual"),
        ({"boot_mode": "uefi-preferred"}, "boots by uefi-preferred"),
        ({"ena": False}, "needs the ENA network driver"),
        ({"root_device": "instance-store"}, "has its system on a local disk"),
        ({"spot": True}, "is a spot instance"),
        ({"interfaces": 5}, "has 5 network interfaces, a g5.xlarge has room for 4"),
    ],
)
def test_what_does_not_fit(change: dict[str, Any], said: str) -> None:
    problem = unfit(replace(SEEN, **change), WANTED)
    assert problem is not None
    assert said in problem.message
    assert problem.hint


def test_an_instance_of_which_aws_tells_little() -> None:
    told = {"InstanceId": "i-1", "State": {"Name": "pending"}, "InstanceType": "t3.medium"}
    seen = read_instance(told)
    assert (seen.address, seen.zone, seen.ena, seen.spot) == ("", "", None, False)
    private = read_instance(told | {"PrivateIpAddress": "10.0.0.1", "InstanceLifecycle": "spot"})
    assert (private.address, private.spot) == ("10.0.0.1", True)
    assert read_instance(told | {"PublicIpAddress": "54.1.1.1"}).address == "54.1.1.1"


def test_a_type_of_which_aws_tells_little() -> None:
    told = {"InstanceType": "x.y", "VCpuInfo": {"DefaultVCpus": 2}}
    kind = read_type(told | {"MemoryInfo": {"SizeInMiB": 512}, "GpuInfo": {"Gpus": [{}]}})
    assert kind.gpus == (MachineGPU("GPU", None),)
    assert kind.memory_bytes == 512 << 20


def test_an_instance_as_a_machine() -> None:
    machine = as_machine("big", replace(SEEN, state="running"), WANTED, 1.006)
    assert (machine.id, machine.kind, machine.state, machine.cpus) == ("big", "ec2", "up", 4)
    assert (machine.gpus, machine.price_per_hour) == (WANTED.gpus, 1.006)
    assert as_machine("big", SEEN, WANTED, None).state == "down"
    assert as_machine("big", replace(SEEN, state="pending"), WANTED, None).state == "unknown"


def test_a_rental_of_the_configuration() -> None:
    entry = {"kind": "ec2", "instance": "i-0123456789abcdef0", "region": "us-gov-west-1"}
    assert read_rental("big", entry) == Rental("i-0123456789abcdef0", "us-gov-west-1")
    rental = read_rental("big", entry | {"type": "u7in-32tb.224xlarge", "profile": "my lab"})
    assert (rental.type, rental.profile) == ("u7in-32tb.224xlarge", "my lab")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instance": "gpu-box"}, "instance = 'gpu-box'"),
        ({"instance": 5}, "instance = 5"),
        ({"region": "us-east-1a"}, "region = 'us-east-1a'"),
        ({"region": ""}, "region = ''"),
        ({"type": "large"}, "type = 'large'"),
        ({"profile": " "}, "profile = ' '"),
    ],
)
def test_a_rental_that_makes_no_sense(change: dict[str, Any], said: str) -> None:
    entry = {"instance": "i-0123456789abcdef0", "region": "us-east-1"} | change
    with pytest.raises(UsageFault) as raised:
        read_rental("big", entry)
    assert raised.value.message == f"machine 'big' has {said}"
    assert raised.value.hint.startswith("write ")


def test_a_rental_that_is_not_whole() -> None:
    with pytest.raises(UsageFault, match="machine 'big' has no instance"):
        read_rental("big", {"region": "us-east-1"})
    with pytest.raises(UsageFault, match="machine 'big' has no region"):
        read_rental("big", {"instance": "i-0123456789abcdef0"})
