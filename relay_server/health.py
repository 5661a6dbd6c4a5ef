"""What a relay tells of itself: counters, and the answers to /healthz, /readyz and /metrics."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """What has happened since the relay started."""

    connections: int = 0
    frames: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    updates: int = 0
    appended: int = 0
    quarantined: int = 0
    closed: Counter[int] = field(default_factory=Counter)  # by close code


@dataclass(frozen=True, slots=True)
class Gauges:
    """How things are now."""

    version: str
    connections: int
    rooms: int
    members: int
    backlog_bytes: int
    store_failing: bool
    closing: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: status, content type, body."""

    status: int
    content_type: str
    body: str


_HELP = {
    "connections_total": "Connections accepted.",
    "frames_total": "Websocket messages received.",
    "received_bytes_total": "Bytes received.",
    "sent_bytes_total": "Bytes sent.",
    "updates_total": "Document updates received.",
    "journal_appends_total": "Rows given to the journal.",
    "quarantined_total": "Stored rows set aside because they cannot be applied.",
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
        return Answer(200, "text/plain; version=0.0.4", _metrics(counters, gauges))
    return None


def _ready(gauges: Gauges) -> Answer:
    reason = "closing" if gauges.closing else "store fails" if gauges.store_failing else ""
    body = {"ready": not reason, "reason": reason}
    return Answer(503 if reason else 200, "application/json", json.dumps(body) + "\n")


def _metrics(counters: Counters, gauges: Gauges) -> str:
    totals = {
        "connections_total": counters.connections,
        "frames_total": counters.frames,
        "received_bytes_total": counters.received_bytes,
        "sent_bytes_total": counters.sent_bytes,
        "updates_total": counters.updates,
        "journal_appends_total": counters.appended,
        "quarantined_total": counters.quarantined,
    }
    now = {
        "connections": gauges.connections,
        "rooms": gauges.rooms,
        "members": gauges.members,
        "journal_backlog_bytes": gauges.backlog_bytes,
        "journal_failing": int(gauges.store_failing),
    }
    lines: list[str] = []
    for name, value in totals.items():
        lines += [f"# HELP relay_{name} {_HELP[name]}", f"# TYPE relay_{name} counter"]
        lines.append(f"relay_{name} {value}")
    for name, value in now.items():
        lines += [f"# TYPE relay_{name} gauge", f"relay_{name} {value}"]
    lines.append("# TYPE relay_closed_total counter")
    for code, count in sorted(counters.closed.items()):
        lines.append(f'relay_closed_total{{code="{code}"}} {count}')
    return "\n".join(lines) + "\n"
