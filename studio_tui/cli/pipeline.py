"""Pipelines of a studio: steps that need each other, run now or at their time."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from studio_tui.cli.group import Group
from studio_tui.cli.job import ago
from studio_tui.cli.output import emit, json_option, plain, say, table

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.document.entries import PipelineEntry, ScheduleEntry

STOPPED = 143  # as of a job


@click.group(
    short_help="Run steps that need each other.",
    cls=Group,
    epilog="Example: studio-tui pipeline run calm-otter pipeline.toml --wait",
)
def pipeline() -> None:
    """Run steps that need each other, and only those that something has changed for.

    FILE is a pipeline.toml in the studio's folder; RUN a run's id, or its name: then the newest.
    """


@pipeline.command("run", epilog="Example: studio-tui pipeline run calm-otter pipeline.toml")
@click.argument("studio")
@click.argument("file")
@click.option("--force", is_flag=True, help="Also those steps of which nothing has changed.")
@click.option("--wait", is_flag=True, help="Tell each step, and end with 0 when all went well.")
@json_option
def run(studio: str, file: str, force: bool, wait: bool, as_json: bool) -> None:
    """Begin a pipeline. Prints the run's id; the host goes on with it, whoever leaves."""
    from studio_tui.cli.attached import attached

    async def begin(joined: Studio) -> PipelineEntry:
        begun = await joined.pipelines.run(file, force=force)
        if not wait:
            say(f"{plain(begun.entry.name)} runs: studio-tui pipeline show {studio} {begun.id}")
            return begun.entry
        told = Told()
        stop = joined.observe(lambda topic: told.tell(begun.entry))
        try:
            entry = await begun.wait()
        finally:
            stop()
        told.tell(entry)
        return entry

    entry = attached(studio, begin, patient=wait)
    emit(entry.plain(), as_json, entry.id)
    sys.exit({"succeeded": 0, "running": 0, "stopped": STOPPED}.get(entry.state, 1))


class Told:
    """What of a run's steps was said already."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def tell(self, entry: PipelineEntry) -> None:
        """Say what is new."""
        for step in entry.steps:
            name, state = str(step.get("name")), str(step.get("state"))
            if state != "waiting" and self._said.get(name) != state:
                self._said[name] = state
                note = f": {step['note']}" if step.get("note") else ""
                say(plain(f"{name} {state}{note}"))


@pipeline.command("ls", epilog="Example: studio-tui pipeline ls calm-otter --json")
@click.argument("studio")
@json_option
def ls(studio: str, as_json: bool) -> None:
    """List the runs, newest first, and the pipelines that have their times."""
    from studio_tui.cli.attached import attached

    async def load(joined: Studio) -> tuple[list[PipelineEntry], list[ScheduleEntry]]:
        return joined.pipelines.runs(), joined.pipelines.schedules()

    runs, times = attached(studio, load)
    now = time.time()
    rows = [[r.id, r.name, r.state, ago(r.started, now), r.by] for r in runs]
    empty = f"none has run; begin one: studio-tui pipeline run {studio} pipeline.toml"
    text = table(["RUN", "NAME", "STATE", "STARTED", "BY"], rows, empty)
    if times:
        rows = [[s.id, s.cron, _moment(s.next), s.by, s.note or "-"] for s in times]
        text += "\n\n" + table(["FILE", "TIMES", "NEXT", "BY", "NOTE"], rows, "")
    told = {"runs": [r.plain() for r in runs], "schedules": [s.plain() for s in times]}
    emit(told, as_json, text)


@pipeline.command("show", epilog="Example: studio-tui pipeline show calm-otter nightly")
@click.argument("studio")
@click.argument("run")
@json_option
def show(studio: str, run: str, as_json: bool) -> None:
    """Show how the steps of a run are."""
    from studio_tui.cli.attached import attached

    async def load(joined: Studio) -> PipelineEntry:
        return joined.pipelines.find(run).entry

    entry = attached(studio, load)
    columns = ("name", "kind", "state", "job", "note")
    rows = [[step.get(column) or "-" for column in columns] for step in entry.steps]
    head = f"{plain(entry.name)} {entry.state}, by {plain(entry.by)}"
    text = f"{head}\n{table([column.upper() for column in columns], rows, '')}"
    emit(entry.plain(), as_json, text)


@pipeline.command("stop", epilog="Example: studio-tui pipeline stop calm-otter nightly")
@click.argument("studio")
@click.argument("run")
def stop(studio: str, run: str) -> None:
    """Stop a run, and the jobs of its steps; servers that are well are left."""
    from studio_tui.cli.attached import attached

    attached(studio, lambda joined: joined.pipelines.find(run).stop())
    say(f"stopped {run}")


@pipeline.command(
    "schedule", epilog='Example: studio-tui pipeline schedule calm-otter pipeline.toml "30 2 * * *"'
)
@click.argument("studio")
@click.argument("file")
@click.argument("cron", required=False)
@click.option("--off", is_flag=True, help="Take the schedule back.")
def schedule(studio: str, file: str, cron: str | None, off: bool) -> None:
    """Have the host run FILE at certain times: minute, hour, day, month, day of the week.

    The times are those of the host's clock. One that comes while the host is away, or while the
    run before goes on, is left out.
    """
    from studio_tui.cli.attached import attached
    from studio_tui.errors import UsageFault

    if off:
        attached(studio, lambda joined: joined.pipelines.unschedule(file))
        say(f"{file} is no longer scheduled")
    elif cron is None:
        raise UsageFault("it is not said when", 'write "30 2 * * 1-5", @daily, or --off')
    else:
        line = cron
        entry = attached(studio, lambda joined: joined.pipelines.schedule(file, line))
        say(f"{file} runs next at {_moment(entry.next)}")


def _moment(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
