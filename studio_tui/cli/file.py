"""Files of a studio, through the shared documents."""

from __future__ import annotations

import sys
from typing import Any

import click

from studio_tui.cli.output import emit, json_option, table


@click.group(epilog="Example: studio-tui file cat calm-otter train.py")
def file() -> None:
    """List, print and write files of a studio."""


@file.command("ls", epilog="Example: studio-tui file ls calm-otter src")
@click.argument("studio")
@click.argument("path", default="")
@json_option
def ls(studio: str, path: str, as_json: bool) -> None:
    """List a folder."""
    from studio_tui.cli.attached import attached

    found = attached(studio, lambda joined: joined.query("files.list", path=path))["entries"]
    rows = [[item["kind"], item["size"], item["name"]] for item in found]
    emit(found, as_json, table(["KIND", "BYTES", "NAME"], rows, "the folder is empty"))


@file.command("cat", epilog="Example: studio-tui file cat calm-otter train.py")
@click.argument("studio")
@click.argument("path")
def cat(studio: str, path: str) -> None:
    """Print a file as people see it now, saved or not."""
    from studio_tui.cli.attached import attached

    async def read(joined: Any) -> bytes:
        opened = await joined.query("files.open", path=path)
        if opened["readonly"]:
            return bytes(await joined.read(path))
        return str(await joined.file(path)).encode()

    sys.stdout.buffer.write(attached(studio, read))


@file.command("write", epilog="Example: studio-tui file write calm-otter notes.md < notes.md")
@click.argument("studio")
@click.argument("path")
def write(studio: str, path: str) -> None:
    """Replace a file's text by stdin; people who have it open see it at once."""
    from studio_tui.cli.attached import attached
    from studio_tui.errors import NotFound, UsageFault

    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise UsageFault("stdin is not UTF-8 text", "binary files: copy them there") from None

    async def put(joined: Any) -> None:
        try:
            shared = await joined.file(path)
        except NotFound:
            await joined.command("files.create", path=path, kind="file")
            shared = await joined.file(path)
        await shared.write(text)
        await shared.flush()

    attached(studio, put)
    click.echo(f"wrote {path}: {len(text)} characters", err=True)
