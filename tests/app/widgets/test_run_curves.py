from __future__ import annotations

import math

import pytest

from studio_tui.app.widgets.run_curves import last_finite, logarithmic, metrics, smoothed


def test_names_are_split_into_metric_and_series() -> None:
    names = """val/acc train_loss_step train_loss_epoch validation_loss test_loss loss lr epoch step
        acc_best""".split()
    groups = metrics({name: [(0, 1.0)] for name in names})
    assert {name: list(series) for name, series in groups.items()} == {
        "loss": ["train epoch", "train step", "val", "test", ""],
        "acc": ["val"],
        "acc_best": [""],
        "lr": [""],
        "epoch": [""],
        "step": [""],
    }
    assert list(groups) == ["loss", "acc", "acc_best", "lr", "epoch", "step"]


def test_smoothing_starts_without_a_bias_and_keeps_gaps() -> None:
    assert [value for _, value in smoothed([(0, 4.0), (1, 4.0)])] == pytest.approx([4.0, 4.0])
    values = [value for _, value in smoothed([(0, 0.0), (1, math.nan), (2, 1.0)], weight=0.5)]
    assert values[0] == 0.0
    assert math.isnan(values[1])
    assert values[2] == pytest.approx(2 / 3)


def test_logarithms_have_gaps_where_there_is_none() -> None:
    values = [value for _, value in logarithmic([(0, 100.0), (1, 0.0), (2, -1.0), (3, math.inf)])]
    assert values[0] == 2.0
    assert all(math.isnan(value) for value in values[1:])


def test_last_finite() -> None:
    assert last_finite([(0, 1.0), (1, math.nan)]) == (0, 1.0)
    assert last_finite([(1, math.inf)]) is None
