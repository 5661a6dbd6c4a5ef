"""The manual page of `studio-tui`, written from the commands themselves: `make man`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from studio_tui import __version__
from studio_tui.cli.main import cli


def escaped(text: str) -> str:
    """`text` as roff shows it as it is: no line of it is a command, no dash a hyphen."""
    lines = (line.strip().replace("\\", "\\e").replace("-", "\\-") for line in text.splitlines())
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def described(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """One command: how it is called, what it does, its options, an example; then those in it."""
    yield f'.SS "{escaped(ctx.command_path)}"'
    yield f".B {escaped(' '.join([ctx.command_path, *command.collect_usage_pieces(ctx)]))}"
    for paragraph in (command.help or "").replace("\b\n", "").split("\n\n"):
        yield f".PP\n{escaped(paragraph)}"
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and record[1]:
            yield f".TP\n.B {escaped(record[0])}\n{escaped(record[1])}"
    if command.epilog:
        yield f".PP\n{escaped(command.epilog)}"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from described(inner, click.Context(inner, info_name=name, parent=ctx))


def page() -> str:
    """The whole page."""
    root = cli.make_context("studio-tui", [], resilient_parsing=True)
    first, _, _ = (cli.help or "").partition("\n")
    head = [
        f'.TH STUDIO\\-TUI 1 "" "studio\\-tui {__version__}" "User Commands"',
        f".SH NAME\nstudio\\-tui \\- {escaped(first)}",
        ".SH SYNOPSIS\n.B studio\\-tui COMMAND [ARGS]...",
        ".SH COMMANDS",
    ]
    return "\n".join([*head, *described(cli, root), ""])


def main() -> None:
    """Write it to the file that is named."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(), encoding="utf-8")
    print(f"man {target}")


if __name__ == "__main__":
    main()
