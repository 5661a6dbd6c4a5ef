"""A studio's files as a whole: found, searched, replaced in, moved, deleted, brought back."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from studio_tui.cli.file import file
from studio_tui.cli.output import emit, json_option, plain, say, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio_tui.client.project import Hits
    from studio_tui.client.studio import Studio

F = TypeVar("F", bound="Callable[..., Any]")


def pattern_options(command: F) -> F:
    """What a query is taken for."""
    for name, words in (
        ("--word", "Only as a whole word."),
        ("--case", "Upper and lower case are different letters."),
        ("--regex", "The query is a regular expression."),
    ):
        command = click.option(name, is_flag=True, help=words)(command)
    return command


@file.command("find", epilog="Example: studio-tui file find calm-otter model")
@click.argument("studio")
@click.argument("part", default="")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 500),
    help="How many files at most.",
)  # fmt: skip
@json_option
def find(studio: str, part: str, limit: int, as_json: bool) -> None:
    """Find files by part of their names; what git ignores is left out."""
    from studio_tui.cli.attached import attached

    paths = attached(studio, lambda joined: joined.project.find(part, limit))
    emit(paths, as_json, "\n".join(map(plain, paths)))


@file.command("search", epilog="Example: studio-tui file search calm-otter learning_rate")
@click.argument("studio")
@click.argument("query")
@pattern_options
@json_option
def search(studio: str, query: str, regex: bool, case: bool, word: bool, as_json: bool) -> None:
    """Find lines in all files; what git ignores is left out."""
    from studio_tui.cli.attached import attached
    from studio_tui.document.pattern import Pattern

    wanted = Pattern(query, regex, case, word)
    wanted.check()
    found = attached(studio, lambda joined: joined.project.search(wanted))
    lines = [f"{plain(hit.path)}:{hit.line}: {plain(hit.text)}" for hit in found.hits]
    emit([asdict(hit) for hit in found.hits], as_json, "\n".join(lines))
    _tell_truncated(found)


def _tell_truncated(found: Hits) -> None:
    if found.truncated:
        say(f"only the first {len(found.hits)} lines are shown")


@file.command(
    "replace", epilog="Example: studio-tui file replace calm-otter lr learning_rate --word --write"
)
@click.argument("studio")
@click.argument("query")
@click.argument("text")
@pattern_options
@click.option("--write", "really", is_flag=True, help="Do it; else it is only shown.")
@json_option
def replace(
    studio: str,
    query: str,
    text: str,
    regex: bool,
    case: bool,
    word: bool,
    really: bool,
    as_json: bool,
) -> None:
    r"""Replace in all files, where people see it at once; shows what it would do, or does it.

    In TEXT of a regular expression \1 is its first group.
    """
    from studio_tui.cli.attached import attached
    from studio_tui.document.pattern import Pattern, edited

    wanted = Pattern(query, regex, case, word)
    wanted.check()

    async def work(joined: Studio) -> tuple[Hits, dict[str, int]]:
        found = await joined.project.search(wanted)
        if not really:
            return found, {}
        return found, await joined.project.replace(wanted, text, found.paths)

    found, counts = attached(studio, work)
    if really:
        rows = [[count, path] for path, count in counts.items()]
        emit(counts, as_json, table(["PLACES", "FILE"], rows, "nothing was found"))
    else:
        shown = []
        for hit in found.hits:
            new = edited(hit.text, wanted.replacements(hit.text, text))
            where = f"{plain(hit.path)}:{hit.line}"
            shown += [f"{where}: - {plain(hit.text)}", f"{where}: + {plain(new)}"]
        emit([asdict(hit) for hit in found.hits], as_json, "\n".join(shown))
        say("nothing is changed yet: add --write")
    _tell_truncated(found)


@file.command("new", epilog="Example: studio-tui file new calm-otter src/model.py")
@click.argument("studio")
@click.argument("path")
@click.option("--folder", is_flag=True, help="A folder instead of a file.")
def new(studio: str, path: str, folder: bool) -> None:
    """Make an empty file, and the folders above it."""
    from studio_tui.cli.attached import attached

    attached(studio, lambda joined: joined.project.create(path, "dir" if folder else "file"))


@file.command("mv", epilog="Example: studio-tui file mv calm-otter model.py src/model.py")
@click.argument("studio")
@click.argument("path")
@click.argument("to")
def mv(studio: str, path: str, to: str) -> None:
    """Give a file or folder another name or place; whoever has it open goes along."""
    from studio_tui.cli.attached import attached

    attached(studio, lambda joined: joined.project.rename(path, to))


@file.command("rm", epilog="Example: studio-tui file rm calm-otter old.py")
@click.argument("studio")
@click.argument("path")
def rm(studio: str, path: str) -> None:
    """Move a file or folder into the trash, where it stays for 30 days."""
    from studio_tui.cli.attached import attached

    id = attached(studio, lambda joined: joined.project.delete(path))
    say(f"to bring it back: studio-tui file restore {studio} {id}" if id else "gone for good")


@file.command("trash", epilog="Example: studio-tui file trash calm-otter")
@click.argument("studio")
@click.option("--empty", is_flag=True, help="Delete all of it for good.")
@json_option
def trash(studio: str, empty: bool, as_json: bool) -> None:
    """List what was deleted and can be brought back."""
    from studio_tui.cli.attached import attached

    if empty:
        say(f"deleted for good: {attached(studio, lambda joined: joined.project.empty_trash())}")
        return
    found = attached(studio, lambda joined: joined.project.trash())
    rows = [
        [each.id, time.strftime("%d.%m. %H:%M", time.localtime(each.time)), each.by, each.path]
        for each in found
    ]
    text = table(["ID", "DELETED", "BY", "PATH"], rows, "the trash is empty")
    emit([asdict(each) for each in found], as_json, text)


@file.command("restore", epilog="Example: studio-tui file restore calm-otter 20261129-101500-a1b2")
@click.argument("studio")
@click.argument("id")
@click.argument("to", default="")
def restore(studio: str, id: str, to: str) -> None:
    """Bring something back from the trash, to where it was or to another place."""
    from studio_tui.cli.attached import attached

    say(f"it is {attached(studio, lambda joined: joined.project.restore(id, to))} again")
