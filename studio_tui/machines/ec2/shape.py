"""What an instance and an instance type are, and whether the one can become the other (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio_tui.errors import StudioError, UsageFault
from studio_tui.machines.catalogue import Machine, MachineGPU

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_MIB = 1 << 20
_STATES = {"running": "up", "stopped": "down"}


@dataclass(frozen=True, slots=True)
class Seen:
    """An instance as AWS describes it.

    Attributes:
        state: pending, running, stopping, stopped, shutting-down or terminated.
        address: public where it has one, else private; "" while it has none.
        boot_mode: legacy-bios or uefi; "" when AWS does not tell.
        ena: whether its system drives Elastic Network Adapters; None when AWS does not tell.
        reason: AWS's code of why it is in its state, such as Server.InsufficientInstanceCapacity.
        launched: when it was last started.
    """

    id: str
    state: str
    type: str
    address: str
    zone: str
    architecture: str
    virtualization: str
    boot_mode: str
    ena: bool | None
    root_device: str
    spot: bool
    interfaces: int
    reason: str
    launched: datetime | None


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An instance type as AWS describes it.

    Attributes:
        stores: whether it has local disks, which are empty after every stop.
    """

    name: str
    cpus: int
    memory_bytes: int
    gpus: tuple[MachineGPU, ...]
    architectures: tuple[str, ...]
    virtualizations: tuple[str, ...]
    boot_modes: tuple[str, ...]
    ena_required: bool
    max_interfaces: int
    stores: bool


def read_instance(told: Mapping[str, Any]) -> Seen:
    """One of describe_instances' instances."""
    return Seen(
        id=told["InstanceId"],
        state=told["State"]["Name"],
        type=told["InstanceType"],
        address=told.get("PublicIpAddress") or told.get("PrivateIpAddress") or "",
        zone=told.get("Placement", {}).get("AvailabilityZone", ""),
        architecture=told.get("Architecture", ""),
        virtualization=told.get("VirtualizationType", ""),
        boot_mode=told.get("CurrentInstanceBootMode", ""),
        ena=told.get("EnaSupport"),
        root_device=told.get("RootDeviceType", ""),
        spot=told.get("InstanceLifecycle") == "spot",
        interfaces=len(told.get("NetworkInterfaces", [])),
        reason=told.get("StateReason", {}).get("Code", ""),
        launched=told.get("LaunchTime"),
    )


def read_type(told: Mapping[str, Any]) -> InstanceType:
    """One of describe_instance_types' types."""
    network = told.get("NetworkInfo", {})
    return InstanceType(
        name=told["InstanceType"],
        cpus=told["VCpuInfo"]["DefaultVCpus"],
        memory_bytes=told["MemoryInfo"]["SizeInMiB"] * _MIB,
        gpus=tuple(_gpus(told.get("GpuInfo", {}))),
        architectures=tuple(told.get("ProcessorInfo", {}).get("SupportedArchitectures", [])),
        virtualizations=tuple(told.get("SupportedVirtualizationTypes", [])),
        boot_modes=tuple(told.get("SupportedBootModes", [])),
        ena_required=network.get("EnaSupport") == "required",
        max_interfaces=network.get("MaximumNetworkInterfaces", 1),
        stores=bool(told.get("InstanceStorageSupported")),
    )


def _gpus(told: Mapping[str, Any]) -> list[MachineGPU]:
    return [
        MachineGPU(f"{gpu.get('Manufacturer', '')} {gpu.get('Name', 'GPU')}".strip(), memory)
        for gpu in told.get("Gpus", [])
        for memory in [gpu.get("MemoryInfo", {}).get("SizeInMiB", 0) * _MIB or None]
        for _ in range(gpu.get("Count", 1))
    ]


def unfit(seen: Seen, wanted: InstanceType) -> StudioError | None:
    """Why an instance cannot become of another type, whatever its state; None when it can."""
    name = wanted.name
    if wanted.architectures and seen.architecture not in wanted.architectures:
        has = " or ".join(wanted.architectures)
        return StudioError(
            f"{seen.id} is {seen.architecture}, a {name} is {has}",
            "another architecture needs another system: choose a type of the same one",
        )
    if seen.root_device and seen.root_device != "ebs":
        return StudioError(
            f"{seen.id} has its system on a local disk, which a stop would empty",
            "make an image of it, and an instance with an EBS disk from that",
        )
    if seen.spot:
        return StudioError(
            f"{seen.id} is a spot instance: AWS does not change its type",
            "make an on-demand instance of it",
        )
    if wanted.virtualizations and seen.virtualization not in wanted.virtualizations:
        return StudioError(
            f"{seen.id} is virtualised by {seen.virtualization}, which a {name} does not do",
            "choose an older type, or make a new instance from an hvm image",
        )
    if wanted.boot_modes and seen.boot_mode and seen.boot_mode not in wanted.boot_modes:
        return StudioError(
            f"{seen.id} boots by {seen.boot_mode}, which a {name} cannot", "choose another type"
        )
    if wanted.ena_required and seen.ena is False:
        return StudioError(
            f"a {name} needs the ENA network driver, which {seen.id} is not marked to have",
            "install the driver there, then set its EnaSupport attribute",
        )
    if seen.interfaces > wanted.max_interfaces:
        return StudioError(
            f"{seen.id} has {seen.interfaces} network interfaces, "
            f"a {name} has room for {wanted.max_interfaces}",
            "detach some of them, or choose a larger type",
        )
    return None


def as_machine(name: str, seen: Seen, kind: InstanceType, price: float | None) -> Machine:
    """The instance as the catalogue has machines.

    Args:
        kind: what its type is.
        price: in USD per hour; None when unknown.
    """
    return Machine(
        id=name,
        kind="ec2",
        state=_STATES.get(seen.state, "unknown"),
        cpus=kind.cpus,
        memory_bytes=kind.memory_bytes,
        gpus=kind.gpus,
        price_per_hour=price,
    )


@dataclass(frozen=True, slots=True)
class Rental:
    """What `[machines.NAME]` says of an instance.

    Attributes:
        type: the one it is to have; None for the one that it has.
        profile: of the AWS configuration; None for the usual one.
    """

    instance: str
    region: str
    type: str | None = None
    profile: str | None = None


def read_rental(name: str, entry: Mapping[str, Any]) -> Rental:
    """Reads `instance`, `region`, `type` and `profile`.

    Raises:
        UsageFault: a value is missing or makes no sense.
    """
    return Rental(
        _text(name, entry, "instance", r"i-[0-9a-f]{8,17}", "i-0123456789abcdef0"),
        _text(name, entry, "region", r"[a-z]{2}(-[a-z]+)+-\d", "us-east-1"),
        _optional(name, entry, "type", r"[a-z0-9-]+\.[a-z0-9-]+", "g5.xlarge"),
        _optional(name, entry, "profile", r"\S(.*\S)?", "research"),
    )


def _optional(
    name: str, entry: Mapping[str, Any], key: str, pattern: str, example: str
) -> str | None:
    return _text(name, entry, key, pattern, example) if key in entry else None


def _text(name: str, entry: Mapping[str, Any], key: str, pattern: str, example: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        said = f"{key} = {value!r}" if key in entry else f"no {key}"
        raise UsageFault(f"machine {name!r} has {said}", f'write {key} = "{example}"')
    return value
