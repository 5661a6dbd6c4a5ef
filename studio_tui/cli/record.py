"""Recordings of terminals: begun, ended, listed, fetched."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio_tui.cli.group import Group
from studio_tui.cli.output import emit, json_option, plain, say, table

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.client.terminal import SharedTerminal


@click.group(
    short_help="Record what a terminal shows, as asciicast v3.",
    cls=Group,
    epilog="Example: studio-tui record start calm-otter bash",
)
def record() -> None:
    """Record what a terminal shows, in the format of asciinema (asciicast v3).

    A recording has the output, the sizes, and marks for who came, who left, who drove and where
    the studio went; never what was typed. The host's known secrets are covered. It goes on over a
    restart of the host, and everybody sees that it is being made.
    """


@record.command(epilog="Example: studio-tui record start calm-otter bash")
@click.argument("studio")
@click.argument("terminal")
@json_option
def start(studio: str, terminal: str, as_json: bool) -> None:
    """Begin to record TERMINAL, an id or a title; prints the recording's id."""
    from studio_tui.cli.attached import attached

    async def work(joined: Studio) -> str:
        return await (await _named(joined, terminal)).record()

    made = attached(studio, work)
    emit({"id": made}, as_json, made)


@record.command(epilog="Example: studio-tui record stop calm-otter bash")
@click.argument("studio")
@click.argument("terminal")
@json_option
def stop(studio: str, terminal: str, as_json: bool) -> None:
    """End the recording of TERMINAL, an id or a title; prints the recording's id."""
    from studio_tui.cli.attached import attached

    async def work(joined: Studio) -> str:
        return await (await _named(joined, terminal)).stop_recording()

    made = attached(studio, work)
    emit({"id": made}, as_json, made)
    if not as_json:
        say(f"to have the file: studio-tui record get {studio} {made} > {made}.cast")


@record.command(epilog="Example: studio-tui record ls calm-otter")
@click.argument("studio")
@json_option
def ls(studio: str, as_json: bool) -> None:
    """List the recordings, and those that are being made."""
    from studio_tui.cli.attached import attached

    found = attached(studio, lambda joined: joined.recordings.list())
    rows = [
        [each.id, plain(each.title), "recording" if each.live else "done",
         time.strftime("%Y-%m-%d %H:%M", time.localtime(each.started)), str(each.bytes)]
        for each in found
    ]  # fmt: skip
    empty = f"no recording yet; make one: studio-tui record start {studio} TERMINAL"
    text = table(["ID", "TERMINAL", "STATE", "STARTED", "BYTES"], rows, empty)
    emit([asdict(each) for each in found], as_json, text)


@record.command(epilog="Example: studio-tui record get calm-otter 4f1c-1790000000 > work.cast")
@click.argument("studio")
@click.argument("recording")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where to; stdout by default.")  # fmt: skip
def get(studio: str, recording: str, output: Path | None) -> None:
    """Print a recording, as `asciinema play` and its web player take it."""
    from studio_tui.cli.attached import attached
    from studio_tui.cli.output import copy

    async def work(joined: Studio) -> None:
        chunks = joined.recordings.chunks(recording)
        if output is None:
            await copy(chunks)
            return
        first = await anext(chunks, b"")  # no file for a recording that is not there
        with output.open("wb") as file:
            file.write(first)
            async for data in chunks:
                file.write(data)

    attached(studio, work)


@record.command(epilog="Example: studio-tui record rm calm-otter 4f1c-1790000000")
@click.argument("studio")
@click.argument("recording")
def rm(studio: str, recording: str) -> None:
    """Remove a recording for good."""
    from studio_tui.cli.attached import attached

    attached(studio, lambda joined: joined.recordings.remove(recording))


async def _named(studio: Studio, name: str) -> SharedTerminal:
    """The terminal with this id, or the only one with this title."""
    from studio_tui.errors import NotFound, UsageFault

    terminals = studio.document.terminals
    if name in terminals:
        return await studio.terminal(name)
    found = [entry.id for entry in terminals.values() if entry.title == name]
    if not found:
        hint = f"see: studio-tui status {studio.id}"
        raise NotFound(f"no terminal {name!r} in {studio.id}", hint)
    if len(found) > 1:
        raise UsageFault(f"{len(found)} terminals are called {name!r}", f"name one: {found}")
    return await studio.terminal(found[0])
