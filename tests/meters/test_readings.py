"""Counters become rates over the time between two readings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio_tui.meters.readings import Readings
from studio_tui.meters.sample import GPU, GPUProcess, SampleError

FIRST = {
    "t": 10.0,
    "time": 1000.0,
    "cpu": [100, 1000],
    "cores": [[50, 500], [50, 500]],
    "mem": [1, 4],
    "disk": [2, 8],
    "net": [1000, 2000],
    "io": [0, 0],
    "load": 0.5,
}
SECOND = FIRST | {
    "t": 12.0,
    "time": 1002.0,
    "cpu": [150, 1200],
    "cores": [[100, 600], [50, 600]],
    "net": [3000, 2500],
    "io": [512, 1024],
}


def samples(*rows: dict[str, Any]) -> Any:
    readings = Readings("m")
    return [readings.sample(json.dumps(row)) for row in rows]


def test_the_first_reading_tells_what_needs_no_second() -> None:
    (sample,) = samples(FIRST)
    assert (sample.machine, sample.time, sample.load) == ("m", 1000.0, 0.5)
    assert (sample.memory_used, sample.memory_total) == (1, 4)
    assert (sample.disk_used, sample.disk_total) == (2, 8)
    assert sample.cpu is sample.net_received is sample.disk_read is None
    assert sample.cores == ()


def test_the_second_is_compared_with_the_first() -> None:
    sample = samples(FIRST, SECOND)[1]
    assert sample.cpu == 0.25
    assert sample.cores == (0.5, 0.0)
    assert (sample.net_received, sample.net_sent) == (1000.0, 250.0)
    assert (sample.disk_read, sample.disk_written) == (256.0, 512.0)


def test_a_probe_that_began_anew_gives_no_wild_values() -> None:
    sample = samples(SECOND, FIRST)[1]  # its clock went back, as after a reboot
    assert sample.cpu is sample.net_received is None
    later = samples(FIRST, SECOND | {"net": [0, 2500], "cpu": [90, 1000]})[1]
    assert later.net_received is None
    assert later.net_sent == 250.0
    assert later.cpu is None


def test_processors_that_come_and_go() -> None:
    assert samples(FIRST, SECOND | {"cores": [[60, 600]]})[1].cores == ()


def test_a_gpu_with_and_without_answers() -> None:
    full = {"i": 0, "name": "H100", "util": 37, "mem": [1, 80], "mw": 250500, "limit_mw": 700000}
    full |= {"temp": 61, "sm": 1980, "procs": [[7, 5], [8, None], "odd", [None, 1]]}
    lost = {"i": 1, "name": "H100", "util": None, "mem": None, "mw": None, "procs": []}
    (sample,) = samples(FIRST | {"gpus": [full, lost, "odd", {"i": 2}]})
    running = (GPUProcess(7, 5), GPUProcess(8))
    assert sample.gpus == (
        GPU(0, "H100", 0.37, 1, 80, 250.5, 700.0, 61.0, 1980, running),
        GPU(1, "H100"),
        GPU(2, "GPU"),
    )


@pytest.mark.parametrize(
    "row", [{}, {"t": "x"}, {"cpu": [1]}, {"cpu": "x", "cores": 3, "net": [1, None], "gpus": {}}]
)
def test_a_machine_that_tells_little(row: dict[str, Any]) -> None:
    for sample in samples(FIRST, row, SECOND, row, row):
        assert sample.machine == "m"


@pytest.mark.parametrize("line", ["", "[]", "Traceback:", b"\xff", "[" * 100_000])
def test_what_is_no_reading_is_refused(line: str | bytes) -> None:
    with pytest.raises(SampleError, match="something else than meters"):
        Readings("m").sample(line)
