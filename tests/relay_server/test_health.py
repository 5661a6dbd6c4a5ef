"""What a relay answers to plain GETs."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from relay_server.health import Counters, Gauges, answer

FINE = Gauges("1.0", 3, 2, 5, 0, store_failing=False, closing=False)


def test_health_is_short_json() -> None:
    told = answer("/healthz", Counters(), FINE)
    assert told is not None
    assert told.status == 200
    assert json.loads(told.body) == {
        "status": "ok",
        "version": "1.0",
        "connections": 3,
        "rooms": 2,
    }


@pytest.mark.parametrize(
    ("failing", "closing", "status"), [(False, False, 200), (True, False, 503), (False, True, 503)]
)
def test_ready_is_able_to_take_work(failing: bool, closing: bool, status: int) -> None:
    gauges = Gauges("1.0", 0, 0, 0, 0, store_failing=failing, closing=closing)
    told = answer("/readyz", Counters(), gauges)
    assert told is not None
    assert told.status == status
    assert json.loads(told.body)["ready"] == (status == 200)


def test_metrics_are_prometheus_text() -> None:
    told = answer("/metrics", Counters(updates=7, closed=Counter({4508: 2})), FINE)
    assert told is not None
    lines = told.body.splitlines()
    assert "relay_updates_total 7" in lines
    assert "relay_rooms 2" in lines
    assert 'relay_closed_total{code="4508"} 2' in lines
    samples = [line for line in lines if not line.startswith("#")]
    assert all(len(line.split(" ")) == 2 and float(line.split(" ")[1]) >= 0 for line in samples)


def test_there_is_nothing_else() -> None:
    assert answer("/", Counters(), FINE) is None
    assert answer("/healthz/x", Counters(), FINE) is None
