from __future__ import annotations

from dataclasses import replace

import pytest

from studio_tui.app.widgets.meters_board import MetersBoard, bar, sparkline
from studio_tui.document.entries import MachineEntry
from studio_tui.meters.sample import GPU, GPUPart, GPUProcess, Sample
from studio_tui.meters.series import Series

G = 1 << 30


def sample(*gpus: GPU, time: float = 0.0, cpu: float = 0.31) -> Sample:
    return Sample(
        "gpu-box", time, cpu=cpu, memory_used=21 * G, memory_total=64 * G, disk_used=1900 * G,
        disk_total=2000 * G, net_received=1.2 * (1 << 20), net_sent=300 * 1024, gpus=gpus,
    )  # fmt: skip


H100 = (
    GPU(0, "NVIDIA H100", 0.88, 71 * G, 80 * G, 412.0, 700.0, 61.0),
    GPU(1, "NVIDIA H100", 0.74, 70 * G, 80 * G, 399.0, 700.0, 86.0),
)
MACHINE = MachineEntry("gpu-box", cpus=16, gpus=[{"name": "H100", "memory_bytes": 80 * G}])


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def past() -> Series:
    series = Series()
    for second in range(7):
        series.add(sample(*H100, time=float(second), cpu=second / 6))
    return series


async def test_narrow(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 24, 6):
        board.show(sample(*H100), past(), MACHINE)
        assert (
            "\n".join(drawn(board))
            == """\
gpu0 ▇▇▇▇▇▇▂  88% 71/80G
gpu1 ▇▇▇▇▇▂▁  74% 70/80G
cpu  ▁▂▃▄▅▆▇  31% 16 cpu
mem  ▇▇▃▁▁▁▁  33% 21/64G
disk ▇▇▇▇▇▇▅  95%!1.9/2T
net  ↓ 1.2M/s  ↑ 300K/s"""
        )


async def test_with_power_and_temperature(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 42, 6):
        board.show(sample(*H100), past(), MACHINE)
        assert (
            "\n".join(drawn(board))
            == """\
gpu0 ▇▇▇▇▇▇▇▇▇▇▄▁  88%  71/80G  412W  61°C
gpu1 ▇▇▇▇▇▇▇▇▆▁▁▁  74%  70/80G  399W !86°C
cpu       ▁▂▃▄▅▆▇  31%  16 cpu
mem  ▇▇▇▇▁▁▁▁▁▁▁▁  33%  21/64G
disk ▇▇▇▇▇▇▇▇▇▇▇▃  95% !1.9/2T
net  ↓ 1.2M/s  ↑ 300K/s"""
        )


async def test_wide_shows_the_last_minute_and_names(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 80, 6):
        board.show(sample(*H100), past(), MACHINE)
        assert (
            "\n".join(drawn(board)[1:4])
            == """\
gpu1 ▇▇▇▇▇▇▇▇▇▇▇▂▁▁▁  74%  70/80G  399W !86°C          ▅▅▅▅▅▅▅  H100
cpu  ▇▇▇▇▅▁▁▁▁▁▁▁▁▁▁  31%  16 cpu                      ▁▂▃▄▅▆▇
mem  ▇▇▇▇▇▁▁▁▁▁▁▁▁▁▁  33%  21/64G                      ▃▃▃▃▃▃▃"""
        )


@pytest.mark.parametrize("width", [1, 3, 10, 23, 25, 39, 55, 56, 60, 79, 200])
async def test_any_width_is_drawn(stage, drawn, width) -> None:
    board = MetersBoard()
    async with stage(board, width, 8):
        huge = GPU(63, "x" * 200, 1.0, 10**30, 10**30, 1e9, None, 1e6)
        board.show(sample(*H100, huge), past(), MACHINE)
        drawn(board)


async def test_no_gpu_teaches(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 30, 6):
        board.show(sample())
        assert drawn(board)[0] == "no GPU here: ^E to switch"
        board.show(sample(), None, MACHINE)
        assert drawn(board)[0] == "no reading from the GPU"


async def test_a_gpu_that_is_lost_is_said_so(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 30, 6):
        board.show(sample(H100[0], GPU(1)))
        assert drawn(board)[:3] == [
            "gpu0 ▇▇▇▇▇▇▇▇▇▇▄▁  88%  71/80G",
            "gpu1 does not answer",
            "cpu  ▇▇▇▅▁▁▁▁▁▁▁▁  31%",
        ]


async def test_what_is_unknown_is_a_dash(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 30, 6):
        board.show(Sample("m", 0.0))
        assert drawn(board)[1:] == [
            "cpu                       –",
            "mem                       –  –",
            "disk                      –  –",
            "net  ↓ –  ↑ –",
            "",
        ]


async def test_waiting_says_for_what_and_how_long(stage, drawn) -> None:
    clock = Clock()
    board = MetersBoard(clock=clock)
    async with stage(board, 24, 3):
        assert drawn(board) == [" waiting for a reading", " · 0 s", ""]
        clock.now += 4
        board.tick()
        assert drawn(board)[1] == " · 4 s"


async def test_an_old_sample_fades_and_says_its_age(stage, drawn) -> None:
    clock = Clock()
    board = MetersBoard(clock=clock)
    async with stage(board, 24, 8):
        board.show(sample(*H100), None, MACHINE)
        fresh = drawn(board)
        clock.now += 5
        board.tick()
        assert drawn(board) == fresh
        clock.now += 7
        board.tick()
        assert drawn(board)[0] == "! last reading 12 s ago"
        assert drawn(board)[1:7] == fresh[:6]
        colours = {style.color for _, style, _ in board.render_line(1) if style}
        assert len(colours) <= 2
        board.show(sample(*H100, time=1.0), None, MACHINE)
        assert drawn(board) == fresh


def test_bar() -> None:
    assert [bar(fraction, 4) for fraction in (0.0, 0.5, 1.0, 2.0, -1.0)] == [
        "▁▁▁▁", "▇▇▁▁", "▇▇▇▇", "▇▇▇▇", "▁▁▁▁",
    ]  # fmt: skip
    assert bar(None, 3) == "   "
    assert bar(0.5, 0) == ""


def test_sparkline() -> None:
    assert sparkline([0.0, 0.5, 1.0], 5) == "  ▁▄▇"
    assert sparkline([0.0, None, 1.0, 1.0], 3) == " ▇▇"
    assert sparkline([1.0], 0) == ""
    assert sparkline([], 2) == "  "


FULL = (
    GPU(
        0, "NVIDIA H100", 0.95, 71 * G, 80 * G, 412.0, 700.0, 61.0, 1980,
        (GPUProcess(7, 70 * G, "ana", "j1"), GPUProcess(8, None, "bob"), GPUProcess(9)),
    ),
    GPU(1, "NVIDIA H100", None, 70 * G, 80 * G, parts=(GPUPart(10 * G, 40 * G),)),
    GPU(2, "NVIDIA H100", lost=True),
)  # fmt: skip


async def test_details_a_verdict_and_other_machines(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 46, 24) as pilot:
        series = Series()
        for second in range(10):
            series.add(sample(*FULL, time=float(second)))
        cores = (1.0, 0.0, 0.5) * 20
        newest = replace(sample(*FULL, time=10.0), cores=cores)
        series.add(newest)
        others = [Sample("b\x1box2", 1.0, cpu=0.5, gpus=(GPU(0, "x", 0.25),)), Sample("local", 1.0)]
        jobs = {"j1": "char-gpt"}
        board.show(newest, series, MACHINE, others=others, jobs=jobs, steps=[0.1], job_runs=True)
        plain = drawn(board)
        assert "gpu2 is lost: the machine must restart" in plain
        assert plain[7:11] == [
            "compute-bound · gpu 95% · cpu 31% · 10 steps/s",
            "box2   1 gpu 25%  cpu 50%",
            "local  cpu –",
            "",
        ]
        await pilot.press("d")
        assert drawn(board)[7:15] == [
            "gpu0 1980 MHz · 412 of 700 W",
            "gpu0 char-gpt ana  70G",
            "gpu0 pid 8 bob  –",
            "gpu0 pid 9  –",
            "gpu1 part 0 10/40G",
            ("▇▁▄" * 20)[:46],
            ("▇▁▄" * 20)[46:],
            "each of 60 cpu, the busiest 100%",
        ]
        await pilot.press("d")
        assert drawn(board) == plain


async def test_once_no_job_runs_what_held_the_machine_up_is_gone(stage, drawn) -> None:
    board = MetersBoard()
    async with stage(board, 46, 24):
        series = Series()
        for second in range(10):
            series.add(sample(time=float(second), cpu=0.9))
        board.show(sample(time=9.0), series, MACHINE, job_runs=True)
        assert drawn(board)[5] == "compute-bound · cpu 90%"
        board.show(sample(time=9.0), series, MACHINE)
        assert drawn(board)[5:7] == ["no job runs", ""]


@pytest.mark.parametrize("width", [1, 9, 24, 100])
async def test_details_in_any_width(stage, drawn, width) -> None:
    board = MetersBoard()
    async with stage(board, width, 30) as pilot:
        newest = replace(sample(*FULL), cores=(0.5,) * 64)
        board.show(newest, past(), MACHINE, others=[newest], steps=[0.5] * 9)
        await pilot.press("d")
        assert len(drawn(board)) == 30
