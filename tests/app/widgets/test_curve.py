from __future__ import annotations

import math

import pytest

from studio_tui.app.widgets.curve import Curve
from studio_tui.client.marks import Mark

TRAIN = [(step, 4.2 - step / 100) for step in range(0, 231, 10)]
VAL = [(step, 4.0 - step / 200) for step in range(50, 231, 60)]
CURVES = {"train_loss": TRAIN, "val_loss": VAL, "lr": [(0, 3e-4)], "epoch": [(0, 0.0), (230, 2.0)]}


async def test_title_plot_and_legend(stage, drawn) -> None:
    curve = Curve()
    async with stage(curve, 30, 6):
        curve.show(CURVES, "char-gpt")
        assert [row.rstrip("⠀") for row in drawn(curve)] == [
            "char-gpt · loss 1/3  230 steps",
            "4.20⡇⠉⠒⠒⠤⠤⣀",
            "    ⡇⠀⠀⠀⠀⠀⠀⠉⠉⠛⠛⠢⢄⣒⡒⠀⠀⠤⠤⠀⠀⣀⣀",
            "    ⡇⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠈⠑⠒⠢⠤⠤⣀⠀⠀⠀⠀⠉",
            "1.90⣇⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣉⣉⣒⣒⣤",
            "─ train 1.90  ┄ val 2.85",
        ]


@pytest.mark.parametrize("height", [1, 2, 3, 4, 30])
@pytest.mark.parametrize("width", [1, 3, 6, 24, 80])
async def test_any_size_is_drawn(stage, drawn, width, height) -> None:
    curve = Curve()
    async with stage(curve, width, height) as pilot:
        curve.show({**CURVES, "loss\x1b[2J" * 9: [(10**400, 1e300), (0, math.nan)]}, "日本語" * 20)
        assert len(drawn(curve)) == height
        await pilot.press("l", "m", "right_square_bracket")
        drawn(curve)


async def test_keys_choose_metric_scale_and_smoothing(stage, drawn) -> None:
    curve = Curve()
    async with stage(curve, 40, 6) as pilot:
        curve.show(CURVES)
        assert curve.metric == "loss"
        await pilot.press("right_square_bracket")
        assert curve.metric == "lr"
        assert drawn(curve)[0].startswith("lr 2/3")
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert curve.metric == "epoch"
        await pilot.press("l", "m")
        assert drawn(curve)[0].startswith("epoch 3/3 log smooth")
        curve.show({"train_loss": TRAIN})
        assert curve.metric == "loss"
        curve.show(CURVES)
        assert curve.metric == "epoch"


async def test_smoothing_and_log_change_the_plot(stage, drawn) -> None:
    curve = Curve()
    noisy = [(step, 1.0 + 9.0 * (step % 2)) for step in range(40)]
    async with stage(curve, 40, 8) as pilot:
        curve.show({"loss": noisy})
        plain = drawn(curve)
        await pilot.press("m")
        smooth = drawn(curve)
        await pilot.press("m", "l")
        assert plain[1:] != smooth[1:]
        assert drawn(curve)[1].startswith("10.0")


async def test_nothing_to_draw_says_why(stage, drawn) -> None:
    curve = Curve()
    async with stage(curve, 60, 5) as pilot:
        assert drawn(curve)[0] == " no curve yet: self.log(...) in training_step draws one"
        curve.show({"loss": [(0, math.nan), (1, math.inf)]})
        assert drawn(curve)[1] == " no finite value yet"
        assert drawn(curve)[2] == "─ – ! 2 nan or inf"
        curve.show({"loss": [(0, -1.0)]})
        await pilot.press("l")
        assert drawn(curve)[1] == " no value above 0: l for a linear scale"


async def test_series_have_colours_of_their_own(stage) -> None:
    curve = Curve()
    async with stage(curve, 40, 8):
        curve.show(CURVES)
        legend = [segment for segment in curve.render_line(7) if segment.text.strip()]
        assert [segment.text.strip() for segment in legend] == ["─ train 1.90", "┄ val 2.85"]
        colours = {segment.style.color for segment in legend}
        assert len(colours) == 2
        plotted = {s.style.color for y in range(1, 7) for s in curve.render_line(y) if s.style}
        assert colours <= plotted


async def test_a_cursor_tells_the_values_at_its_step(stage, drawn) -> None:
    curve = Curve()
    async with stage(curve, 40, 12) as pilot:
        curve.show({"train_loss": [(0, 4.0), (50, 3.0), (100, 2.0)], "val_loss": [(50, 3.5)]})
        await pilot.press("left")
        assert drawn(curve)[0].endswith("step 100")
        await pilot.press("left")
        assert drawn(curve)[0].endswith("step 50")
        assert drawn(curve)[-1] == "─ train 3.00  ┄ val 3.50"
        await pilot.press("left", "left")
        assert drawn(curve)[-1] == "─ train 4.00  ┄ val –"
        await pilot.click(curve, offset=(39, 4))
        assert curve.cursor == 100
        await pilot.press("right")
        assert curve.cursor == 100
        await pilot.press("escape")
        assert drawn(curve)[0].endswith("100 steps")
        curve.show({})
        await pilot.press("left", "right")


async def test_axes_tell_values_and_steps(stage, drawn) -> None:
    curve = Curve()
    async with stage(curve, 40, 14) as pilot:
        curve.show({"loss": [(0, 1000.0), (2000, 10.0)]})
        rows = drawn(curve)
        assert rows[1].startswith("1000⡇")
        assert rows[-3].startswith("10.0⣇")
        assert rows[-2].split() == ["0", "1k", "2k"]
        labels = [row.split("⡇")[0].strip() for row in rows[2:-3] if "⡇" in row]
        (middle,) = [label for label in labels if label]
        assert 400 < float(middle) < 600
        await pilot.press("l")
        labels = [row.split("⡇")[0].strip() for row in drawn(curve)[2:-3] if "⡇" in row]
        (middle,) = [label for label in labels if label]
        assert 80 < float(middle) < 130


async def test_other_runs_are_laid_over(stage, drawn) -> None:
    curve = Curve()
    async with stage(curve, 60, 6):
        others = {"base\x1bline": {"train_loss": [(0, 8.0)]}, "none": {"acc": [(0, 1.0)]}}
        curve.show({"train_loss": [(0, 4.0), (10, 2.0)]}, "mixed", others)
        assert drawn(curve)[-1] == "─ mixed 2.00  ┄ baseline 8.00"
        assert drawn(curve)[1].startswith("8.00")


async def test_a_mark_stands_where_the_run_went_on(stage, drawn) -> None:
    curve = Curve()
    marks = [Mark(50, "attempt\x1b 2"), Mark(100, "moved to gpu-box")]
    async with stage(curve, 40, 9):
        curve.show({"loss": [(0, 4.0), (100, 2.0)]}, "run", None, marks)
        rows = drawn(curve)
        assert rows[1][22] == "▾"
        assert rows[1][39] == "▾"
        assert rows[3][39] == "⠨"  # a dotted line below it
        assert rows[-1] == "▾ 50 attempt 2  ▾ 100 moved to gpu-box"
        curve.show({"loss": [(0, 4.0), (100, 2.0)]}, "run", None, [*marks, Mark(10**30, "later")])
        assert "later" in drawn(curve)[-1]


async def test_many_marks_leave_the_last(stage, drawn) -> None:
    curve = Curve()
    async with stage(curve, 20, 9):
        marks = [Mark(step, f"attempt {step}") for step in range(2, 9)]
        curve.show({"loss": [(0, 4.0), (9, 2.0)]}, marks=marks)
        assert drawn(curve)[-1] == "▾ 8 attempt 8"
