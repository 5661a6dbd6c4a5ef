"""How far a training under way is, in a few words for a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio_tui.client.remaining import Remaining
    from studio_tui.client.studio import Studio
    from studio_tui.document.entries import JobEntry

NOTHING = "-"


async def far(studio: Studio, entry: JobEntry) -> str:
    """How far: `640/2000, 1 min left`; `-` where that is not known, or nobody can be asked."""
    from studio_tui.client.remaining import remaining
    from studio_tui.errors import StudioError

    if entry.state != "running" or not entry.total_steps:
        return NOTHING
    try:
        curves = await (await studio.job(entry.id)).load_metrics()
    except StudioError:
        return NOTHING
    return told(remaining(curves, entry.total_steps))


def told(ahead: Remaining | None) -> str:
    """The words."""
    from studio_tui.app.units import duration

    if ahead is None:
        return NOTHING
    left = "" if ahead.seconds is None else f", {duration(ahead.seconds)} left"
    return f"{ahead.step}/{ahead.total}{left}"
