"""What a relay answers to plain GETs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay_server.health import Acks, Counters, Gauges, answer
from relay_server.wire import Close

FINE = Gauges("1.0", 3, 2, 5, 0, 0.0, 1 << 20, store_failing=False, full=False, closing=False)


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
    ("true", "reason"),
    [
        (set(), ""),
        ({"store_failing"}, "store fails"),
        ({"full"}, "full"),
        ({"closing"}, "closing"),
        ({"closing", "store_failing", "full"}, "closing"),
    ],
)
def test_ready_is_able_to_take_work(true: set[str], reason: str) -> None:
    told = answer("/readyz", Counters(), replace(FINE, **dict.fromkeys(true, True)))
    assert told is not None
    assert told.status == (503 if reason else 200)
    assert json.loads(told.body) == {"ready": not reason, "reason": reason}


def samples(counters: Counters, gauges: Gauges = FINE) -> dict[tuple[str, ...], float]:
    """What a Prometheus server reads: name and values of labels -> value."""
    told = answer("/metrics", counters, gauges)
    assert told is not None
    families = list(text_string_to_metric_families(told.body))
    assert all(family.documentation and family.type != "unknown" for family in families)
    found = [sample for family in families for sample in family.samples]
    return {(s.name, *s.labels.values()): s.value for s in found}


def test_metrics_are_prometheus_text() -> None:
    seen = samples(Counters(updates=7, deliveries=14, audit_lost=1))
    assert seen[("relay_updates_total",)] == 7
    assert seen[("relay_deliveries_total",)] == 14
    assert seen[("relay_audit_lost_total",)] == 1
    assert seen[("relay_rooms",)] == 2
    assert seen[("relay_members",)] == 5
    assert seen[("relay_journal_failing",)] == 0


def test_drops_have_their_reason() -> None:
    seen = samples(Counters(closed=Counter({4508: 2, 429: 1, 503: 3, 1006: 4, 1009: 5, 4400: 6})))
    assert seen[("relay_closed_total", "4508", "slow_reader")] == 2
    assert seen[("relay_closed_total", "429", "address_limit")] == 1
    assert seen[("relay_closed_total", "503", "full")] == 3
    assert seen[("relay_closed_total", "1006", "no_answer")] == 4
    assert seen[("relay_closed_total", "1009", "other")] == 5
    assert seen[("relay_closed_total", "4400", "protocol")] == 6


@pytest.mark.parametrize("code", Close)
def test_every_close_code_has_a_reason(code: Close) -> None:
    (found,) = (key for key in samples(Counters(closed=Counter({code: 1}))) if len(key) == 3)
    assert found == ("relay_closed_total", str(int(code)), code.name.lower())


def test_the_journals_word_is_timed() -> None:
    acks = Acks()
    for ticket, now in ((1, 10.0), (4, 10.5), (6, 11.0)):
        acks.wait(ticket, now)
    assert acks.lag(11.0) == 1.0
    acks.safe(5, 11.0)  # another room's: everything before it is safe too
    assert acks.lag(11.0) == 0.0
    assert acks.lag(12.0) == 1.0
    acks.safe(6, 11.001)
    assert acks.lag(12.0) == 0.0
    seen = samples(Counters(acks=acks))
    bucket = "relay_ack_latency_seconds_bucket"
    assert [seen[(bucket, bound)] for bound in ("0.0025", "0.25", "0.5", "1.0", "+Inf")] == [
        1, 1, 2, 3, 3,
    ]  # fmt: skip
    assert seen[("relay_ack_latency_seconds_count",)] == 3
    assert seen[("relay_ack_latency_seconds_sum",)] == pytest.approx(1.501)


def test_there_is_nothing_else() -> None:
    assert answer("/", Counters(), FINE) is None
    assert answer("/healthz/x", Counters(), FINE) is None
