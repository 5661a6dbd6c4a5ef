"""Two runs side by side."""

from __future__ import annotations

import time
from typing import Any

from studio_tui.app.screens.comparison import EMPTY, Comparison, comparison_rows
from studio_tui.client.compare import Metric, RunSummary

A = RunSummary(
    "full", "succeeded", "gpu-box", "32-true", steps=1200, seconds=720.0, steps_per_second=2.0,
    peak_memory_gib=4.0, cost=1.4, metrics={"train_loss": Metric(1.25, 1.2, 1200, 50)},
)  # fmt: skip
B = RunSummary(
    "mixed\x1b[2J", "failed", "gpu-box", "bf16-mixed", steps=1200, seconds=480.0,
    steps_per_second=3.0, cost=0.93, metrics={"train_loss": Metric(1.3, 1.3, 1200, 50)},
)  # fmt: skip


def test_what_is_known_is_aligned() -> None:
    rows = ["".join(text for text, _ in row).rstrip() for row in comparison_rows(A, B, 80)]
    assert rows == [
        "                       full    mixed[2J  change",
        "state             succeeded      failed",
        "machine             gpu-box     gpu-box",
        "precision           32-true  bf16-mixed",
        "steps                 1,200       1,200   +0.0%",
        "took                 12 min       8 min  -33.3%",
        "steps per second          2           3  +50.0%",
        "peak memory        4.00 GiB           –",
        "cost                  $1.40       $0.93  -33.6%",
        "train_loss             1.25         1.3   +4.0%",
        "train_loss, best        1.2         1.3   +8.3%",
    ]
    (nothing,) = comparison_rows(RunSummary("a"), RunSummary("b"), 80)
    assert nothing[0][0].strip() == EMPTY
    comparison_rows(A, B, 3)


async def test_the_chosen_job_is_set_beside_the_one_that_is_shown(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.curves = {
        "j1": {"train_loss": [(0, 4.0), (10, 2.0)]},
        "j2": {"train_loss": [(0, 4.0), (10, 1.0)]},
    }
    studio.list_job("j1", "full", "succeeded", started=1.0, ended=2.0, notes=["slow disk"])
    studio.list_job("j2", "mixed", "running", started=time.time())
    async with open_app(studio, (80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f4", "C")
        await settle(pilot)
        notice = pilot.app.workspace.side_pane.notice
        assert notice.words == "choose another job to set beside the one that is shown"
        await pilot.press("down", "C")
        while not isinstance(pilot.app.screen, Comparison):
            await pilot.pause()
        await pilot.pause()
        shown = text_of(pilot)
        assert "train_loss              1          2  +100.0%" in shown
        assert "full: slow disk" in shown
        await pilot.press("escape")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, Comparison)
