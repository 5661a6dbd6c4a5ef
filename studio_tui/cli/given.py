"""What jobs and commands are given along: variables and secrets."""

from __future__ import annotations

import click

env_option = click.option(
    "--env", multiple=True, metavar="K=V", help="A variable for the job; repeatable."
)
secret_option = click.option(
    "--secret", "secrets", multiple=True, metavar="NAME",
    help="A secret for the job, as a variable; repeatable. See: studio-tui secret --help",
)  # fmt: skip


def variables(pairs: tuple[str, ...]) -> dict[str, str]:
    """The variables that `--env` gave, in the form NAME=VALUE each."""
    from studio_tui.errors import UsageFault

    for pair in pairs:
        if "=" not in pair:
            raise UsageFault("an --env has no value", "write --env NAME=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)
