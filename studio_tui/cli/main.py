"""The root command: lazily loaded subcommands in their natural order, errors as two lines."""

from __future__ import annotations

import io
import os
import re
import select
import sys
from collections.abc import Sequence

import click

from studio_tui import __version__
from studio_tui.cli.group import LazyGroup
from studio_tui.cli.output import plain, say
from studio_tui.errors import StudioError

SECTIONS = {
    "Studios": {
        "open": "studio_tui.cli.studio:open_",
        "attach": "studio_tui.cli.studio:attach",
        "ls": "studio_tui.cli.studio:ls",
        "status": "studio_tui.cli.status:status",
        "share": "studio_tui.cli.share:share",
        "web": "studio_tui.cli.web:web",
        "stop": "studio_tui.cli.studio:stop",
    },
    "Begin": {
        "demo": "studio_tui.cli.demo:demo",
        "new": "studio_tui.cli.new:new",
        "learn": "studio_tui.cli.learn:learn",
    },
    "Work": {
        "file": "studio_tui.cli.project:file",
        "comment": "studio_tui.cli.comment:comment",
        "point": "studio_tui.cli.point:point",
        "record": "studio_tui.cli.record:record",
    },
    "Run": {
        "exec": "studio_tui.cli.execute:execute",
        "job": "studio_tui.cli.job:job",
        "pipeline": "studio_tui.cli.pipeline:pipeline",
        "port": "studio_tui.cli.port:port",
        "machine": "studio_tui.cli.machine:machine",
        "data": "studio_tui.cli.data:data",
        "secret": "studio_tui.cli.secret:secret",
    },
    "Set up": {
        "login": "studio_tui.cli.login:login",
        "host": "studio_tui.cli.studio:host",
        "doctor": "studio_tui.cli.doctor:doctor",
        "completion": "studio_tui.cli.completion:completion",
    },
}
COMMANDS = {name: place for section in SECTIONS.values() for name, place in section.items()}
INTERRUPTED = 130  # 128 + SIGINT
_CODE = re.compile(r"(wss?:/[^\s#]*#)[^\s'\"]+")


class _Root(LazyGroup):
    """All of it. Click would end silently with 1 wherever a pipe broke."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command `name`; where a shell asks, it completes what is known here."""
        command = super().get_command(ctx, name)
        if command is not None and ctx.resilient_parsing:
            from studio_tui.cli.completion import teach

            teach(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by what a person is about to do."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                known = [(name, self.get_command(ctx, name)) for name in section]
                rows = [
                    (name, command.get_short_help_str(80)) for name, command in known if command
                ]
                formatter.write_dl(rows, col_max=12)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as problem:
            if _reader_is_gone():
                raise _ReaderGone from None
            raise OSError(str(problem)) from problem


class _ReaderGone(Exception):
    """Whoever read our output has enough of it, as `head` does."""


def _reader_is_gone() -> bool:
    """Whether it was our output that broke, and no other pipe."""
    looking = select.poll()
    looking.register(sys.stdout, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in looking.poll(0))


@click.group(
    cls=_Root,
    places=COMMANDS,
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process; its exit code is the contract's.

    Args:
        arguments: what was typed after the program's name; the process's own when None.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding lacks is no reason to fail.
        sys.stdout.reconfigure(errors="replace")
    try:
        code = cli(arguments, prog_name="studio-tui", standalone_mode=False)
    except StudioError as problem:
        fail(problem.message, problem.hint, problem.exit_code)
    except _ReaderGone:
        # What is left in the buffer would fail once more, when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message(), err=True)
        sys.exit(problem.exit_code)
    except click.UsageError as problem:
        where = problem.ctx.command_path if problem.ctx else "studio-tui"
        fail(problem.format_message().rstrip("."), f"see: {where} --help", problem.exit_code)
    except click.ClickException as problem:
        fail(problem.format_message(), "", problem.exit_code)
    except OSError as problem:
        fail(str(problem), "see: studio-tui doctor", 1)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, hint: str, code: int) -> None:
    """Say what happened and what to do next, on stderr, and end."""
    say(f"error: {_coded(plain(message))}")
    if hint:
        say(f"hint: {_coded(plain(hint))}")
    sys.exit(code)


def _coded(text: str) -> str:
    """`text` without the code of an invite that was typed where none belongs."""
    return _CODE.sub(r"\1***", text)
