"""How far the ways of jobs from machine to machine are, as everybody sees it."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace

from studio_tui.document.entries import JobEntry, JobMove
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.host.jobs.ledger import Ledger

log = logging.getLogger(__name__)

KEPT = 20
"""So many moves of a job are told."""


class Itinerary:
    """The moves in the entries of the studio's jobs.

    Args:
        document: the studio document.
        ledger: what is told of the jobs.
    """

    def __init__(self, document: StudioDocument, ledger: Ledger) -> None:
        self._document = document
        self._ledger = ledger

    def put(self, job_id: str, move: JobMove) -> None:
        """Say where it is now."""
        entry = self._document.jobs.get(job_id)
        if entry is not None:
            done = [each for each in entry.moves if each.get("phase") == "done"]
            self._ledger.change(job_id, moves=[*done[-KEPT:], asdict(move)])

    def tell(self, job_id: str, move: JobMove, phase: str, note: str = "") -> JobMove:
        """Say how far it is; of its end there is a note, too."""
        log.info("job %s to %s: %s %s", job_id, move.target, phase, note)
        move = replace(move, phase=phase, note=note)
        self.put(job_id, move)
        if move.over:
            told = note if phase == "done" else f"not moved to {move.target}: {note or phase}"
            self._ledger.note(job_id, told)
        return move

    def warn(self, job_id: str, problem: StudioError) -> None:
        """Say what is waited for; it may take long."""
        entry = self._document.jobs.get(job_id)
        if entry is not None and (move := under_way(entry)) and move.note != problem.message:
            self.put(job_id, replace(move, note=problem.message))
        log.warning("job %s: %s", job_id, problem)


def under_way(entry: JobEntry) -> JobMove | None:
    """The move of a job that has not come to its end."""
    move = entry.moved[-1] if entry.moves else None
    return move if move is not None and not move.over else None


def words(problem: StudioError | OSError) -> str:
    """A problem for people, its hint too."""
    if isinstance(problem, OSError):
        return problem.strerror or str(problem)
    return f"{problem.message}; {problem.hint}".rstrip("; ")
