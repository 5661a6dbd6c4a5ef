"""The root command: lazily loaded subcommands in their natural order, errors as two lines."""

from __future__ import annotations

import importlib
import sys

import click

from studio_tui import __version__
from studio_tui.errors import StudioError

COMMANDS = {
    "open": "studio_tui.cli.studio:open_",
    "attach": "studio_tui.cli.studio:attach",
    "ls": "studio_tui.cli.studio:ls",
    "status": "studio_tui.cli.studio:status",
    "stop": "studio_tui.cli.studio:stop",
    "host": "studio_tui.cli.studio:host",
    "login": "studio_tui.cli.studio:login",
    "file": "studio_tui.cli.file:file",
    "job": "studio_tui.cli.job:job",
    "machine": "studio_tui.cli.machine:machine",
    "new": "studio_tui.cli.new:new",
    "demo": "studio_tui.cli.demo:demo",
    "doctor": "studio_tui.cli.doctor:doctor",
}


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command `name`, imported now."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command named when there is none of this name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else "see: studio-tui --help"
            raise click.UsageError(f"no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: studio-tui open ~/my-project",
)
@click.version_option(__version__, prog_name="studio-tui")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A Lightning Studio that a team owns, in the terminal.

    Edit, run, watch and debug training together. `open` starts the studio of a folder and joins
    it, `attach` joins one that runs; quitting the app leaves the studio running.
    """
    if ctx.invoked_subcommand is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            from studio_tui.cli.studio import lobby

            lobby()
        else:
            click.echo(ctx.get_help())


def main() -> None:
    """Run the command line; the process's exit code is the contract's."""
    try:
        code = cli(standalone_mode=False)
    except StudioError as problem:
        fail(problem.message, problem.hint, problem.exit_code)
    except click.exceptions.Abort:
        fail("interrupted", "", 130)
    except click.UsageError as problem:
        where = problem.ctx.command_path if problem.ctx else "studio-tui"
        fail(problem.format_message().rstrip("."), f"see: {where} --help", 2)
    except click.ClickException as problem:
        fail(problem.format_message(), "", 1)
    except BrokenPipeError:
        # The reader of our output has gone, as `| head` does.
        sys.stderr.close()
        sys.exit(0)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, hint: str, code: int) -> None:
    """Say what happened and what to do next, on stderr, and end."""
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    sys.exit(code)
