from __future__ import annotations

import math

import pytest

from studio_tui.app.widgets.braille import Canvas
from studio_tui.app.widgets.curve_plot import Frame, draw, plot


def test_a_frame_holds_the_finite_points() -> None:
    frame = Frame.around([[(3, 1.0), (5, math.inf)], [(9, -1.0)]])
    assert frame == Frame(3, 9, -1.0, 1.0)
    assert Frame.around([[(3, math.nan)], []]) is None
    flat = Frame.around([[(3, 2.0)]])
    assert flat is not None
    assert (flat.low, flat.high) == pytest.approx((1.8, 2.2))
    assert flat.x(3, 11) == 5


@pytest.mark.parametrize(
    "points",
    [
        [(0, 1e308), (1, -1e308)],
        [(0, 5e-324), (10**400, 0.0)],
        [(-5, 1.0), (5, 1.0 + 2**-52)],
        [(0, -0.0)],
    ],
)
def test_extreme_points_are_drawn(points) -> None:
    rows = plot({"": points}, 20, 4)
    assert rows is not None
    assert len(rows) == 4


def test_a_spike_among_many_points_is_seen() -> None:
    points = [(step, 1.0 if step == 51_234 else 0.0) for step in range(100_000)]
    frame = Frame.around([points])
    assert frame is not None
    canvas = Canvas(10, 3)
    draw(canvas, frame, points, 1)
    assert canvas.text() == ["⠀⠀⠀⠀⢸⠀⠀⠀⠀⠀", "⠀⠀⠀⠀⢸⠀⠀⠀⠀⠀", "⠤⠤⠤⠤⠼⠤⠤⠤⠤⠤"]


def test_a_gap_is_not_bridged_and_a_lone_point_is_seen() -> None:
    points = [(0, 0.0), (1, 0.0), (2, math.nan), (3, 1.0), (4, math.nan), (9, 0.0), (10, 0.0)]
    frame = Frame.around([points])
    assert frame is not None
    canvas = Canvas(11, 1)
    draw(canvas, frame, points, 1)
    assert canvas.text() == ["⠤⠄⠀⠛⠀⠀⠀⠀⠀⠤⠤"]


def test_steps_that_went_back_are_put_in_order() -> None:
    forward, back = Canvas(8, 2), Canvas(8, 2)
    points = [(0, 0.0), (5, 1.0), (10, 0.5)]
    frame = Frame.around([points])
    assert frame is not None
    draw(forward, frame, points, 1)
    draw(back, frame, [points[2], points[0], points[1]], 1)
    assert forward.text() == back.text()
