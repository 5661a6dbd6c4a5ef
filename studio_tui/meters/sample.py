"""What a machine reads at one moment: processors, memory, disk, network and GPUs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from studio_tui.errors import StudioError

SIZE_LIMIT = 256 * 1024  # bytes of one sample's JSON
CORES = 1024  # entries that are kept; the rest is dropped
GPUS = 64
PROCESSES = 16
PARTS = 8
NAME_LIMIT = 128  # characters


class SampleError(StudioError):
    """What came is not a sample."""


@dataclass(frozen=True, slots=True)
class GPUProcess:
    """A program that computes on a GPU; memory in bytes, None where the driver hides it.

    `user` is whose it is, `job` the studio's job it is a part of; "" where that cannot be seen.
    """

    pid: int
    memory: int | None = None
    user: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class GPUPart:
    """A part of a GPU that is cut by MIG; memory in bytes."""

    memory_used: int
    memory_total: int


@dataclass(frozen=True, slots=True)
class GPU:
    """One GPU. None is what it cannot tell, or can no longer: a lost GPU tells nothing.

    Attributes:
        utilisation: 0..1, the share of the last second in which a kernel ran.
        memory_used, memory_total: bytes.
        power_watts, power_limit_watts: drawn, and allowed.
        temperature_celsius: of the chip.
        sm_clock_mhz: of its processors.
        parts: of a GPU that is cut by MIG, which then has no utilisation of its own.
        lost: it fell off the bus; only a restart of the machine brings it back.
    """

    index: int
    name: str = "GPU"
    utilisation: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    temperature_celsius: float | None = None
    sm_clock_mhz: int | None = None
    processes: tuple[GPUProcess, ...] = ()
    parts: tuple[GPUPart, ...] = ()
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One machine at one moment. None is what it cannot tell.

    Attributes:
        machine: its id.
        time: seconds since 1970, by the machine's clock.
        cpu: 0..1 of all processors together, since the sample before.
        cores: the same of each processor.
        memory_used, memory_total, disk_used, disk_total: bytes.
        net_received, net_sent, disk_read, disk_written: bytes a second, since the sample before.
        load: processes that run or wait, averaged over a minute.
    """

    machine: str
    time: float
    cpu: float | None = None
    cores: tuple[float, ...] = ()
    memory_used: int | None = None
    memory_total: int | None = None
    disk_used: int | None = None
    disk_total: int | None = None
    net_received: float | None = None
    net_sent: float | None = None
    disk_read: float | None = None
    disk_written: float | None = None
    load: float | None = None
    gpus: tuple[GPU, ...] = field(default=())

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Sample:
        """Reads what another program sent: what is missing or makes no sense is None.

        Raises:
            SampleError: it is too big, no JSON, or no object.
        """
        if len(text) > SIZE_LIMIT:
            raise SampleError(f"a sample of {len(text)} bytes is too big", "look at its sender")
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, RecursionError) as problem:
            raise SampleError("what came is no JSON", "look at its sender") from problem

    @classmethod
    def from_dict(cls, told: object) -> Sample:
        """The same of what to_json() wrote, read already."""
        if not isinstance(told, dict):
            raise SampleError("what came is no object", "look at its sender")
        return cls(
            machine=text_of(told.get("machine")),
            time=number_of(told.get("time")) or 0.0,
            cpu=share_of(told.get("cpu")),
            cores=tuple(share_of(core) or 0.0 for core in list_of(told.get("cores"))[:CORES]),
            memory_used=count_of(told.get("memory_used")),
            memory_total=count_of(told.get("memory_total")),
            disk_used=count_of(told.get("disk_used")),
            disk_total=count_of(told.get("disk_total")),
            net_received=number_of(told.get("net_received")),
            net_sent=number_of(told.get("net_sent")),
            disk_read=number_of(told.get("disk_read")),
            disk_written=number_of(told.get("disk_written")),
            load=number_of(told.get("load")),
            gpus=tuple(_gpu(gpu) for gpu in list_of(told.get("gpus"))[:GPUS] if _is_table(gpu)),
        )


def number_of(value: object) -> float | None:
    """A finite number of 0 or more, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def count_of(value: object) -> int | None:
    """A whole number of 0 or more, else None."""
    return None if (number := number_of(value)) is None else int(number)


def share_of(value: object) -> float | None:
    """A number brought within 0..1, else None."""
    return None if (number := number_of(value)) is None else min(1.0, number)


def text_of(value: object, default: str = "") -> str:
    """Printable text of bounded length."""
    if not isinstance(value, str):
        return default
    return "".join(c for c in value[:NAME_LIMIT] if c.isprintable()) or default


def list_of(value: object) -> list[Any]:
    """A list, empty when it is none."""
    return value if isinstance(value, list) else []


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _gpu(told: dict[str, Any]) -> GPU:
    processes = [p for p in list_of(told.get("processes"))[:PROCESSES] if _is_table(p)]
    return GPU(
        index=count_of(told.get("index")) or 0,
        name=text_of(told.get("name"), "GPU"),
        utilisation=share_of(told.get("utilisation")),
        memory_used=count_of(told.get("memory_used")),
        memory_total=count_of(told.get("memory_total")),
        power_watts=number_of(told.get("power_watts")),
        power_limit_watts=number_of(told.get("power_limit_watts")),
        temperature_celsius=number_of(told.get("temperature_celsius")),
        sm_clock_mhz=count_of(told.get("sm_clock_mhz")),
        processes=tuple(
            GPUProcess(
                count_of(p.get("pid")) or 0,
                count_of(p.get("memory")),
                text_of(p.get("user")),
                text_of(p.get("job")),
            )
            for p in processes
        ),
        parts=tuple(
            GPUPart(count_of(p.get("memory_used")) or 0, count_of(p.get("memory_total")) or 0)
            for p in list_of(told.get("parts"))[:PARTS]
            if _is_table(p)
        ),
        lost=told.get("lost") is True,
    )
