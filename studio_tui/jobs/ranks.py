"""Which rank of a run is where, and which one holds the others up. No I/O."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import dataclass
from typing import Any

RANKS = 4096
"""So many ranks of one run; what more tell is dropped."""
SILENT_SECONDS = 30.0
"""A rank that lives is heard every five."""
HUNG_SECONDS = 60.0
"""No step takes that long, and ten times the usual."""
SLOW = 1.5
"""So many times what the ranks' own part of a step takes them in the middle."""
LITTLE = 0.002
"""Seconds that make nobody slow."""


@dataclass(frozen=True, slots=True)
class RankBeat:
    """What a rank said last; see payload/lightning/studio_ranks.py. `t` is a Unix time."""

    rank: int
    machine: str
    t: float
    step: int
    phase: str
    since: float
    step_time: float | None
    own_time: float | None


class RankBoard:
    """The ranks of a run by what they said last."""

    def __init__(self) -> None:
        self._beats: dict[int, RankBeat] = {}

    def feed(self, rows: bytes, machine: str) -> None:
        """Takes whole rows that came from a machine; those that are no beats are passed over."""
        for line in rows.splitlines():
            beat = _read(line, machine) if b'"beat"' in line else None
            if beat and (beat.rank in self._beats or len(self._beats) < RANKS):
                self._beats[beat.rank] = beat

    def told(self, now: float) -> list[dict[str, Any]]:
        """The ranks in order, each with what it is at and its state.

        Keys: rank, machine, step, step_time, own_time, phase, heard (seconds ago), state: silent
        when nothing is heard of it, hung when it is in one phase for much too long and not waiting
        for others, waiting when it does, slow when its own part of a step takes much longer than
        that of the others, else ok.

        Args:
            now: Unix time in seconds, by the clock of the machines.
        """
        beats = sorted(self._beats.values(), key=lambda beat: beat.rank)
        own = [beat.own_time for beat in beats if beat.own_time is not None]
        middle = statistics.median_low(own) if own else math.inf
        return [
            {
                "rank": beat.rank,
                "machine": beat.machine,
                "step": beat.step,
                "step_time": beat.step_time,
                "own_time": beat.own_time,
                "phase": beat.phase,
                "heard": round(max(0.0, now - beat.t), 1),
                "state": _state(beat, now, middle),
            }
            for beat in beats
        ]


def _state(beat: RankBeat, now: float, middle: float) -> str:
    if now - beat.t > SILENT_SECONDS:
        return "silent"
    if beat.since > max(HUNG_SECONDS, 10 * (beat.step_time or 0.0)) and beat.phase != "other":
        # In the backward pass ranks wait for each other: whoever is not there yet is the one.
        return "waiting" if beat.phase == "backward" else "hung"
    if beat.own_time is not None and beat.own_time > max(SLOW * middle, middle + LITTLE):
        return "slow"
    return "ok"


def _read(line: bytes, machine: str) -> RankBeat | None:
    try:
        row = json.loads(line)
        if row["event"] != "beat" or not 0 <= int(row["rank"]) < 1 << 31:
            return None
        return RankBeat(
            rank=int(row["rank"]),
            machine=machine,
            t=float(row["t"]),
            step=int(row["step"]),
            phase=str(row["phase"])[:20],
            since=float(row["since"]),
            step_time=_seconds(row["step_time"]),
            own_time=_seconds(row["own_time"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
