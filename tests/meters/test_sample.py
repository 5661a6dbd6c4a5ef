"""A sample survives its journey; one from elsewhere is taken as far as it makes sense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio_tui.meters.sample import (
    CORES,
    GPU,
    GPUS,
    PROCESSES,
    SIZE_LIMIT,
    GPUProcess,
    Sample,
    SampleError,
)

FULL = Sample(
    machine="local",
    time=1700000000.5,
    cpu=0.5,
    cores=(0.25, 0.75),
    memory_used=1,
    memory_total=2,
    disk_used=3,
    disk_total=4,
    net_received=5.5,
    net_sent=6.5,
    disk_read=7.5,
    disk_written=8.5,
    load=0.1,
    gpus=(
        GPU(0, "H100", 0.9, 10, 80, 300.5, 700.0, 61.0, 1980, (GPUProcess(7, 5), GPUProcess(8))),
        GPU(1),
    ),
)


@pytest.mark.parametrize("sample", [FULL, Sample("m", 0.0)])
def test_there_and_back(sample: Sample) -> None:
    text = sample.to_json()
    assert "\n" not in text
    assert Sample.from_json(text) == sample
    assert Sample.from_json(text.encode()) == sample


@pytest.mark.parametrize(
    "odd", ["text", True, None, -1, float("nan"), float("inf"), [], {}, [[]], 10**400]
)
def test_what_makes_no_sense_is_none(odd: Any) -> None:
    told = dict.fromkeys(json.loads(FULL.to_json()), odd)
    sample = Sample.from_dict(told)
    assert sample.cpu is sample.memory_used is sample.net_sent is sample.load is None
    gpu = Sample.from_dict({"gpus": [dict.fromkeys(json.loads(FULL.to_json())["gpus"][0], odd)]})
    assert gpu.gpus[0].utilisation is gpu.gpus[0].memory_used is None
    assert json.loads(sample.to_json())


def test_unknown_names_are_passed_over_and_shares_are_shares() -> None:
    assert Sample.from_dict({"machine": "m", "later": 1, "cpu": 1.7}) == Sample("m", 0.0, cpu=1.0)


def test_names_are_text_for_a_screen() -> None:
    sample = Sample.from_dict({"machine": "a\x1b[31mb" + "x" * 500})
    assert sample.machine.startswith("a[31mb")
    assert len(sample.machine) <= 128


def test_long_lists_are_cut() -> None:
    gpu = {"processes": [{"pid": 1}] * 1000}
    sample = Sample.from_dict({"cores": [0.5] * 5000, "gpus": [gpu] * 500})
    assert (len(sample.cores), len(sample.gpus)) == (CORES, GPUS)
    assert len(sample.gpus[0].processes) == PROCESSES


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", "[" * 100_000, b"\xff", "x" * SIZE_LIMIT * 2]
)
def test_what_is_no_sample_is_refused(text: str | bytes) -> None:
    with pytest.raises(SampleError):
        Sample.from_json(text)
