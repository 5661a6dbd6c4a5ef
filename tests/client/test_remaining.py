from __future__ import annotations

from studio_tui.client.remaining import Remaining, remaining

LOSS = [(10, 3.0), (400, 1.0)]


def test_what_is_left() -> None:
    speeds = [(300, 20.0), (390, 400.0), (395, 20.0)]
    assert remaining({"loss": LOSS, "steps_per_second": speeds}, 2000) == Remaining(400, 2000, 80)
    assert remaining({"loss": LOSS}, 2000) == Remaining(400, 2000, None)
    assert remaining({"loss": LOSS, "steps_per_second": [(9, 0.0)]}, 400) == Remaining(
        400, 400, None
    )


def test_what_nobody_can_know() -> None:
    assert remaining({"loss": LOSS}, None) is None
    assert remaining({"loss": LOSS}, 0) is None
    assert remaining({"loss": []}, 2000) is None
    assert remaining({"loss": LOSS}, 300) is None  # it counts its steps otherwise
