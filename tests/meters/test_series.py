"""A ring of samples, as tracks that a chart can draw."""

from __future__ import annotations

import pytest

from studio_tui.meters.sample import GPU, Sample
from studio_tui.meters.series import Series


def sample(time: float, **values: float) -> Sample:
    return Sample("m", time, **values)  # type: ignore[arg-type]


def test_the_ring_keeps_the_newest() -> None:
    series = Series(3)
    for time in range(5):
        series.add(sample(time, cpu=time / 10))
    assert len(series) == 3
    assert series.times() == [2, 3, 4]
    assert series.track("cpu") == [0.2, 0.3, 0.4]
    assert series.latest == sample(4, cpu=0.4)


def test_a_sample_from_the_past_is_dropped() -> None:
    series = Series()
    series.add(sample(5))
    series.add(sample(4))
    assert series.times() == [5]


def test_tracks_are_those_that_tell_something() -> None:
    series = Series()
    assert series.tracks == ()
    assert series.latest is None
    series.add(sample(1, memory_used=1, memory_total=4, load=0.5))
    series.add(Sample("m", 2, cpu=0.5, gpus=(GPU(1, utilisation=0.9), GPU(3, power_watts=50.0))))
    assert series.tracks == ("cpu", "memory", "load", "gpu1.utilisation", "gpu3.power")
    assert series.track("memory") == [0.25, None]
    assert series.track("gpu1.utilisation") == [None, 0.9]
    assert series.track("gpu1.power") == [None, None]


def test_every_track_of_a_full_sample() -> None:
    gpu = GPU(0, "x", 0.1, 1, 2, 3.0, 4.0, 5.0, 6)
    series = Series()
    series.add(Sample("m", 1, 0.1, (), 1, 2, 3, 4, 5.0, 6.0, 7.0, 8.0, 9.0, (gpu,)))
    assert {name: series.track(name)[0] for name in series.tracks} == {
        "cpu": 0.1,
        "memory": 0.5,
        "disk": 0.75,
        "net_received": 5.0,
        "net_sent": 6.0,
        "disk_read": 7.0,
        "disk_written": 8.0,
        "load": 9.0,
        "gpu0.utilisation": 0.1,
        "gpu0.memory": 0.5,
        "gpu0.power": 3.0,
        "gpu0.temperature": 5.0,
        "gpu0.sm_clock": 6.0,
    }


@pytest.mark.parametrize("name", ["", "gpu", "gpu0", "gpu0.speed", "cores"])
def test_a_track_that_does_not_exist(name: str) -> None:
    series = Series()
    series.add(sample(1))
    with pytest.raises(KeyError):
        series.track(name)
