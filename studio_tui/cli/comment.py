"""Comments on a studio's files: list, make, answer, resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from studio_tui.cli.group import Group
from studio_tui.cli.output import emit, json_option, say, table

if TYPE_CHECKING:
    from studio_tui.client.remarks import Thread
    from studio_tui.client.studio import Studio

LINE = click.IntRange(min=1)


@click.group(cls=Group, epilog='Example: studio-tui comment add calm-otter train.py 42 "why 0.1?"')
def comment() -> None:
    """List, make, answer and resolve comments on files."""


@comment.command("ls", epilog="Example: studio-tui comment ls calm-otter train.py --all")
@click.argument("studio")
@click.argument("path", default="")
@click.option("--all", "everything", is_flag=True, help="Resolved ones, too.")
@json_option
def ls(studio: str, path: str, everything: bool, as_json: bool) -> None:
    """List the open comments, with PATH those of one file and their lines as of now."""
    from studio_tui.cli.attached import attached

    async def threads(joined: Studio) -> tuple[list[Thread], int]:
        remarks = joined.remarks
        if path:
            return (await joined.file(path)).comments, remarks.left_out
        return remarks.threads(), remarks.left_out

    listed, left_out = attached(studio, threads)
    found = [thread for thread in listed if everything or thread.open]
    rows = [row for thread in found for row in _rows(thread)]
    empty = f"no comment is open; make one: studio-tui comment add {studio} FILE LINE TEXT"
    text = table(["ID", "WHERE", "BY", "TEXT"], rows, empty)
    emit([thread.plain() for thread in found], as_json, text)
    if left_out:
        say(f"… and {left_out} more: everybody's newest are listed")


def _rows(thread: Thread) -> list[list[object]]:
    """A comment and its replies as rows of the table."""
    first = thread.comment
    where = f"{thread.path}:{thread.line or '-'}"
    done = f" (resolved by {first.resolved_by})" if first.resolved_by else ""
    rows: list[list[object]] = [[first.id, where, first.by, first.text + done]]
    return rows + [[reply.id, "", reply.by, f"↳ {reply.text}"] for reply in thread.replies]


@comment.command("add", epilog='Example: studio-tui comment add calm-otter train.py 42 "why 0.1?"')
@click.argument("studio")
@click.argument("path")
@click.argument("line", type=LINE)
@click.argument("text")
@click.option("--to", "last", type=LINE, default=None, help="Last line of a range.")
def add(studio: str, path: str, line: int, text: str, last: int | None) -> None:
    """Comment on a line, or on the lines up to --to; prints the comment's id."""
    from studio_tui.cli.attached import attached
    from studio_tui.errors import UsageFault

    async def made(joined: Studio) -> str:
        file = await joined.file(path)
        try:
            start, end = file.range_of(line)[0], file.range_of(last or line)[1]
        except ValueError as problem:
            raise UsageFault(f"{path}: {problem}", "lines count from 1") from problem
        return file.comment(start, max(start, end), text).id

    click.echo(attached(studio, made))


@comment.command("reply", epilog='Example: studio-tui comment reply calm-otter 4f2a "see #7"')
@click.argument("studio")
@click.argument("id")
@click.argument("text")
def reply(studio: str, id: str, text: str) -> None:
    """Answer a comment; the beginning of its id is enough. Prints the reply's id."""
    from studio_tui.cli.attached import attached

    async def made(joined: Studio) -> str:
        return joined.remarks.reply(id, text).id

    click.echo(attached(studio, made))


@comment.command("resolve", epilog="Example: studio-tui comment resolve calm-otter 4f2a")
@click.argument("studio")
@click.argument("id")
@click.option("--reopen", is_flag=True, help="Open it again.")
def resolve(studio: str, id: str, reopen: bool) -> None:
    """Say that a comment is dealt with."""
    from studio_tui.cli.attached import attached

    async def done(joined: Studio) -> None:
        joined.remarks.resolve(id, resolved=not reopen)

    attached(studio, done)
    say(f"{'opened' if reopen else 'resolved'} {id}")


@comment.command("rm", epilog="Example: studio-tui comment rm calm-otter 4f2a")
@click.argument("studio")
@click.argument("id")
def rm(studio: str, id: str) -> None:
    """Take away a comment with its replies, or one reply."""
    from studio_tui.cli.attached import attached

    async def done(joined: Studio) -> None:
        joined.remarks.remove(joined.remarks.find(id).id)

    attached(studio, done)
    say(f"removed {id}")
