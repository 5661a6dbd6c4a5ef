"""What a relay tells of itself: counters, and the answers to /healthz, /readyz and /metrics."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from relay_server.wire import Close

if TYPE_CHECKING:
    from collections.abc import Iterator

# Upper bounds of the histogram's buckets, in seconds: a commit alone, in a queue, on a bad disk.
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Acks:
    """How long the journal takes for its word that an update is safe.

    Attributes:
        counts: how many took no longer than each of `BUCKETS`, and last those that took longer;
            each is counted once.
        total: seconds, over all of them.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0
        self._waiting: deque[tuple[int, float]] = deque()  # ticket, when the journal got it

    def wait(self, ticket: int, now: float) -> None:
        """The journal got an update; tickets rise."""
        self._waiting.append((ticket, now))

    def safe(self, ticket: int, now: float) -> None:
        """The journal has everything up to a ticket, of whatever room: it keeps their order."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= ticket:
            took = now - waiting.popleft()[1]
            self.counts[bisect_left(BUCKETS, took)] += 1
            self.total += took

    def lag(self, now: float) -> float:
        """Seconds that the oldest update has waited for the journal."""
        return now - self._waiting[0][1] if self._waiting else 0.0


@dataclass(slots=True)
class Counters:
    """What has happened since the relay started."""

    connections: int = 0
    frames: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    updates: int = 0
    deliveries: int = 0
    appended: int = 0
    quarantined: int = 0
    audit_lost: int = 0
    closed: Counter[int] = field(default_factory=Counter)  # by close code or HTTP status
    acks: Acks = field(default_factory=Acks)


@dataclass(frozen=True, slots=True)
class Gauges:
    """How things are now."""

    version: str
    connections: int
    rooms: int
    members: int
    backlog_bytes: int
    lag: float  # seconds
    memory: int  # bytes
    store_failing: bool
    full: bool  # lets nobody else in
    closing: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: status, content type, body."""

    status: int
    content_type: str
    body: str


_TOTALS: Final = {
    "connections": "Connections accepted.",
    "frames": "Websocket messages received.",
    "received_bytes": "Bytes received.",
    "sent_bytes": "Bytes sent.",
    "updates": "Document updates received.",
    "deliveries": "Messages sent on to members of a room, each counted once per member.",
    "journal_appends": "Rows given to the journal.",
    "quarantined": "Stored rows set aside because they cannot be applied.",
    "audit_lost": "Events that the audit log could not take.",
}
_GAUGES: Final = {
    "connections": "Connections now.",
    "rooms": "Rooms in memory.",
    "members": "Members of all rooms.",
    "journal_backlog_bytes": "Bytes that wait for the journal.",
    "journal_lag_seconds": "How long the oldest update has waited for the journal.",
    "journal_failing": "1 while the store cannot be written.",
    "resident_memory_bytes": "Memory of the process; 0 where it cannot be told.",
}
_REASONS: Final[dict[int, str]] = {
    1002: "websocket_error",
    1006: "no_answer",
    1007: "not_utf8",
    HTTPStatus.TOO_MANY_REQUESTS: "address_limit",
    HTTPStatus.SERVICE_UNAVAILABLE: "full",
    **{code: code.name.lower() for code in Close},
}


def answer(path: str, counters: Counters, gauges: Gauges) -> Answer | None:
    """The response to a plain GET, or None when there is nothing under that path."""
    if path == "/healthz":
        body = {
            "status": "ok",
            "version": gauges.version,
            "connections": gauges.connections,
            "rooms": gauges.rooms,
        }
        return Answer(200, "application/json", json.dumps(body) + "\n")
    if path == "/readyz":
        return _ready(gauges)
    if path == "/metrics":
        return Answer(200, "text/plain; version=0.0.4; charset=utf-8", _metrics(counters, gauges))
    return None


def _ready(gauges: Gauges) -> Answer:
    reasons = {
        "closing": gauges.closing,
        "store fails": gauges.store_failing,
        "full": gauges.full,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), "")
    body = {"ready": not reason, "reason": reason}
    return Answer(503 if reason else 200, "application/json", json.dumps(body) + "\n")


def _metrics(counters: Counters, gauges: Gauges) -> str:
    totals = (
        counters.connections,
        counters.frames,
        counters.received_bytes,
        counters.sent_bytes,
        counters.updates,
        counters.deliveries,
        counters.appended,
        counters.quarantined,
        counters.audit_lost,
    )
    now = (
        gauges.connections,
        gauges.rooms,
        gauges.members,
        gauges.backlog_bytes,
        gauges.lag,
        int(gauges.store_failing),
        gauges.memory,
    )
    lines: list[str] = []
    for (name, text), total in zip(_TOTALS.items(), totals, strict=True):
        lines += [*_head(f"{name}_total", "counter", text), f"relay_{name}_total {total}"]
    for (name, text), value in zip(_GAUGES.items(), now, strict=True):
        lines += [*_head(name, "gauge", text), f"relay_{name} {value}"]
    lines += [*_closed(counters.closed), *_latency(counters.acks)]
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP relay_{name} {text}", f"# TYPE relay_{name} {kind}"]


def _closed(closed: Counter[int]) -> Iterator[str]:
    text = "Connections that the relay ended or did not let in, by close code or HTTP status."
    yield from _head("closed_total", "counter", text)
    for code, count in sorted(closed.items()):
        reason = _REASONS.get(code, "other")
        yield f'relay_closed_total{{code="{int(code)}",reason="{reason}"}} {count}'


def _latency(acks: Acks) -> Iterator[str]:
    yield from _head(
        "ack_latency_seconds", "histogram", "From the journal's door to its word, per row."
    )
    bounds = [*map(str, BUCKETS), "+Inf"]
    reached = list(accumulate(acks.counts))
    for bound, count in zip(bounds, reached, strict=True):
        yield f'relay_ack_latency_seconds_bucket{{le="{bound}"}} {count}'
    yield f"relay_ack_latency_seconds_sum {acks.total}"
    yield f"relay_ack_latency_seconds_count {reached[-1]}"
