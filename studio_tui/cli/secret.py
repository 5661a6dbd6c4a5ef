"""Secrets that jobs of this computer's studios are given by name: set, ls, rm."""

from __future__ import annotations

import sys

import click

from studio_tui.cli.group import Group
from studio_tui.cli.output import emit, json_option, say

LONGEST = 64 * 1024


@click.group(cls=Group, epilog="Example: studio-tui secret set HF_TOKEN < token.txt")
def secret() -> None:
    """Keep secrets for `job run --secret NAME`.

    They lie in a file that only you can read, on the computer whose studios use them. A variable
    of that name in the host's environment comes first, then the keyring's password for the service
    studio-tui, where there is a keyring.
    """


@secret.command("set", epilog="Example: studio-tui secret set HF_TOKEN < token.txt")
@click.argument("name")
def set_(name: str) -> None:
    """Keep a secret; its value is read from stdin, or asked for."""
    from studio_tui.errors import UsageFault
    from studio_tui.settings import secrets

    if not secrets.may_be_named(name):
        raise UsageFault(
            f"{name!r} cannot be the name of a secret",
            "use letters, digits and underscores, no digit first, and not STUDIO_ before it",
        )
    if sys.stdin.isatty():
        value = click.prompt(name, hide_input=True, err=True)
    else:
        value = sys.stdin.read(LONGEST + 1).removesuffix("\n")
    if not value or "\0" in value or len(value) > LONGEST:
        raise UsageFault(
            f"{name} has no value"
            if not value
            else f"the value of {name} is too long, or holds NUL",
            "give it on stdin, without its name",
        )
    secrets.save_secret(name, value)
    say(f"kept {name}")


@secret.command("ls", epilog="Example: studio-tui secret ls --json")
@json_option
def ls(as_json: bool) -> None:
    """List the names of the kept secrets."""
    from studio_tui.settings import secrets

    names = secrets.secret_names()
    emit([{"name": name} for name in names], as_json, "\n".join(names) or "no secret is kept")


@secret.command("rm", epilog="Example: studio-tui secret rm HF_TOKEN")
@click.argument("name")
def rm(name: str) -> None:
    """Forget a secret; jobs that have it keep it."""
    from studio_tui.settings import secrets

    secrets.forget_secret(name)
    say(f"forgot {name}")
