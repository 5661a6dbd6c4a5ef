from __future__ import annotations

from studio_tui.terminal.pace import Pace


def test_after_a_pause_at_once() -> None:
    pace = Pace(0.033)
    assert pace.due is None
    assert pace.changed(10.0) == 10.0
    pace.published(10.0)
    assert pace.due is None
    assert pace.changed(10.5) == 10.5


def test_while_output_goes_on_once_per_interval() -> None:
    pace = Pace(0.030)
    pace.changed(1.0)
    pace.published(1.0)
    assert pace.changed(1.010) == 1.030
    assert pace.changed(1.020) == 1.030
    assert pace.due == 1.030
    assert pace.changed(1.040) == 1.040  # late already: now


def test_a_program_that_holds_is_waited_for() -> None:
    pace = Pace(0.030, 0.150)
    assert pace.changed(5.0, held=True) == 5.150
    assert pace.changed(5.1, held=True) == 5.150
    assert pace.changed(5.11, held=False) == 5.11


def test_but_not_for_ever() -> None:
    pace = Pace(0.030, 0.150)
    pace.changed(5.0, held=True)
    assert pace.changed(5.2, held=True) == 5.2
    pace.published(5.2)
    assert pace.changed(5.3, held=True) == 5.45


def test_holding_never_makes_frames_come_faster() -> None:
    pace = Pace(0.2, 0.150)
    pace.changed(1.0)
    pace.published(1.0)
    assert pace.changed(1.01, held=True) == 1.2
