"""Files of a studio, through the shared documents."""

from __future__ import annotations

import codecs
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from studio_tui.cli.group import Group
from studio_tui.cli.output import emit, json_option, say, table, write

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio


@click.group(
    short_help="List, read, write, search and move a studio's files.",
    cls=Group,
    epilog="Example: studio-tui file cat calm-otter train.py",
)
def file() -> None:
    """List, print, write, find, search, move and delete files of a studio."""


@file.command("ls", epilog="Example: studio-tui file ls calm-otter src")
@click.argument("studio")
@click.argument("path", default="")
@json_option
def ls(studio: str, path: str, as_json: bool) -> None:
    """List a folder."""
    from studio_tui.cli.attached import attached

    found = attached(studio, lambda joined: joined.folder(path))
    rows = [[entry.kind, entry.size, entry.name] for entry in found.entries]
    text = table(["KIND", "BYTES", "NAME"], rows, "the folder is empty")
    emit([asdict(entry) for entry in found.entries], as_json, text)
    if found.truncated:
        say(f"only the first {len(rows)} are shown")


@file.command("cat", epilog="Example: studio-tui file cat calm-otter train.py")
@click.argument("studio")
@click.argument("path")
def cat(studio: str, path: str) -> None:
    """Print a file as people see it now: the shared text when it is open, else what is on disk."""
    from studio_tui.cli.attached import attached

    async def content(joined: Studio) -> bytes:
        if joined.is_open(path):
            return str(await joined.file(path)).encode()
        return await joined.read(path)

    write(attached(studio, content))


@file.command("write", epilog="Example: studio-tui file write calm-otter notes.md < notes.md")
@click.argument("studio")
@click.argument("path")
def write_(studio: str, path: str) -> None:
    """Replace a file's text by stdin; people who have it open see it at once.

    A file that is not there is created. One whose lines end in CRLF, or that has a byte-order
    mark, keeps them.
    """
    from studio_tui.cli.attached import attached
    from studio_tui.errors import UsageFault

    data = sys.stdin.buffer.read()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageFault(
            "stdin is not UTF-8 text", "copy a binary file by other means, such as scp"
        )
    attached(studio, lambda joined: put(joined, path, text))
    say(f"wrote {path}: {len(text)} characters")


async def put(studio: Studio, path: str, text: str) -> None:
    """Make `text` the content of the file at `path`, also on disk."""
    from studio_tui.errors import NotFound

    try:
        before = await studio.read(path)
    except NotFound:
        await studio.project.create(path)
        before = b""
    shared = await studio.file(path)
    await shared.write(as_shared(text, before))
    await shared.flush()


def as_shared(text: str, before: bytes) -> str:
    """`text` without what the host adds to a file that was `before`: its line ends and its mark."""
    if before.startswith(codecs.BOM_UTF8):
        text = text.removeprefix("\ufeff")
    ends = before.count(b"\n")
    if ends and ends == before.count(b"\r\n"):
        text = text.replace("\r\n", "\n")
    return text
