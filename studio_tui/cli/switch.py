"""Taking a studio to another machine, and keeping one up that is about to sleep."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from studio_tui.cli.output import emit, json_option, plain, say

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.client.switching import SwitchPlan
    from studio_tui.document.entries import SwitchEntry

SHOWN_CONFLICTS = 10


@click.command(epilog="Example: studio-tui machine switch calm-otter gpu-box --dry-run")
@click.argument("studio")
@click.argument("machine")
@click.option("--dry-run", is_flag=True, help="Show what would be done; do nothing.")
@json_option
def switch(studio: str, machine: str, dry_run: bool, as_json: bool) -> None:
    """Take STUDIO to MACHINE: its files, its environment and the people in it.

    Everybody works on meanwhile. Terminals and jobs stay on the machine where they run. Until the
    last step the studio stays where it is: ctrl+c cancels, and nothing has changed.
    """
    from studio_tui.cli.attached import attached

    if dry_run:
        planned = attached(studio, lambda joined: joined.plan_switch(machine))
        emit(planned.to_dict(), as_json, readable(planned))
    else:
        ended = attached(studio, lambda joined: switched(joined, machine), patient=True)
        emit(ended.plain(), as_json, plain(said(studio, ended)))


@click.command(epilog="Example: studio-tui machine stay calm-otter cloud")
@click.argument("studio")
@click.argument("machine")
def stay(studio: str, machine: str) -> None:
    """Keep MACHINE up, which STUDIO is about to put to sleep.

    A machine sleeps when machines.toml says so with sleep_after = "20m" (nobody types, no job runs,
    every GPU is idle) or max_runtime = "8h", and the studio started it. Everybody sees it coming.
    """
    from studio_tui.cli.attached import attached

    attached(studio, lambda joined: joined.stay(machine))
    say(plain(f"{machine} stays up"))


async def switched(studio: Studio, machine: str) -> SwitchEntry:
    """Switch and say how far it is; whoever stops waiting cancels it."""
    import asyncio

    from studio_tui.errors import StudioError

    with _telling(studio, machine):
        try:
            return await studio.switch(machine)
        except asyncio.CancelledError:
            with contextlib.suppress(StudioError):
                await studio.cancel_switch()
            raise


@contextlib.contextmanager
def _telling(studio: Studio, machine: str) -> Iterator[None]:
    """Say each phase once, on stderr."""
    told = {""}

    def changed(_: object) -> None:
        entry = studio.document.switch
        ours = entry is not None and entry.target == machine and not entry.over
        if entry is not None and ours and entry.phase not in told:
            told.add(entry.phase)
            say(f"{entry.phase} ...")

    stop = studio.observe(changed)
    try:
        yield
    finally:
        stop()


def said(studio: str, ended: SwitchEntry) -> str:
    """How it ended, for people."""
    took = "" if ended.ended is None else f" in {ended.ended - ended.started:.1f} s"
    look_at = f"; look at: {ended.note}" if ended.note else ""
    return f"{studio} is on {ended.target}{took}{look_at}"


def readable(planned: SwitchPlan) -> str:
    """A plan for people."""
    lines = [
        f"to {planned.machine}, into {planned.folder}",
        f"files         {planned.files} to carry, {planned.bytes / 1e6:.1f} MB",
        f"changed there {planned.back} to take over",
        f"environment   {planned.environment or 'nothing to do'}",
    ]
    lines += [f"both changed  {path}" for path in planned.conflicts[:SHOWN_CONFLICTS]]
    if more := len(planned.conflicts) - SHOWN_CONFLICTS:
        lines += [f"both changed  and {more} more"] if more > 0 else []
    lines += [f"mind          {warning}" for warning in planned.warnings]
    return "\n".join(plain(line) for line in lines)
