"""The status of a studio: who is in it, what is open, what runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import click

from studio_tui.cli.output import emit, json_option, plain

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.document.presence import Person

HOST_SECONDS = 2.0
TERMINAL_KEYS = ("id", "title", "machine", "driver", "cols", "rows", "state")


@click.command(epilog="Example: studio-tui status calm-otter --json")
@click.argument("studio")
@json_option
def status(studio: str, as_json: bool) -> None:
    """Show who and what is in a studio."""
    from studio_tui.cli.attached import attached

    told = attached(studio, report)
    emit(told, as_json, readable(told))


async def report(studio: Studio) -> dict[str, Any]:
    """What `status --json` prints; whoever asks is not among the people."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HOST_SECONDS):
            await studio.until(lambda: studio.host_here)
    info, document, me = studio.document.info, studio.document, studio.me
    files = [{"path": f.path, "state": f.state, "note": f.note} for f in document.files.values()]
    return {
        "id": studio.id,
        "name": info.name,
        "dir": info.dir,
        "machine": info.machine,
        "epoch": info.epoch,
        "relay": {"url": studio.url, "state": studio.state},
        "host": "here" if studio.host_here else "away",
        "people": [
            _person(person)
            for person in studio.people
            if me is None or person.connection != me.connection
        ],
        "files": files,
        "terminals": [
            {key: entry[key] for key in TERMINAL_KEYS}
            for entry in (terminal.plain() for terminal in document.terminals.values())
        ],
        "jobs": [job.plain() for job in document.jobs.values()],
        "unsaved": sum(file["state"] != "saved" for file in files),
    }


def _person(person: Person) -> dict[str, Any]:
    gaze = person.gaze
    return {
        "name": person.name,
        "role": person.role,
        "file": gaze.path or None,
        "line": gaze.line or None,
    }


def readable(told: dict[str, Any]) -> str:
    """The report for people."""
    people = ", ".join(
        f"{p['name']} ({p['role']})" + (f" at {p['file']}:{p['line']}" if p["file"] else "")
        for p in told["people"]
    )
    away = " when the host was last here" if told["host"] == "away" else ""
    lines = [
        f"{told['id']}  {told['name']}  on {told['machine']}",
        f"relay      {told['relay']['url']}  {told['relay']['state']}, host {told['host']}",
        f"people     {people or 'nobody is attached'}",
        f"files      {len(told['files'])} open, {told['unsaved']} not saved" + away,
    ]
    for terminal in told["terminals"]:
        driver = terminal["driver"] or "nobody"
        lines.append(f"terminal   {terminal['id']}  {terminal['title']}  driven by {driver}")
    lines += [f"job        {job['id']}  {job['name']}  {job['state']}" for job in told["jobs"]]
    return "\n".join(plain(line) for line in lines)
