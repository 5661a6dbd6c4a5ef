"""Logging in to a team's relay: keeping its token."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from studio_tui.cli.output import say


@click.command(
    short_help="Keep the token of a team's relay.",
    epilog="Example: studio-tui login wss://box:8484 < token.txt",
)
@click.argument("relay", metavar="RELAY")
@click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Trust these certificates for this relay, and no others.",
)
def login(relay: str, ca: Path | None) -> None:
    """Keep the token of a team's relay; it is read from stdin, or asked for.

    The relay is asked whether it takes the token: one that it does not take is not kept. When it
    cannot be reached, the token is kept unchecked.
    """
    from studio_tui.client.relays import check_token
    from studio_tui.errors import NotFound, UsageFault
    from studio_tui.settings import pins, secrets

    shown = secrets.relay_key(relay)
    if ca is not None:
        pins.pin(relay, ca)
    asked = sys.stdin.isatty()
    token = click.prompt("token", hide_input=True, err=True) if asked else sys.stdin.readline()
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        what = "is not one" if token else "is missing"
        raise UsageFault(
            f"the token {what}", "make one on the relay: studio-relay token STUDIO --role owner"
        )
    unchecked = ""
    try:
        asyncio.run(check_token(shown, token))
    except NotFound as problem:
        unchecked = f"; it could not be checked: {problem.message}"
    secrets.save_token(relay, token)
    say(f"kept the token for {shown}{unchecked}")
