"""Which precision: what each takes, and short runs of some."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input

from studio_tui.app.job_form import RunRequest
from studio_tui.app.screens.precision import PrecisionAdvice, estimates
from studio_tui.app.screens.run_dialog import RunDialog
from studio_tui.app.widgets.precision_table import PrecisionTable
from studio_tui.client.advisor import Estimate
from studio_tui.errors import StudioError, UsageFault
from tests.app.conftest import until

REQUEST = RunRequest("train.py", ["--n", "3"], {"precision": "bf16-true", "retries": 2})
DESCRIBED = {
    "parameters": "124M", "optimizer": "", "devices": "", "layers": "", "width": "",
    "sequence": "", "batch": "",
}  # fmt: skip


def test_a_model_is_described_by_what_is_typed() -> None:
    plain = estimates(DESCRIBED, [], "")
    assert plain[1].total == 124_000_000 * 16
    shape = DESCRIBED | {"layers": "12", "width": "768", "sequence": "1024", "batch": "8"}
    assert estimates(shape, [], "")[1].activations > 0
    assert estimates(DESCRIBED | {"devices": "2"}, [], "fsdp")[1].weights == 62_000_000 * 4
    (_, unknown, *_) = estimates(DESCRIBED | {"parameters": ""}, [], "")
    assert unknown == Estimate("32-true", 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "typed",
    [
        {"parameters": "many"},
        {"parameters": "-1"},
        {"optimizer": "lion"},
        {"devices": "0"},
        {"layers": "x"},
        {"layers": "-5", "width": "1", "sequence": "1"},
        {"sequence": "1e300", "layers": "1", "width": "9"},
    ],
)
def test_what_makes_no_sense_is_refused(typed: dict[str, str]) -> None:
    with pytest.raises(UsageFault):
        estimates(DESCRIBED | typed, [], "")


async def test_a_precision_is_chosen_from_the_form(
    studio: Any, open_app: Any, settle: Any, text_of: Any, golden: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        pilot.app.workspace.open_file("train.py")
        await settle(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await settle(pilot)
        golden("run-form-80x24", pilot)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, PrecisionAdvice))
        assert "type how many parameters the model has" in text_of(pilot)
        await pilot.press(*"4x")
        await pilot.pause()
        assert "! '4x' is no number · write 124M or 1.3B" in text_of(pilot)
        await pilot.press("backspace", "B", "enter")
        await until(pilot, lambda: isinstance(pilot.app.focused, PrecisionTable))
        await settle(pilot)
        golden("precision-80x24", pilot)
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunDialog))
        await until(pilot, lambda: "precision   bf16-true" in text_of(pilot))


async def test_short_runs_are_set_against_each_other(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    closed: list[str | None] = []
    async with open_app(studio, (80, 24)) as pilot:
        pilot.app.push_screen(PrecisionAdvice(studio, REQUEST), closed.append)
        await pilot.pause()
        table = pilot.app.screen.query_one(PrecisionTable)
        assert table.precision == "bf16-true"
        table.focus()
        await pilot.press("space", "up", "up", "up", "space", "m")
        for number, precision in enumerate(("32-true", "bf16-true"), 1):
            await until(pilot, lambda n=number: len(studio.asked("jobs.run")) == n)
            assert f"train.py runs 5 steps in {precision}" in text_of(pilot)
            (*_, asked) = studio.asked("jobs.run")
            assert (asked["precision"], asked["max_steps"]) == (precision, 5)
            assert (asked["script"], asked["args"]) == ("train.py", ["--n", "3"])
            assert "retries" not in asked
            studio.curves["j9"] = {"steps_per_second": [(5, 2.0 * number)]}
            ended = {"precision": precision, "started": 1.0, "ended": 9.0, "notes": ["a note"]}
            studio.list_job("j9", "short", "succeeded", **ended)
        await until(pilot, lambda: "change" in text_of(pilot))
        rows = [row.strip("│ ") for row in text_of(pilot).splitlines()]
        assert "32-true    succeeded  500 ms     –     –     –" in rows
        assert "bf16-true  succeeded  250 ms     –     –     –" in rows
        await until(pilot, lambda: "a note" in text_of(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: bool(closed))
        assert closed == [None]


async def test_who_leaves_stops_the_run(studio: Any, open_app: Any, text_of: Any) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        screen = PrecisionAdvice(studio, REQUEST)
        pilot.app.push_screen(screen)
        await pilot.pause()
        screen.query_one(PrecisionTable).focus()
        await pilot.press("m")
        await until(pilot, lambda: len(studio.asked("jobs.run")) == 1)
        await pilot.press("escape")
        await until(pilot, lambda: studio.asked("jobs.stop") == [{"job": "j9"}])
        assert pilot.app.screen is screen
        assert "stopped" in text_of(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not screen)


async def test_what_cannot_run_is_said(studio: Any, open_app: Any, text_of: Any) -> None:
    studio.refuse["jobs.run"] = StudioError("there is no train.py", "check the name")
    async with open_app(studio, (80, 24)) as pilot:
        screen = PrecisionAdvice(studio, REQUEST)
        pilot.app.push_screen(screen)
        await pilot.pause()
        screen.query_one(PrecisionTable).focus()
        await pilot.press("m")
        await until(pilot, lambda: "! there is no train.py · check the name" in text_of(pilot))
