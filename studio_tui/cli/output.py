"""What commands print: results on stdout as JSON or for people, talk on stderr."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, TextIO

import click

_LEAST_WIDTH = 20
_COMMAND = re.compile(r"studio-tui [^,;\n]*")
_KEPT = "\N{NO-BREAK SPACE}"
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def emit(value: Any, as_json: bool, text: str) -> None:
    """Print the result: `value` as one JSON document, or `text` for people."""
    click.echo(json.dumps(value, indent=2) if as_json else text)


def say(text: str) -> None:
    """Talk: what a person may want to know beside the result."""
    click.echo(flowed(text, terminal_width(sys.stderr)), err=True)


def terminal_width(stream: TextIO) -> int | None:
    """The columns of the terminal that `stream` writes to; None when it is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def flowed(text: str, width: int | None, indent: int = 0) -> str:
    """`text` in lines that break between words; a command to be typed stays in one.

    Args:
        width: of the lines, in columns; None leaves them as they are.
        indent: of all but the first.
    """
    if width is None or width < _LEAST_WIDTH:
        return text
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", _KEPT), text)
    lines = [
        line
        for paragraph in kept.split("\n")
        for line in wrap(paragraph, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    return ("\n" + " " * indent).join(lines).replace(_KEPT, " ")


def this_program() -> str:
    """What a person types to run this program again, from where they are."""
    if shutil.which("studio-tui"):
        return "studio-tui"
    program = Path(sys.argv[0])
    if program.name != "studio-tui":
        return f"{sys.executable} -m studio_tui"
    shown = program.absolute()
    here = Path.cwd()
    return str(shown.relative_to(here) if shown.is_relative_to(here) else shown)


def plain(text: str) -> str:
    """`text` without control characters: names and messages may come from anybody."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def table(header: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> str:
    """Aligned columns; `empty` when there are no rows."""
    if not rows:
        return empty
    cells = [list(header), *([("-" if c is None else plain(str(c))) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    start = sum(width + 2 for width in widths[:-1])
    columns = terminal_width(sys.stdout)
    room = None if columns is None else columns - start
    return "\n".join(
        "  ".join(
            [
                *(cell.ljust(width) for cell, width in zip(row, widths[:-1], strict=False)),
                flowed(row[-1], room, start),
            ]
        ).rstrip()
        for row in cells
    )


async def copy(chunks: AsyncIterator[bytes]) -> None:
    """Print bytes as they come, and as they are."""
    async for data in chunks:
        write(data)


def write(data: bytes) -> None:
    """Print bytes now: whoever reads them may wait for just these."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
