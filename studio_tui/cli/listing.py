"""Data as a terminal shows it: rows of a listing, tables, texts, pictures in half blocks."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studio_tui.cli.output import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.client.data import DataEntry, DataPreview
    from studio_tui.data.preview import Preview
    from studio_tui.data.source import Entry

WIDEST = 40


def line(entry: Entry | DataEntry, versions: bool = False) -> str:
    """One row of a listing."""
    when = ""
    if entry.modified is not None:
        when = datetime.fromtimestamp(entry.modified, UTC).strftime("%Y-%m-%d %H:%M")
    size = entry.kind if entry.size is None else size_of(entry.size)
    name = entry.name + ("/" if entry.kind == "folder" and not entry.name.endswith("/") else "")
    extra = [entry.version] * versions + ([entry.note] if entry.note else [])
    return plain("  ".join([f"{size:>8}", f"{when:16}", name, *filter(None, extra)]).rstrip())


def size_of(amount: int) -> str:
    """Bytes as people read them."""
    value, units = float(amount), iter("BKMGTP")
    unit = next(units)
    while value >= 1000:
        value, unit = value / 1024, next(units)
    return f"{amount} B" if unit == "B" else f"{value:.1f} {unit}B"


def readable(found: Preview | DataPreview) -> list[str]:
    """A preview, a line each."""
    about = "" if found.entry.size is None else f"{size_of(found.entry.size)}  "
    if found.kind == "table":
        names = [f"{name} ({kind})" if kind else name for name, kind in found.columns]
        count = "" if found.total is None else f"{found.total} rows, "
        return [f"{about}{count}{len(names)} columns", *_aligned([names, *found.rows])]
    if found.kind == "image":
        return [f"{about}{found.width} x {found.height} pixels", *half_blocks(found.pixels)]
    return ["".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}"
                    for c in found.text)]  # fmt: skip


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names and values under each other; a cell is cut before it pushes others off the screen."""
    from studio_tui.client.data import numeric

    across = max(len(row) for row in rows)
    cells = [[plain(cell)[:WIDEST] for cell in row] + [""] * (across - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(across)]
    numbers = numeric(rows[1:])
    places = [str.rjust if at in numbers else str.ljust for at in range(across)]
    return [
        "  ".join(place(c, w) for place, c, w in zip(places, row, widths, strict=True)).rstrip()
        for row in cells
    ]


def half_blocks(pixels: Sequence[str]) -> list[str]:
    """Rows of a picture, two rows of pixels in one of characters; grey without a terminal."""
    if not sys.stdout.isatty():
        return []
    drawn = []
    for top, bottom in zip(pixels[::2], pixels[1::2], strict=False):
        row = ""
        for at in range(0, min(len(top), len(bottom)), 6):
            upper, lower = (
                ";".join(str(int(p[at + i : at + i + 2], 16)) for i in (0, 2, 4))
                for p in (top, bottom)
            )
            row += f"\x1b[38;2;{upper};48;2;{lower}m▀"
        drawn.append(f"{row}\x1b[0m")
    return drawn
