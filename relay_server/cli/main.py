"""All commands, and how each of them ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from relay_server.cli.admission import invite, invites, revoke_command, role_command, token
from relay_server.cli.serve import serve
from relay_server.cli.stores import backup, check, rooms
from relay_server.errors import RelayError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def relay() -> None:
    """The relay of studio-tui: rooms, roles, presence and a durable log.

    Any Yjs client can join: Hocuspocus on /, y-websocket on /<room>.

    \b
    Example:
      studio-relay serve
      studio-relay token calm-otter --role editor --expires 8h
    """


_admission = (token, invite, invites, revoke_command, role_command)
for command in (serve, *_admission, rooms, check, backup):
    relay.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and ends the process; errors are two lines on stderr."""
    try:
        relay.main(arguments, prog_name="studio-relay", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "studio-relay"
        _fail(error.format_message(), f"{where} --help", 2)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), "", error.exit_code)
    except RelayError as error:
        _fail(error.message, error.hint, error.exit_code)


def _fail(message: str, hint: str, code: int) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    sys.exit(code)
