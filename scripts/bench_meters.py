"""What the meters cost: the app that shows them, and the probe that reads them.

    python scripts/bench_meters.py [--samples N]

The app is headless and 200x50, its machine has 8 GPUs and 64 cores, the past is 10 minutes full,
and every sample comes as the bytes that the host streams: read, kept, and painted as the app does
it. Only processor time counts. The probe runs on this machine, with the GPUs that it has.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult

from studio_tui import payload
from studio_tui.app.widgets.meters_board import MetersBoard
from studio_tui.meters.readings import Readings
from studio_tui.meters.sample import GPU, GPUProcess, Sample
from studio_tui.meters.series import Series

GIB = 1 << 30
FRAME = 0.05  # seconds; long enough for the app to paint what has changed, once


class Stage(App[None]):
    """The board alone."""

    def __init__(self, board: MetersBoard) -> None:
        super().__init__()
        self.board = board

    def compose(self) -> ComposeResult:
        """The board."""
        yield self.board


def sample(second: int) -> Sample:
    """A busy machine."""
    use = random.random
    gpus = tuple(
        GPU(
            index, "NVIDIA H100 80GB HBM3", use(), int(use() * 80) * GIB, 80 * GIB, use() * 700,
            700.0, 61.0, 1980, (GPUProcess(1000 + index, GIB, "ana", "j1"),),
        )
        for index in range(8)
    )  # fmt: skip
    cores = tuple(use() for _ in range(64))
    return Sample(
        "box", float(second), use(), cores, GIB, 64 * GIB, GIB, 900 * GIB, use(), use(), use(),
        use(), 3.0, gpus,
    )  # fmt: skip


async def shown(count: int, details: bool) -> float:
    """Seconds of processor time that one sample costs."""
    board, series = MetersBoard(), Series()
    for second in range(600):
        series.add(sample(second))
    lines = [sample(600 + second).to_json().encode() for second in range(count)]
    app = Stage(board)
    async with app.run_test(size=(200, 50)) as pilot:
        board.details = details
        await pilot.pause()
        begun = time.process_time()
        for line in lines:
            newest = Sample.from_json(line)
            series.add(newest)
            jobs, steps = {"j1": "char-gpt"}, [0.1] * 12
            board.show(newest, series, None, jobs=jobs, steps=steps, job_runs=True)
            await asyncio.sleep(FRAME)
        return (time.process_time() - begun) / count


def probed(seconds: float) -> tuple[float, float]:
    """The probe's share of a core at one line a second, and milliseconds a line at full speed."""
    folder = Path(payload.__file__).parent
    shares = []
    for period, lasts in ((1.0, seconds), (0.02, 4.0)):
        with subprocess.Popen(
            [sys.executable, str(folder / "probe.py"), str(period), "/"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as probe:  # fmt: skip
            assert probe.stdout is not None
            assert probe.stdin is not None
            readings = Readings("here")
            readings.sample(probe.stdout.readline())
            before, begun, lines = spent(probe.pid), time.perf_counter(), 0
            while time.perf_counter() - begun < lasts:
                readings.sample(probe.stdout.readline())
                lines += 1
            used, took = spent(probe.pid) - before, time.perf_counter() - begun
            shares.append(used / took if period >= 1 else used / lines * 1e3)
            probe.stdin.close()
    return shares[0], shares[1]


def spent(pid: int) -> float:
    """Seconds of processor time of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    count = parser.parse_args().samples
    size = len(json.dumps(json.loads(sample(0).to_json())))
    print(f"a sample of 8 GPUs and 64 cores has {size} bytes")
    for details in (False, True):
        cost = asyncio.run(shown(count, details))
        what = "with details" if details else "as it opens"
        print(f"app, {what}: {cost * 1e3:.2f} ms of processor time a sample (one a second)")
    share, line = probed(20.0)
    print(f"probe, at one line a second: {share:.2%} of a core; {line:.2f} ms a line")


if __name__ == "__main__":
    main()
