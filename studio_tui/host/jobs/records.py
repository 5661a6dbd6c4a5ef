"""What jobs have written, as anybody may read it: log by offset, curves; secrets covered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from studio_tui.document.entries import JobEntry
from studio_tui.host.jobs.crew import Crew
from studio_tui.host.jobs.mergedlog import MergedLog
from studio_tui.host.jobs.orders import Order
from studio_tui.jobs.find import find, search
from studio_tui.jobs.mask import Mask
from studio_tui.jobs.metrics import Metrics, Point

CURVE_POINTS = 500
ANSWER_POINTS = 16_000
"""Points in one answer, over all curves: some forty bytes each."""

AGAIN = "run again"
"""The mark of a job on several machines where another attempt goes on."""

Curves = dict[str, list[Point]]
Told = dict[str, Any]
"""The curves of a job, its marks and its precision: see `plain`."""


class Records:
    """The logs and curves of the studio's jobs.

    Args:
        folder: where the logs of jobs on several machines are kept.
        crew, order: find a job's by its id.
    """

    def __init__(
        self, folder: Path, crew: Callable[[str], Crew], order: Callable[[str], Order]
    ) -> None:
        self._folder = folder
        self._crew = crew
        self._order = order
        self._masks: dict[str, Mask] = {}
        self._merged: dict[str, MergedLog] = {}
        self._told: dict[str, Told] = {}

    def mask(self, job_id: str) -> Mask:
        """What covers a job's secrets."""
        if job_id not in self._masks:
            self._masks[job_id] = Mask(self._order(job_id).hidden)
        return self._masks[job_id]

    def merged(self, job_id: str) -> MergedLog | None:
        """The log of a job on several machines; None for one whose machine keeps it."""
        if job_id not in self._merged and len(self._order(job_id).machines) > 1:
            self._merged[job_id] = MergedLog(self._folder / f"{job_id}.log")
        return self._merged.get(job_id)

    async def log(self, entry: JobEntry, offset: int, length: int) -> tuple[bytes, int]:
        """A stretch of a job's log, and the size of the whole; nothing from before its `start`.

        The beginning of a secret at the end of a log that grows is left for the next time.
        """
        if not self._begun(entry):
            return b"", 0
        mask = self.mask(entry.id)
        first = max(min(self.start(entry.id), offset), offset - mask.reach)
        data, size = await self._stretch(entry.id, first, offset - first + length + mask.reach)
        covered = mask.cover(data)
        if first + len(data) >= size and not entry.over:
            covered = covered[: len(data) - mask.open_end(data)]
        return covered[offset - first : offset - first + length], size

    def _begun(self, entry: JobEntry) -> bool:
        """Whether there is anything of a job yet: while it starts, its machine may not know it."""
        first = entry.state == "starting" and self.merged(entry.id) is None
        return entry.started is not None and not first

    def start(self, job_id: str) -> int:
        """The first byte of a job's log that is kept."""
        merged = self.merged(job_id)
        return 0 if merged is None else merged.start

    async def _stretch(self, job_id: str, offset: int, length: int) -> tuple[bytes, int]:
        """As it was written."""
        if (merged := self.merged(job_id)) is not None:
            return merged.read(offset, length), merged.size
        crew = self._crew(job_id)
        (member,) = crew.members
        piece = await (await crew.supervisor(member)).read(member.id, "log", offset, length)
        return piece.data, piece.size

    async def find(
        self, entry: JobEntry, text: str, offset: int, *, back: bool = False
    ) -> int | None:
        """The byte that the next line with `text` starts at, see `jobs.find`.

        Looked for on the machine, unless that would tell what is covered.
        """
        if not self._begun(entry):
            return None
        if not self.mask(entry.id) and self.merged(entry.id) is None:
            crew = self._crew(entry.id)
            (member,) = crew.members
            supervisor = await crew.supervisor(member)
            return await find(supervisor, member.id, text, offset, back=back)
        lowest = self.start(entry.id)
        return await search(partial(self.log, entry), text, offset, back=back, lowest=lowest)

    async def metrics(self, entry: JobEntry) -> Told:
        """The curves and marks of a job that nobody follows any more."""
        if not self._begun(entry):
            return plain(Metrics())
        if entry.id not in self._told:
            crew, metrics = self._crew(entry.id), Metrics()
            for member in [*crew.former, *crew.members]:
                if metrics.latest and member.machine == crew.members[0].machine:
                    metrics.mark(AGAIN)
                await crew.read_metrics(metrics, [member])
            self.keep(entry.id, metrics)
        return self._told[entry.id]

    def keep(self, job_id: str, metrics: Metrics) -> None:
        """Keep what a job came to."""
        self._told[job_id] = plain(metrics)

    def forget(self, job_id: str) -> None:
        """Forget a job."""
        if (merged := self.merged(job_id)) is not None:
            merged.remove()
        self._masks.pop(job_id, None)
        self._merged.pop(job_id, None)
        self._told.pop(job_id, None)


def plain(metrics: Metrics) -> Told:
    """What is answered about a job's metrics: curves, steps at which it went on, precision."""
    precision = metrics.run.precision if metrics.run else ""
    return {"metrics": thinned(metrics), "marks": metrics.marks, "precision": precision}


def thinned(metrics: Metrics) -> Curves:
    """The curves, with as many points of each as fit into one answer."""
    names = len(metrics.latest) or 1
    return metrics.curves(max(4, min(CURVE_POINTS, ANSWER_POINTS // names)))
