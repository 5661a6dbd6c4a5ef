"""What commands print: results on stdout as JSON or for people, talk on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def emit(value: Any, as_json: bool, text: str) -> None:
    """Print the result: `value` as one JSON document, or `text` for people."""
    click.echo(json.dumps(value, indent=2) if as_json else text)


def say(text: str) -> None:
    """Talk: what a person may want to know beside the result."""
    click.echo(text, err=True)


def plain(text: str) -> str:
    """`text` without control characters: names and messages may come from anybody."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def table(header: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> str:
    """Aligned columns; `empty` when there are no rows."""
    if not rows:
        return empty
    cells = [list(header), *([("-" if c is None else plain(str(c))) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
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
