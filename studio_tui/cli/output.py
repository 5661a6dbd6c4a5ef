"""How results are printed: JSON documents, and tables for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click


def emit(value: Any, as_json: bool, text: str) -> None:
    """Print `value` as one JSON document, or `text` for people."""
    click.echo(json.dumps(value, indent=2) if as_json else text)


def table(header: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> str:
    """Aligned columns; `empty` when there are no rows."""
    if not rows:
        return empty
    cells = [list(header), *([("-" if c is None else str(c)) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
