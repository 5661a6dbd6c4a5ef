"""Rows become curves, progress and notes; rows that make no sense harm nothing."""

from __future__ import annotations

import json
import math
import random

import pytest

from studio_tui.jobs.metrics import POINTS, Metrics, Run, downsample
from studio_tui.jobs.spec import JobSpec

START = {
    "event": "start",
    "step": 0,
    "epoch": 0,
    "precision": "32-true",
    "devices": 1,
    "nodes": 1,
    "world": 1,
    "strategy": "SingleDeviceStrategy",
    "accelerator": "CPUAccelerator",
    "max_steps": -1,
    "max_epochs": 4,
}


def rows(*given: dict[str, object]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in given)


def step(number: int, epoch: int = 0, **values: object) -> dict[str, object]:
    return {"event": "step", "step": number, "epoch": epoch, "values": values}


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_curves_however_the_rows_are_cut(size: int) -> None:
    data = rows(START, step(1, loss=1.5), step(2, loss=1, lr=0.1))
    data += rows({"event": "validation", "step": 2, "epoch": 0, "values": {"val_loss": 3}})
    metrics = Metrics()
    for begin in range(0, len(data), size):
        metrics.feed(data[begin : begin + size])
    assert metrics.curves() == {
        "loss": [(1, 1.5), (2, 1.0)],
        "lr": [(2, 0.1)],
        "val_loss": [(2, 3.0)],
    }
    assert metrics.latest == {"loss": 1.0, "lr": 0.1, "val_loss": 3.0}
    assert (metrics.step, metrics.epoch) == (2, 0)


def test_a_torn_last_row_waits_for_its_end() -> None:
    metrics = Metrics()
    data = rows(step(1, loss=1.5))
    metrics.feed(data[:-4])
    assert metrics.curves() == {}
    metrics.feed(data[-4:])
    assert metrics.curves() == {"loss": [(1, 1.5)]}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"event": 3}',
        b'{"event": "step"}',
        b'{"event": "step", "step": "1", "values": []}',
        b'{"event": "step", "step": 1, "values": {"x": null, "y": true, "z": "much", "w": []}}',
        b"[" * 100_000,
        b'{"event": "step", "step": 1, "values": {"x": 1' + b"0" * 400 + b"}}",
    ],
)
def test_a_row_that_makes_no_sense_is_passed_over(line: bytes) -> None:
    metrics = Metrics()
    metrics.feed(line + b"\n" + rows(step(7, loss=2)))
    assert metrics.curves() == {"loss": [(7, 2.0)]}


def test_the_last_value_of_a_step_counts_and_steps_are_in_order() -> None:
    metrics = Metrics()
    metrics.feed(rows(step(2, x=1), step(1, x=5), step(2, x=3)))
    assert metrics.curves() == {"x": [(1, 5.0), (2, 3.0)]}


def test_what_the_run_says_of_itself() -> None:
    metrics = Metrics()
    assert metrics.run is None
    metrics.feed(rows(START, START | {"precision": "other"}))
    assert metrics.run == Run("32-true", 1, 1, 1, "SingleDeviceStrategy", "CPUAccelerator", -1, 4)


def test_progress_is_of_steps_or_epochs() -> None:
    metrics = Metrics()
    assert metrics.progress is None
    metrics.feed(rows(START, step(10, epoch=1, loss=1)))
    assert metrics.progress == 0.25
    stepping = Metrics()
    stepping.feed(rows(START | {"max_steps": 20}, step(10, epoch=1, loss=1)))
    assert stepping.progress == 0.5
    stepping.feed(rows({"event": "total", "steps": 40}))
    assert (stepping.total, stepping.progress) == (40, 0.25)
    endless = Metrics()
    endless.feed(rows(START | {"max_epochs": -1}, step(10, epoch=1)))
    assert endless.progress is None


def test_what_the_script_sets_itself_is_noted() -> None:
    metrics = Metrics()
    metrics.feed(rows(START))
    asked = JobSpec(script="train.py", precision="bf16", devices="2", max_steps=50)
    assert metrics.notes(asked) == (
        "train.py sets precision itself: it runs with 32-true, bf16-mixed was asked for",
        "train.py sets devices itself: it runs on 1, 2 were asked for",
        "train.py sets max_steps itself: -1, 50 was asked for",
    )
    assert metrics.notes(JobSpec(script="train.py", precision="32", devices="1")) == ()
    assert metrics.notes(JobSpec(script="train.py")) == ()


def test_a_loss_that_is_no_number_any_more_is_noted_once() -> None:
    metrics = Metrics()
    metrics.feed(rows(step(1, loss=1), step(2, loss="nan"), step(3, loss="nan", x="-inf")))
    assert metrics.curves() == {"loss": [(1, 1.0)]}
    assert metrics.notes(JobSpec(script="a.py")) == ("loss is nan at step 2", "x is -inf at step 3")


def test_what_went_wrong_is_noted() -> None:
    metrics = Metrics()
    metrics.feed(rows({"event": "exception", "step": 5, "epoch": 1, "error": "ValueError: no"}))
    assert metrics.error == "ValueError: no"
    assert metrics.notes(JobSpec(script="a.py")) == ("ValueError: no",)
    assert metrics.step == 5


def test_a_thinned_curve_keeps_its_ends_peaks_and_valleys() -> None:
    noise = random.Random(2)
    curve = [(i, noise.random()) for i in range(5000)]
    curve[1234], curve[3456] = (1234, 50.0), (3456, -50.0)
    thin = downsample(curve, 100)
    assert len(thin) <= 100
    assert (thin[0], thin[-1]) == (curve[0], curve[-1])
    assert {(1234, 50.0), (3456, -50.0)} <= set(thin)
    assert thin == sorted(thin)
    assert set(thin) <= set(curve)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 99])
@pytest.mark.parametrize("limit", [0, 4, 5, 50])
def test_thinning_small_curves(count: int, limit: int) -> None:
    curve = [(i, math.sin(i)) for i in range(count)]
    thin = downsample(curve, limit)
    assert len(thin) <= max(4, limit)
    assert thin == sorted(set(thin))
    assert thin[:1] == curve[:1]
    assert thin[-1:] == curve[-1:]


def test_a_long_run_does_not_fill_the_memory() -> None:
    metrics = Metrics()
    metrics.feed(rows(*(step(i, loss=i) for i in range(POINTS + 5))))
    curve = metrics.curves()["loss"]
    assert POINTS // 2 <= len(curve) <= POINTS
    assert (curve[0], curve[-1]) == ((0, 0.0), (POINTS + 4, POINTS + 4.0))
    assert len(metrics.curves(points=100)["loss"]) <= 100


def test_attempts_are_noted() -> None:
    metrics = Metrics()
    metrics.feed(b'{"event": "step", "step": 3, "va\n{"event": "attempt", "exit_code": 137}\n')
    metrics.feed(b'{"event": "attempt", "attempt": 2, "exit_code": "x"}\n')
    assert metrics.notes(JobSpec(script="a.py")) == (
        "attempt 2 after exit code 137",
        "attempt 3 after exit code -1",
    )


def test_a_mark_stands_at_the_step_that_goes_on() -> None:
    metrics = Metrics()
    metrics.feed(rows(step(1, loss=4), step(30, loss=3)))
    metrics.feed(b'{"event": "attempt", "attempt": 1, "exit_code": 137}\n')
    metrics.feed(rows(START, step(21, loss=3.5), step(22, loss=3.4)))
    metrics.mark("given up before it began")
    metrics.mark("moved to gpu-box")
    assert metrics.marks == [(21, "attempt 2")]
    metrics.feed(rows(START, step(23, loss=3.3)))
    assert metrics.marks == [(21, "attempt 2"), (23, "moved to gpu-box")]
