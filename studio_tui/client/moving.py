"""Taking a job to another machine, as whoever asks for it sees it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from studio_tui.document.entries import JobMove
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.client.job import Job


async def move(job: Job, machine: str, precision: str, restart: bool) -> JobMove:
    """See Job.move."""
    studio = job.studio
    wishes = {"machine": machine, "precision": precision, "restart": restart}
    answer = await studio.command("jobs.move", job=job.id, **wishes)
    asked = answer.get("asked")
    try:
        # The list travels beside the answer, and an earlier move may still be the last in it.
        await studio.until(lambda: _over(job, asked))
    except asyncio.CancelledError:
        with contextlib.suppress(StudioError):  # it may be too late
            await job.stay()
        raise
    found = job.entry.moved[-1]
    if found.asked != asked or found.phase != "done":
        why = found.note or "somebody had it stay"
        raise StudioError(
            f"{job.entry.name} was not moved to {machine}: {why}",
            f"see what became of it: studio-tui job show {studio.id} {job.id}",
        )
    return found


def _over(job: Job, asked: object) -> bool:
    moves = job.entry.moved
    later = [move for move in moves if isinstance(asked, float) and move.asked > asked]
    return bool(later) or any(move.asked == asked and move.over for move in moves)
