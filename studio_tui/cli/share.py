"""Sharing a studio: invites for people, made, listed and revoked."""

from __future__ import annotations

import re
import time
from dataclasses import asdict

import click

from studio_tui.cli.output import emit, json_option, say, table

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _seconds(context: click.Context, option: click.Parameter, value: str) -> float:
    """A duration such as `90s`, `30m`, `8h`, `7d`."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])", value)
    seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise click.BadParameter(f"{value!r} is no duration; write 30m, 8h or 7d")
    return seconds


@click.command(
    short_help="Print an invite to a studio, good once.",
    epilog="Example: studio-tui share calm-otter --role editor --expires 8h",
)
@click.argument("studio", required=False)
@click.option(
    "--role", type=click.Choice(["viewer", "editor"]), default="viewer", show_default=True,
    help="What the guest may do: look, or take part.",
)  # fmt: skip
@click.option(
    "--expires", callback=_seconds, default="8h", metavar="TIME", show_default=True,
    help="How long the guest may stay: 30m, 8h, 7d.",
)  # fmt: skip
@click.option("--name", help="What the guest is called; the guest chooses by default.")
@click.option("--list", "listing", is_flag=True, help="List the invites instead.")
@click.option("--revoke", metavar="ID", help="End an invite, and the stay of who came with it.")
@json_option
def share(
    studio: str | None, role: str, expires: float, name: str | None, listing: bool,
    revoke: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print an invite to STUDIO, which is good once; pass it on to one person.

    With --revoke, STUDIO may be left out: one of your running studios is asked.
    """
    if listing and revoke is not None:
        raise click.UsageError("--list and --revoke exclude each other")
    if revoke is not None:
        _revoke(studio, revoke, as_json)
    elif studio is None:
        raise click.UsageError("Missing argument 'STUDIO'")
    elif listing:
        _list(studio, as_json)
    else:
        _invite(studio, role, expires, name, as_json)


def _invite(studio: str, role: str, expires: float, name: str | None, as_json: bool) -> None:
    from studio_tui.cli.attached import attached
    from studio_tui.client import relays
    from studio_tui.client.invite import read_invite

    made = attached(studio, lambda joined: joined.guests.invite(role, expires, name))
    emit(asdict(made), as_json, made.invite)
    read = read_invite(made.invite)
    if relays.on_this_machine(url := read.relay):
        say(
            f"the relay {url} is on this machine, and the invite works here alone; for people "
            "elsewhere open the studio on a team's relay: studio-tui open --relay URL"
        )
    if not as_json:
        say(f"good once, as {made.role}, until {_moment(made.expires)}")
        say(f"to end it: studio-tui share {read.studio} --revoke {made.id}")


def _list(studio: str, as_json: bool) -> None:
    from studio_tui.cli.attached import attached

    found = attached(studio, lambda joined: joined.guests.invites())
    rows = [
        [item["id"], item["state"], item["role"], item["name"], _moment(item["expires"]),
         item["by"]]
        for item in found
    ]  # fmt: skip
    empty = f"no invite yet; make one: studio-tui share {studio}"
    emit(found, as_json, table(["ID", "STATE", "ROLE", "NAME", "EXPIRES", "BY"], rows, empty))


def _revoke(studio: str | None, id: str, as_json: bool) -> None:
    from studio_tui.cli.attached import attached
    from studio_tui.errors import NotFound
    from studio_tui.settings import studios

    running = [record.id for record in studios.records() if studios.alive(record)]
    for candidate in running if studio is None else [studio]:
        try:
            attached(candidate, lambda joined: joined.guests.revoke(id))
        except NotFound:
            if studio is not None:
                raise
        else:
            emit({"id": id, "state": "revoked"}, as_json, f"revoked {id}")
            return
    raise NotFound(
        f"no running studio of yours has an invite {id!r}", "see: studio-tui share STUDIO --list"
    )


def _moment(expires: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(expires))
