"""What holds a machine up: cases."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.meters.sample import GPU, Sample
from studio_tui.meters.series import Series
from studio_tui.meters.verdict import LEAST, verdict

G = 1 << 30
QUIET = (0.1, 0.1, 0.1, 0.1)


def series(*uses: float | None, count: int = 20, memory: int = 20 * G, **host: Any) -> Series:
    made = Series()
    for second in range(count):
        gpus = tuple(GPU(i, "H100", use, memory, 80 * G) for i, use in enumerate(uses))
        made.add(Sample("m", float(second), gpus=gpus, **{"cpu": 0.3, "cores": QUIET, **host}))
    return made


def said(*args: Any, steps: tuple[float, ...] = (), **options: Any) -> str:
    return str(verdict(series(*args, **options), steps))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (said(0.95, 0.2), "compute-bound · gpu 95% · cpu 30%"),
        (said(0.95, steps=(0.1,) * 9), "compute-bound · gpu 95% · cpu 30% · 10 steps/s"),
        (said(0.3, cores=(1.0, 0.95, 0.1)), "data-bound · gpu 30% · cpu 30% · 2 of 3 cores full"),
        (said(0.3, disk_read=2e8), "data-bound · gpu 30% · cpu 30% · disk reads 200 MB/s"),
        (
            said(0.3, steps=(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 0.5)),
            "data-bound · gpu 30% · cpu 30% · steps uneven, 1 to 5.0 · 10 steps/s",
        ),
        (said(0.3), "mixed · gpu 30% · cpu 30%"),
        (said(0.7, cores=(1.0,)), "mixed · gpu 70% · cpu 30%"),
        (said(0.01, cpu=0.02), "idle · gpu 1% · cpu 2%"),
        (said(0.0, cpu=0.02, steps=(2.0,)), "mixed · gpu 0% · cpu 2% · 0.5 steps/s"),
        (said(0.5, memory=78 * G), "memory-near-full · gpu0 memory 98%"),
        (said(0.5, memory_used=94, memory_total=100), "memory-near-full · machine's memory 94%"),
        (said(cpu=0.95, cores=(1.0, 0.9)), "compute-bound · cpu 95%"),
        (said(cpu=0.02), "idle · cpu 2%"),
        (said(cpu=0.4, disk_read=1e8), "data-bound · cpu 40% · disk reads 100 MB/s"),
        (said(None, cpu=0.95), "compute-bound · cpu 95%"),
    ],
)  # fmt: skip
def test_cases(found: str, expected: str) -> None:
    assert found == expected


def test_where_no_job_runs_only_what_is_so_now_is_told() -> None:
    ended = series(0.9, cpu=0.95)
    ended.add(Sample("m", 99.0, cpu=0.95, gpus=(GPU(0, "H100", 0.0, 20 * G, 80 * G),)))
    assert str(verdict(ended, job_runs=False)) == "no job runs"
    by_hand = series(0.9)  # such as a training in a terminal
    assert str(verdict(by_hand, job_runs=False)) == "compute-bound · gpu 90% · cpu 30%"
    full = series(0.0, memory=78 * G)
    assert str(verdict(full, job_runs=False)) == "memory-near-full · gpu0 memory 98%"


def test_too_little_is_no_verdict() -> None:
    assert verdict(series(0.9, count=LEAST - 1)) is None
    assert verdict(series(None, cpu=None)) is None
    assert verdict(Series()) is None


def test_only_the_last_half_minute_counts() -> None:
    made = series(0.95, count=60)
    for second in range(60, 95):
        gpu = GPU(0, "H100", 0.0, 1 * G, 80 * G)
        made.add(Sample("m", float(second), cpu=0.01, gpus=(gpu,)))
    found = verdict(made)
    assert found is not None
    assert found.kind == "idle"
