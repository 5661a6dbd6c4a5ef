"""From a machine's counters, as its probe prints them, to samples: differences over time."""

from __future__ import annotations

import json
from typing import Any

from studio_tui.meters.sample import (
    CORES,
    GPU,
    GPUS,
    PARTS,
    PROCESSES,
    SIZE_LIMIT,
    GPUPart,
    GPUProcess,
    Sample,
    SampleError,
    count_of,
    list_of,
    number_of,
    text_of,
)


class Readings:
    """The lines of one machine's probe, each compared with the one before. No I/O.

    Args:
        machine: the id that its samples carry.
    """

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._before: dict[str, Any] = {}

    def sample(self, line: str | bytes) -> Sample:
        """Takes the probe's next line. What needs two readings is None in the first sample.

        Raises:
            SampleError: the line is none of a probe's.
        """
        told = _parsed(line)
        before, self._before = self._before, told
        seconds = (number_of(told.get("t")) or 0.0) - (number_of(before.get("t")) or 0.0)
        if not before or seconds <= 0:
            before, seconds = {}, 1.0
        memory, disk = _pair(told.get("mem")), _pair(told.get("disk"))
        net = _rates(before.get("net"), told.get("net"), seconds)
        io = _rates(before.get("io"), told.get("io"), seconds)
        return Sample(
            machine=self._machine,
            time=number_of(told.get("time")) or 0.0,
            cpu=_busy(before.get("cpu"), told.get("cpu")),
            cores=_cores(before.get("cores"), told.get("cores")),
            memory_used=memory[0],
            memory_total=memory[1],
            disk_used=disk[0],
            disk_total=disk[1],
            net_received=net[0],
            net_sent=net[1],
            disk_read=io[0],
            disk_written=io[1],
            load=number_of(told.get("load")),
            gpus=tuple(
                _gpu(gpu) for gpu in list_of(told.get("gpus"))[:GPUS] if isinstance(gpu, dict)
            ),
        )


def _parsed(line: str | bytes) -> dict[str, Any]:
    try:
        told = json.loads(line) if len(line) <= SIZE_LIMIT else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise SampleError(
            "the machine's probe said something else than meters",
            "run probe.py in the machine's payload folder by hand to see what",
        )
    return told


def _pair(value: object) -> tuple[int | None, int | None]:
    numbers = list_of(value)
    return (count_of(numbers[0]), count_of(numbers[1])) if len(numbers) == 2 else (None, None)


def _busy(before: object, now: object) -> float | None:
    """The busy share of the ticks between two [busy, all] readings; None when time stood still."""
    (busy_before, all_before), (busy, every) = _pair(before), _pair(now)
    if busy_before is None or all_before is None or busy is None or every is None:
        return None
    if every <= all_before:
        return None
    return min(1.0, max(0.0, (busy - busy_before) / (every - all_before)))


def _cores(before: object, now: object) -> tuple[float, ...]:
    """Empty unless both readings know the same processors: some come and go."""
    old, new = list_of(before)[:CORES], list_of(now)[:CORES]
    if len(old) != len(new):
        return ()
    return tuple(_busy(a, b) or 0.0 for a, b in zip(old, new, strict=True))


def _rates(before: object, now: object, seconds: float) -> tuple[float | None, float | None]:
    """What two counters grew by a second; None where one began anew."""
    old, new = _pair(before), _pair(now)
    first, second = (
        (b - a) / seconds if a is not None and b is not None and b >= a else None
        for a, b in zip(old, new, strict=True)
    )
    return first, second


def _watts(milliwatts: object) -> float | None:
    return None if (number := number_of(milliwatts)) is None else number / 1000


def _gpu(told: dict[str, Any]) -> GPU:
    used, total = _pair(told.get("mem"))
    percent = number_of(told.get("util"))
    running = [_process(process) for process in list_of(told.get("procs"))[:PROCESSES]]
    parts = [_pair(part) for part in list_of(told.get("mig"))[:PARTS]]
    return GPU(
        index=count_of(told.get("i")) or 0,
        name=text_of(told.get("name"), "GPU"),
        utilisation=None if percent is None else min(1.0, percent / 100),
        memory_used=used,
        memory_total=total,
        power_watts=_watts(told.get("mw")),
        power_limit_watts=_watts(told.get("limit_mw")),
        temperature_celsius=number_of(told.get("temp")),
        sm_clock_mhz=count_of(told.get("sm")),
        processes=tuple(process for process in running if process is not None),
        parts=tuple(
            GPUPart(used, total) for used, total in parts if used is not None and total is not None
        ),
        lost=told.get("lost") is True,
    )


def _process(told: object) -> GPUProcess | None:
    pid, memory, user, job = [*list_of(told), None, None, None, None][:4]
    number = count_of(pid)
    if number is None:
        return None
    return GPUProcess(number, count_of(memory), text_of(user), text_of(job))
