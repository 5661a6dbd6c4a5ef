"""A look at a file or table without fetching it: text, rows, pictures, from a few ranges."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from studio_tui.data.picture import SUFFIXES, picture
from studio_tui.data.ranged import Ranged
from studio_tui.data.source import Entry, Going, Source
from studio_tui.errors import StudioError

START = 64 << 10
"""Bytes of a file's start that are looked at."""
CELL = 120
"""Most characters of a cell that are shown."""
COLUMNS = 64
PARQUET_BYTES = 24 << 20
WHOLE = 24 << 20
"""Bytes of a file that is fetched whole for a look at it, where it cannot be had in parts."""
PAGE_BYTES = 64 << 10
TEXT = 32 << 10


@dataclass(frozen=True)
class Preview:
    """What a file or table looks like; its parts are small enough for one answer.

    Attributes:
        entry: what was looked at.
        kind: text, table, image or binary.
        text: the start of a text, or bytes in hexadecimal.
        columns: (name, type) of each column of a table.
        rows: its first rows.
        total: how many rows it has; None where that would take reading all of it.
        width, height: of an image, in its own pixels.
        pixels: of the image made smaller, rows of "rrggbb" after one another.
        across: how many of these are a row.
        note: what is not shown, and why.
    """

    entry: Entry
    kind: str
    text: str = ""
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    total: int | None = None
    width: int = 0
    height: int = 0
    pixels: list[str] = field(default_factory=list)
    across: int = 0
    note: str = ""

    def plain(self) -> dict[str, Any]:
        """As calls and `--json` have it."""
        told = {k: getattr(self, k) for k in self.__dataclass_fields__}
        return told | {"entry": self.entry.plain(), "columns": [list(c) for c in self.columns]}


def preview(source: Source, path: str, rows: int = 20, version: str = "") -> Preview:
    """The first rows, characters or a small picture of what is at `path`.

    Raises:
        StudioError: the source; what cannot be read as what its name says is shown as bytes.
    """
    entry = source.stat(path, version)
    if entry.kind == "table":
        return _table(source, entry, rows)
    with source.opened(entry, Going(), WHOLE) as file:
        return replace(_file(source, file, rows), entry=entry)


def _file(source: Source, entry: Entry, rows: int) -> Preview:
    suffix = entry.name.lower().rpartition(".")[2]
    try:
        if suffix in ("parquet", "pq"):
            return _parquet(source, entry, rows)
        if suffix in SUFFIXES:
            return _image(source, entry)
    except Unreadable as problem:
        return _start(source, entry, rows, "", str(problem))
    return _start(source, entry, rows, suffix, "")


class Unreadable(Exception):
    """A file is not what its name says, or the package that reads such files is not there."""


def _table(source: Source, entry: Entry, most: int) -> Preview:
    found = source.rows(entry.path, most)
    rows = [cells(row) for row in found.rows]
    return Preview(entry, "table", columns=list(found.columns), rows=rows, total=found.total)


def _start(source: Source, entry: Entry, most: int, suffix: str, note: str) -> Preview:
    """What a file begins with."""
    data = source.read(entry, 0, START)
    whole = len(data) >= (entry.size or 0)
    if b"\0" in data or not _is_text(data):
        return Preview(entry, "binary", text=dump(data[:512]), note=note)
    text = data.decode("utf-8", "replace")
    if not whole:
        # The last line may have been cut through.
        text = text.rpartition("\n")[0] or text
    if suffix in ("csv", "tsv"):
        return _separated(entry, text, "\t" if suffix == "tsv" else "", most, whole)
    if suffix in ("jsonl", "ndjson"):
        return _json_lines(entry, text, most, whole)
    note = note or ("" if whole else f"the first {len(text.encode())} of {entry.size} bytes")
    return Preview(entry, "text", text=text[:TEXT], note=note)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        return problem.start > len(data) - 4 and len(data) > 8
    return True


def _separated(entry: Entry, text: str, mark: str, most: int, whole: bool) -> Preview:
    try:
        if not mark:
            found = csv.Sniffer().sniff(text[:4096], ",;\t|")
            mark = found.delimiter
    except csv.Error:
        mark = ","
    try:
        lines = [row for row in csv.reader(io.StringIO(text), delimiter=mark) if row]
    except csv.Error as problem:
        return Preview(entry, "text", text=text[:TEXT], note=f"no CSV: {problem}")
    head, rows = (lines[0], lines[1:]) if lines else ([], [])
    return Preview(
        entry,
        "table",
        columns=[(clipped(name), "") for name in head[:COLUMNS]],
        rows=[cells(row) for row in rows[:most]],
        total=len(rows) if whole else None,
        note=_left_out(len(head)),
    )


def _json_lines(entry: Entry, text: str, most: int, whole: bool) -> Preview:
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        found = [json.loads(line) for line in lines[:most]]
    except (ValueError, RecursionError):
        return Preview(entry, "text", text=text[:TEXT], note="not every line is JSON")
    names: dict[str, str] = {}
    for row in found:
        for key, value in row.items() if isinstance(row, dict) else [("", row)]:
            names.setdefault(str(key), type(value).__name__)
    shown = list(names)[:COLUMNS]
    rows = [
        cells([_json(row.get(n, "") if isinstance(row, dict) else row) for n in shown])
        for row in found
    ]
    return Preview(
        entry,
        "table",
        columns=[(clipped(name), names[name]) for name in shown],
        rows=rows,
        total=len(lines) if whole else None,
        note=_left_out(len(names)),
    )


def _json(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _parquet(source: Source, entry: Entry, most: int) -> Preview:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise Unreadable("Parquet is read by pyarrow: pip install 'studio-tui[data]'") from None
    try:
        file = parquet.ParquetFile(
            io.BufferedReader(Ranged(source, entry, PARQUET_BYTES)),
            buffer_size=PAGE_BYTES,
            pre_buffer=False,
        )
        total, schema = file.metadata.num_rows, file.schema_arrow
        names = schema.names[:COLUMNS]
        columns = [(clipped(n), str(schema.field(i).type)[:40]) for i, n in enumerate(names)]
    except (ArrowException, OSError, ValueError) as problem:
        raise Unreadable(f"no Parquet file: {' '.join(str(problem).split())[:120]}") from None
    note, rows = _left_out(len(schema.names)), []
    try:
        groups = list(range(min(1, file.num_row_groups)))
        for batch in file.iter_batches(max(most, 1), row_groups=groups, columns=names):
            rows = [cells(row.values()) for row in batch.to_pylist()[:most]]
            break
    except (ArrowException, OSError, ValueError):
        note = "the rows lie too far apart for a preview"
    return Preview(entry, "table", columns=columns, rows=rows, total=total, note=note)


def _image(source: Source, entry: Entry) -> Preview:
    found = picture(source, entry)
    if isinstance(found, str):
        raise Unreadable(found)
    return Preview(
        entry, "image", width=found.width, height=found.height, pixels=found.rows,
        across=found.across,
    )  # fmt: skip


def rows_of(source: Source, entry: Entry) -> int | None:
    """How many rows a file or table has, where that can be told from a few bytes of it."""
    if entry.kind == "table":
        return source.rows(entry.path, 0).total
    if not _is_parquet(entry):
        return None
    try:
        with source.opened(entry, Going(), WHOLE) as file:
            return rows_in(source, file)
    except StudioError:
        return None


def rows_in(source: Source, file: Entry) -> int | None:
    """As `rows_of`, of a file that is opened."""
    if not _is_parquet(file):
        return None
    try:
        return _parquet(source, file, 0).total
    except (Unreadable, StudioError):
        return None


def _is_parquet(entry: Entry) -> bool:
    return entry.name.lower().endswith((".parquet", ".pq"))


def cells(row: Iterable[object]) -> list[str]:
    """A row as texts, each short enough."""
    return [clipped(value) for _, value in zip(range(COLUMNS), row, strict=False)]


def clipped(value: object) -> str:
    """A value as a text of one line."""
    if isinstance(value, (bytes, bytearray)):
        value = f"{len(value)} bytes"
    text = " ".join(("" if value is None else str(value))[: CELL * 4].split())
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _left_out(columns: int) -> str:
    return f"{columns - COLUMNS} more columns" if columns > COLUMNS else ""


def dump(data: bytes) -> str:
    """Bytes in hexadecimal, sixteen a row, the printable ones beside them."""
    lines: Sequence[bytes] = [data[at : at + 16] for at in range(0, len(data), 16)]
    return "\n".join(
        f"{number * 16:08x}  {row.hex(' '):<47}  "
        + "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row)
        for number, row in enumerate(lines)
    )
