"""What everybody is told of the jobs: their entries in the studio document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.jobs.launch import JobState, JobStatus
from studio_tui.jobs.mask import Mask
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.spec import JobSpec


class Ledger:
    """Writes the entries of the studio's jobs. Nothing is told of a job that has none any more.

    Args:
        document: the studio document.
        mask: finds what covers a job's secrets, by its id.
        clock: Unix time in seconds.
    """

    def __init__(
        self, document: StudioDocument, mask: Callable[[str], Mask], clock: Callable[[], float]
    ) -> None:
        self._document = document
        self._mask = mask
        self._clock = clock

    def change(self, job_id: str, **values: Any) -> None:
        """Tell something new of a job."""
        entry = self._document.jobs.get(job_id)
        if entry is not None:
            self._document.jobs.put(replace(entry, **values))

    def note(self, job_id: str, *notes: str, once: bool = False) -> None:
        """Say what people should know of a job, beside what they know; no secret is in it.

        Args:
            once: whether what was said before is left out.
        """
        entry = self._document.jobs.get(job_id)
        if entry is None or not notes:
            return
        told = [self._mask(job_id).text(note) for note in notes]
        fresh = [note for note in told if not once or note not in entry.notes]
        if fresh:
            self.change(job_id, notes=[*entry.notes, *fresh])

    def learn(self, job_id: str, metrics: Metrics, spec: JobSpec) -> None:
        """Tell what a job's own rows say of it as a whole."""
        entry = self._document.jobs.get(job_id)
        if entry is not None and metrics.total not in (None, entry.total_steps):
            self.change(job_id, total_steps=metrics.total)
        self.note(job_id, *metrics.notes(spec), once=True)

    def update(self, job_id: str, status: JobStatus, *, last: bool = False) -> None:
        """Tell what became of a job; of its end once all that it wrote is known.

        Args:
            last: whether the follower has come to the end.
        """
        entry = self._document.jobs.get(job_id)
        if entry is None or entry.over or status.state.ended != last:
            return
        if status.state is JobState.STARTING and entry.state == JobState.RUNNING:
            return  # of another member
        # Of several machines none has the clock; a later one does not know when it began.
        started = status.started if entry.nodes == 1 and not entry.moves else None
        entry = replace(
            entry,
            state=status.state.value,
            exit_code=status.exit_code,
            started=started or entry.started,
        )
        if last:
            entry = self._over(entry, status.ended)
        self._document.jobs.put(entry)

    def end(self, job_id: str, state: JobState, *notes: str) -> None:
        """Tell that a job is over whose end is in no file of a machine."""
        entry = self._document.jobs.get(job_id)
        if entry is not None and not entry.over:
            self._document.jobs.put(self._over(replace(entry, state=state.value)))
            self.note(job_id, *notes)

    def _over(self, entry: JobEntry, ended: float | None = None) -> JobEntry:
        """The entry of a job that is over, and what it cost."""
        entry = replace(entry, ended=ended or self._clock())
        cost = entry.cost_until(self._clock(), self._document.machines)
        return replace(entry, cost=cost)
