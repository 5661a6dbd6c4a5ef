"""Running a command on the studio's machine."""

from __future__ import annotations

import asyncio
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from studio_tui.cli.given import env_option, secret_option, variables

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

NAME_CAP = 80
READER_GONE = 141  # 128 + SIGPIPE


@click.command(
    "exec", epilog="Example: studio-tui exec calm-otter -- nvidia-smi --query-gpu=name --format=csv"
)
@click.argument("studio")
@click.argument("command", metavar="-- CMD...", nargs=-1, required=True)
@click.option("-m", "--machine", metavar="M", help="Where; the studio's machine by default.")
@env_option
@secret_option
def execute(
    studio: str, command: tuple[str, ...], machine: str | None, env: tuple[str, ...],
    secrets: tuple[str, ...],
) -> None:  # fmt: skip
    """Run CMD on the studio's machine, in its folder.

    Output is streamed, stderr with stdout; there is no stdin. Ends with CMD's own exit code: 128 +
    n for signal n, 75 when its end was not seen. It runs as a job, which everybody sees while it
    runs and which is removed at its end; ctrl+c stops it.
    """
    from studio_tui.cli.attached import attached

    given = {"machine": machine, "env": variables(env), "secrets": list(secrets)}
    sys.exit(attached(studio, lambda joined: executed(joined, command, given), patient=True))


async def executed(studio: Studio, command: tuple[str, ...], given: dict[str, Any]) -> int:
    """Run `command` to its end; returns its exit code.

    Args:
        given: machine, env and secrets, see `Studio.run`.
    """
    from studio_tui.cli.output import copy

    job = await studio.run(command=list(command), name=named(command), **given)
    try:
        await copy(job.chunks())
        code = await job.wait()
    except (asyncio.CancelledError, BrokenPipeError) as reason:
        # The command is this process's own, so it goes when nobody wants its output any more.
        await job.stop()
        await job.remove()
        if isinstance(reason, BrokenPipeError):
            return READER_GONE
        raise
    await job.remove()
    return code


def named(command: tuple[str, ...]) -> str:
    """What the job is called: one printable line."""
    line = f"exec {shlex.join(command)}"
    return "".join(c if c.isprintable() else " " for c in line)[:NAME_CAP]
