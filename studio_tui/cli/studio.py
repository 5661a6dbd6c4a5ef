"""Studios: open, attach, list, status, stop, and the host in the foreground."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from studio_tui.cli.output import emit, json_option, table


@click.command("open", epilog="Example: studio-tui open ~/my-project")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--name", help="What people call the studio; the folder's name by default.")
@click.option("--relay", metavar="URL", help="A team's relay, such as wss://box:8484.")
@click.option("--detach", is_flag=True, help="Start it in the background and return.")
@click.option("--as", "person", metavar="NAME", help="How the others see you.")
@json_option
def open_(
    folder: Path, name: str | None, relay: str | None, detach: bool, person: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Start, or find, the studio of DIR and join it."""
    from studio_tui.client import start

    record = start.ensure(folder, relay, name)
    if detach or as_json:
        text = f"{record.id} is running in {record.dir}\njoin it: studio-tui attach {record.id}"
        emit(_listed(record), as_json, text)
        return
    _join(record.id, person)


@click.command(epilog="Example: studio-tui attach calm-otter --as bob")
@click.argument("studio")
@click.option("--as", "person", metavar="NAME", help="How the others see you.")
def attach(studio: str, person: str | None) -> None:
    """Join a running studio by its id."""
    _join(studio, person)


def _join(studio: str, person: str | None) -> None:
    from studio_tui.client import locate
    from studio_tui.errors import StudioError

    attached = locate.attach(studio, person)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise StudioError(
            "the app needs a terminal, and this is not one",
            f"for scripts: studio-tui status {studio} --json, or the Python SDK",
        )
    from studio_tui.app import run

    sys.exit(run(attached))


def lobby() -> None:
    """The first screen of a bare `studio-tui`: choose a studio, then join it."""
    from studio_tui.app.screens.lobby import choose
    from studio_tui.client import start

    choice = choose()
    if choice is None:
        return
    studio = start.ensure(choice).id if isinstance(choice, Path) else choice
    _join(studio, None)


@click.command(epilog="Example: studio-tui ls --json")
@json_option
def ls(as_json: bool) -> None:
    """List this user's studios."""
    from studio_tui.settings import studios

    found = [_listed(record) for record in studios.records()]
    rows = [[item["id"], item["name"], item["state"], item["dir"]] for item in found]
    emit(found, as_json, table(["ID", "NAME", "STATE", "FOLDER"], rows, _NO_STUDIO))


_NO_STUDIO = "no studio yet; start one in a project folder: studio-tui open"


def _listed(record: Any) -> dict[str, Any]:
    """A studio as `ls --json` shows it; the state is looked up, not remembered."""
    from studio_tui.settings import studios

    state = "running" if studios.alive(record) else "stopped"
    if state == "running" and record.relay is not None:
        state = "running" if asyncio.run(_answers(record.url)) else "unreachable"
    return {
        "id": record.id,
        "name": record.name,
        "dir": record.dir,
        "relay": record.relay,
        "state": state,
    }


async def _answers(url: str) -> bool:
    """Whether something listens where the relay should."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


@click.command(epilog="Example: studio-tui status calm-otter --json")
@click.argument("studio")
@json_option
def status(studio: str, as_json: bool) -> None:
    """Show who and what is in a studio."""
    from studio_tui.cli.attached import attached

    report = attached(studio, _report)
    emit(report, as_json, _readable(report))


async def _report(studio: Any) -> dict[str, Any]:
    info, document = studio.document.info, studio.document
    await studio.until(lambda: studio.host_here or not studio.document.info.name)
    me = studio.me
    people = [
        {"name": p.name, "role": p.role, "file": p.gaze.path or None, "line": p.gaze.line or None}
        for p in studio.people
        if me is None or p.connection != me.connection
    ]
    terminals = [
        {key: entry[key] for key in ("id", "title", "machine", "driver", "cols", "rows", "state")}
        for entry in (t.plain() for t in document.terminals.values())
    ]
    files = [{"path": f.path, "state": f.state, "note": f.note} for f in document.files.values()]
    return {
        "id": studio.id,
        "name": info.name,
        "dir": info.dir,
        "machine": info.machine,
        "epoch": info.epoch,
        "relay": {"url": studio.url, "state": studio.state},
        "host": "here" if studio.host_here else "away",
        "people": people,
        "files": files,
        "terminals": terminals,
        "jobs": [job.plain() for job in document.jobs.values()],
        "unsaved": sum(f["state"] != "saved" for f in files),
    }


def _readable(report: dict[str, Any]) -> str:
    people = ", ".join(
        f"{p['name']} ({p['role']})" + (f" at {p['file']}:{p['line']}" if p["file"] else "")
        for p in report["people"]
    )
    lines = [
        f"{report['id']}  {report['name']}  on {report['machine']}",
        f"relay      {report['relay']['url']}  {report['relay']['state']}, host {report['host']}",
        f"people     {people or 'nobody is attached'}",
        f"files      {len(report['files'])} open, {report['unsaved']} not saved",
    ]
    for terminal in report["terminals"]:
        driver = terminal["driver"] or "nobody"
        lines.append(f"terminal   {terminal['id']}  {terminal['title']}  driven by {driver}")
    lines += [f"job        {job['id']}  {job['name']}  {job['state']}" for job in report["jobs"]]
    return "\n".join(lines)


@click.command(epilog="Example: studio-tui stop calm-otter")
@click.argument("studio")
def stop(studio: str) -> None:
    """Stop a studio: its host and terminals end, jobs go on."""
    from studio_tui.cli.attached import attached
    from studio_tui.client import start
    from studio_tui.errors import StudioError
    from studio_tui.settings import studios

    record = studios.find(studio)
    if not studios.alive(record):
        click.echo(f"{studio} is stopped already", err=True)
        return
    try:
        ended = attached(studio, lambda joined: joined.command("studio.stop"))
    except StudioError:
        # A host that cannot be asked is told by signal: its terminals then stay for the next one.
        ended = {"terminals": 0, "jobs": 0}
    start.stop(record)
    said = f"stopped {studio}"
    if ended["terminals"]:
        said += f"; ended {ended['terminals']} terminal(s)"
    if ended["jobs"]:
        said += f"; {ended['jobs']} job(s) go on, `studio-tui open {record.dir}` shows them again"
    click.echo(said, err=True)


@click.command(epilog="Example: studio-tui host /srv/project --relay wss://box:8484")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--relay", metavar="URL", help="A team's relay; without it the host brings its own.")
@click.option("--name", help="What people call the studio.")
def host(folder: Path, relay: str | None, name: str | None) -> None:
    """Run the host of DIR in the foreground, for systemd or a container."""
    from studio_tui.client.start import checked
    from studio_tui.host.process import run

    run(checked(folder), relay, name)


@click.command(epilog="Example: studio-tui login wss://box:8484 < token.txt")
@click.argument("relay", metavar="RELAY")
def login(relay: str) -> None:
    """Keep the token of a team's relay; it is read from stdin, or asked for."""
    from studio_tui.errors import UsageFault
    from studio_tui.settings import secrets

    asked = sys.stdin.isatty()
    token = click.prompt("token", hide_input=True) if asked else sys.stdin.readline()
    if not token.strip():
        raise UsageFault("no token was given", "make one: studio-relay token STUDIO --role owner")
    secrets.save_token(relay, token.strip())
    click.echo(f"kept the token for {secrets.relay_key(relay)}", err=True)
