"""A visit to a studio in the app, and what is said to whoever has left it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from studio_tui.cli.output import say, this_program

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio


def visit(studio: Studio, *, offer: str | None = None) -> int:
    """Show a studio until the person leaves, and say what becomes of it; the exit code.

    Args:
        studio: not yet joined.
        offer: a script to offer to run.

    Raises:
        StudioError: it could not be joined, or the app ended unexpectedly.
    """
    from studio_tui.app import run

    code = run(studio, offer=offer)
    if code == 0:
        say(farewell(studio.id))
    return code


def farewell(studio: str) -> str:
    """Whether the studio goes on, how to come back, and for its own user how to end it."""
    from studio_tui.errors import NotFound
    from studio_tui.settings import studios

    program = this_program()
    try:
        record = studios.find(studio)
    except NotFound:
        return f"{studio} goes on; come back: {program} attach {studio}"
    if not studios.alive(record):
        return f"{studio} is stopped; start it again: {program} open {shlex.quote(record.dir)}"
    return (
        f"{studio} goes on; come back: {program} attach {studio}\n"
        f"end it, jobs go on: {program} stop {studio}"
    )
