"""Jobs of a studio: run, list, show, logs, metrics, stop, wait, rm."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from studio_tui.cli.output import emit, json_option, table


@click.group(epilog="Example: studio-tui job run calm-otter -- train.py --steps 500")
def job() -> None:
    """Run training on the studio's machine and watch it."""


@job.command(
    "run",
    context_settings={"ignore_unknown_options": True},
    epilog="Example: studio-tui job run calm-otter --precision bf16-mixed --wait -- train.py",
)
@click.argument("studio")
@click.argument("command", metavar="-- SCRIPT [ARGS]...", nargs=-1, required=True)
@click.option("--name", help="What the job is called; the script's name by default.")
@click.option("--devices", metavar="K", help="How many devices: a number, a list, or auto.")
@click.option("--precision", metavar="P", help="Such as 32-true, bf16-mixed, 16-mixed.")
@click.option("--strategy", metavar="S", help="Such as ddp or fsdp.")
@click.option("--env", multiple=True, metavar="K=V", help="A variable for the job; repeatable.")
@click.option("--wait", is_flag=True, help="Print the log, and end with the job's exit code.")
@json_option
def run(
    studio: str, command: tuple[str, ...], name: str | None, devices: str | None,
    precision: str | None, strategy: str | None, env: tuple[str, ...], wait: bool, as_json: bool,
) -> None:  # fmt: skip
    """Start SCRIPT as a job: it survives every disconnect."""
    from studio_tui.cli.attached import attached

    options = {
        "name": name or "",
        "devices": devices or "",
        "precision": precision or "",
        "strategy": strategy or "",
        "env": _variables(env),
    }

    async def start(joined: Any) -> int:
        script, *args = command
        made = await joined.run(script, args, **options)
        text = f"{made.entry.name} runs as {made.id}"
        emit(made.entry.plain(), as_json, f"{text}\nlog: studio-tui job logs {studio} {made.id}")
        return await _follow(made) if wait else 0

    sys.exit(attached(studio, start))


def _variables(pairs: tuple[str, ...]) -> dict[str, str]:
    from studio_tui.errors import UsageFault

    for pair in pairs:
        if "=" not in pair:
            raise UsageFault(f"--env {pair} has no value", "write --env NAME=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)


async def _follow(made: Any) -> int:
    async for data in made.chunks():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return int(await made.wait())


@job.command("ls", epilog="Example: studio-tui job ls calm-otter --json")
@click.argument("studio")
@json_option
def ls(studio: str, as_json: bool) -> None:
    """List the jobs, newest first."""
    from studio_tui.cli.attached import attached

    async def entries(joined: Any) -> list[Any]:
        return sorted(joined.document.jobs.values(), key=lambda j: -(j.started or 0))

    found = attached(studio, entries)
    rows = [[j.id, j.name, j.state, j.exit_code, _ago(j.started)] for j in found]
    empty = f"no job yet; start one: studio-tui job run {studio} -- train.py"
    text = table(["ID", "NAME", "STATE", "EXIT", "STARTED"], rows, empty)
    emit([j.plain() for j in found], as_json, text)


def _ago(moment: float | None) -> str:
    if moment is None:
        return "-"
    seconds = max(0, int(time.time() - moment))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


@job.command("show", epilog="Example: studio-tui job show calm-otter char-gpt")
@click.argument("studio")
@click.argument("job")
@json_option
def show(studio: str, job: str, as_json: bool) -> None:
    """Show one job."""
    from studio_tui.cli.attached import attached

    async def entry(joined: Any) -> dict[str, Any]:
        return dict((await joined.job(job)).entry.plain())

    found = attached(studio, entry)
    width = max(map(len, found))
    lines = [f"{key.ljust(width)}  {value}" for key, value in found.items() if value is not None]
    emit(found, as_json, "\n".join(lines))


@job.command("logs", epilog="Example: studio-tui job logs calm-otter char-gpt --follow")
@click.argument("studio")
@click.argument("job")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over.")
def logs(studio: str, job: str, follow: bool) -> None:
    """Print a job's log."""
    from studio_tui.cli.attached import attached

    async def copy(joined: Any) -> None:
        found = await joined.job(job)
        async for data in found.chunks(follow=follow):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    attached(studio, copy)


@job.command("metrics", epilog="Example: studio-tui job metrics calm-otter char-gpt --json")
@click.argument("studio")
@click.argument("job")
@json_option
def metrics(studio: str, job: str, as_json: bool) -> None:
    """Print a job's curves."""
    from studio_tui.cli.attached import attached

    async def load(joined: Any) -> Any:
        return await (await joined.job(job)).load_metrics()

    curves = attached(studio, load)
    rows = [[name, len(p), p[0][1], p[-1][1], p[-1][0]] for name, p in curves.items() if p]
    text = table(["METRIC", "POINTS", "FIRST", "LAST", "STEP"], rows, "nothing was logged yet")
    emit(curves, as_json, text)


@job.command("stop", epilog="Example: studio-tui job stop calm-otter char-gpt")
@click.argument("studio")
@click.argument("job")
def stop(studio: str, job: str) -> None:
    """Stop a job and everything it started."""
    from studio_tui.cli.attached import attached

    async def end(joined: Any) -> str:
        found = await joined.job(job)
        await found.stop()
        await found.wait()
        return str(found.entry.state)

    click.echo(f"{job}: {attached(studio, end)}", err=True)


@job.command("wait", epilog="Example: studio-tui job wait calm-otter char-gpt")
@click.argument("studio")
@click.argument("job")
def wait(studio: str, job: str) -> None:
    """Wait for a job's end; its exit code becomes this command's."""
    from studio_tui.cli.attached import attached

    async def end(joined: Any) -> int:
        return int(await (await joined.job(job)).wait())

    sys.exit(attached(studio, end))


@job.command("rm", epilog="Example: studio-tui job rm calm-otter char-gpt")
@click.argument("studio")
@click.argument("job")
def rm(studio: str, job: str) -> None:
    """Forget a job that is over, with its log and metrics."""
    from studio_tui.cli.attached import attached

    async def remove(joined: Any) -> None:
        await joined.command("jobs.remove", job=(await joined.job(job)).id)

    attached(studio, remove)
