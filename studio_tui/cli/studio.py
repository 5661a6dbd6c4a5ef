"""Studios: open, attach, list, stop, and the host in the foreground."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio_tui.cli.output import emit, json_option, plain, say, table

if TYPE_CHECKING:
    from studio_tui.client.relays import Choice
    from studio_tui.client.studio import Studio
    from studio_tui.settings.joined import Joined
    from studio_tui.settings.studios import StudioRecord


@click.command("open", epilog="Example: studio-tui open ~/my-project")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--name", help="What people call the studio; the folder's name by default.")
@click.option("--relay", metavar="URL", help="A team's relay, such as wss://box:8484.")
@click.option("--detach", is_flag=True, help="Start it in the background and print its id.")
@click.option("--as", "person", metavar="NAME", help="How the others see you.")
@json_option
def open_(
    folder: Path, name: str | None, relay: str | None, detach: bool, person: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Start, or find, the studio of DIR and join it."""
    from studio_tui.client import relays, start

    stay = detach or as_json
    start.checked(folder)
    if not stay:
        _check_terminal("studio-tui open --detach starts it without joining")
    _chosen(relay)
    record = start.ensure(folder, relay, name)
    if stay:
        emit(listed(record, relays.answers), as_json, record.id)
        if not as_json:
            say(f"running in {record.dir}; join it: studio-tui attach {record.id}")
        return
    _join(record.id, person)


def _chosen(relay: str | None) -> Choice:
    """The relay in force; said aloud when the folder itself chose it."""
    from studio_tui.client import relays

    choice = relays.choose(relay)
    if choice.brought:
        say(f"relay {choice.url}: set by {choice.origin}")
    return choice


@click.command(
    short_help="Join a running studio by its id or by an invite.",
    epilog="Example: studio-tui attach calm-otter --as bob",
)
@click.argument("studio")
@click.option("--as", "person", metavar="NAME", help="How the others see you.")
@click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Trust these certificates for the invite's relay, and no others.",
)
def attach(studio: str, person: str | None, ca: Path | None) -> None:
    """Join a running studio by its id, or by an invite, which is good once.

    Whoever was let in by an invite joins by the studio's id from then on.
    """
    if ca is not None:
        _pin(studio, ca)
    _join(studio, person)


def _pin(studio: str, ca: Path) -> None:
    from studio_tui.client import invite
    from studio_tui.errors import UsageFault
    from studio_tui.settings import pins

    if not invite.is_invite(studio):
        raise UsageFault(
            "--ca goes with an invite", "for a relay with a token: studio-tui login URL --ca FILE"
        )
    pins.pin(invite.read_invite(studio).relay, ca)


def _join(studio: str, person: str | None) -> None:
    import asyncio

    from studio_tui.client import invite, locate

    attached = locate.attach(studio, person)
    if invite.is_invite(studio):
        # Before anything else: a refusal is told here, and no app holds back what is good once.
        asyncio.run(attached.find())
        say(f"let in; from now on: studio-tui attach {attached.id}")
    _check_terminal(f"for scripts: studio-tui status {attached.id} --json, or the Python SDK")
    from studio_tui.cli.visit import visit

    sys.exit(visit(attached))


def _check_terminal(hint: str) -> None:
    from studio_tui.errors import StudioError

    if os.environ.get("TEXTUAL_DRIVER"):
        return  # somebody else draws the app, such as a browser
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise StudioError("the app needs a terminal, and this is not one", hint)


def lobby() -> None:
    """The first screen of a bare `studio-tui`: choose a studio, then join it."""
    from studio_tui.app.screens.lobby import choose
    from studio_tui.client import start

    choice = choose()
    if choice is None:
        return
    if isinstance(choice, Path):
        _chosen(None)
        choice = start.ensure(choice).id
    _join(choice, None)


@click.command(epilog="Example: studio-tui ls --json")
@json_option
def ls(as_json: bool) -> None:
    """List this user's studios, and those that were joined.

    A studio of others has no folder here; its name, and the role there, are of the last visit.
    """
    from studio_tui.client import relays
    from studio_tui.settings import joined, studios

    answers = functools.cache(relays.answers)  # several studios may be on one relay
    found = [listed(record, answers) for record in studios.records()]
    own = {item["id"] for item in found}
    found += [visited(each) for each in joined.all_joined() if each.id not in own]
    keys = ("id", "name", "state", "role")
    rows = [[*map(item.get, keys), item["dir"] or item["relay"]] for item in found]
    empty = "no studio yet; start one in a project folder: studio-tui open"
    emit(found, as_json, table(["ID", "NAME", "STATE", "ROLE", "FOLDER OR RELAY"], rows, empty))


def listed(record: StudioRecord, answers: Callable[[str], bool]) -> dict[str, Any]:
    """A studio as `ls --json` shows it; the state is looked up, not remembered.

    Args:
        record: the studio.
        answers: whether the relay at a URL does.
    """
    from studio_tui.settings import studios

    state = "running" if studios.alive(record) else "stopped"
    if state == "running" and record.relay is not None and not answers(record.url):
        state = "unreachable"
    return {
        "id": record.id,
        "name": record.name,
        "dir": record.dir,
        "relay": record.relay,
        "state": state,
        "role": "owner",
    }


def visited(studio: Joined) -> dict[str, Any]:
    """A studio of others as `ls --json` shows it; nobody is asked whether it runs now."""
    return {
        "id": studio.id,
        "name": studio.name or None,
        "dir": None,
        "relay": studio.relay,
        "state": "joined",
        "role": studio.role or None,
    }


@click.command(epilog="Example: studio-tui stop calm-otter")
@click.argument("studio")
@click.option("--yes", is_flag=True, help="Ask nothing, whoever is attached.")
def stop(studio: str, yes: bool) -> None:
    """Stop a studio: its host and terminals end, jobs go on.

    At a terminal it asks first while somebody is attached; scripts are asked nothing.
    """
    from studio_tui.cli.attached import attached
    from studio_tui.client import start
    from studio_tui.client.services import Stopped
    from studio_tui.errors import StudioError
    from studio_tui.settings import studios

    record = studios.find(studio)
    if not studios.alive(record):
        say(f"{studio} is stopped already")
        return
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        _confirm_stop(studio)
    try:
        ended = attached(studio, lambda joined: joined.stop())
    except StudioError:
        # A host that cannot be asked is told by signal: its terminals then stay for the next one.
        ended = Stopped()
    start.stop(record)
    said = f"stopped {studio}"
    if ended.terminals:
        said += f"; ended {ended.terminals} terminal(s)"
    if ended.jobs:
        said += f"; {ended.jobs} job(s) go on, `studio-tui open {record.dir}` shows them again"
    say(said)


def _confirm_stop(studio: str) -> None:
    """Ask whether to stop it, if that would surprise anybody."""
    from studio_tui.cli.attached import attached
    from studio_tui.errors import StudioError

    try:
        harm = attached(studio, _harm)
    except StudioError:
        return  # nobody is there who could be asked about
    if harm and not click.confirm(f"{harm}. Stop {studio}?", err=True):
        say(f"{studio} goes on")
        sys.exit(1)


async def _harm(joined: Studio) -> str:
    """Who is attached, and what ends for them; "" while nobody is."""
    own = joined.me and joined.me.connection
    names = sorted({plain(each.name) for each in joined.people if each.connection != own})
    if not names:
        return ""
    running = sum(each.state == "running" for each in joined.document.terminals.values())
    ends = f", and {running} terminal(s) would end" if running else ""
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} attached{ends}"


@click.command(
    short_help="Run the host of a folder in the foreground.",
    epilog="Example: studio-tui host /srv/project --relay wss://box:8484",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--relay", metavar="URL", help="A team's relay; without it the host brings its own.")
@click.option("--name", help="What people call the studio.")
def host(folder: Path, relay: str | None, name: str | None) -> None:
    """Run the host of DIR in the foreground, for systemd or a container."""
    from studio_tui.client.start import checked
    from studio_tui.host.process import run
    from studio_tui.settings.secrets import TOKEN_VARIABLE

    folder, choice = checked(folder), _chosen(relay)
    if choice.brought:
        # As `start.ensure` does: a token in the environment is not meant for it.
        os.environ.pop(TOKEN_VARIABLE, None)
    run(folder, choice.url, name)
