"""What Databricks answers, as entries and values: Unity Catalog, volumes, statements."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from studio_tui.data.source import Entry
from studio_tui.errors import UsageFault


def value_of(text: str | None, kind: str) -> object:
    """A value that a statement's answer spells out, by its column's type."""
    if text is None:
        return None
    if kind in ("tinyint", "smallint", "int", "bigint"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    return text == "true" if kind == "boolean" else text


def volume_path(path: str) -> str:
    """The path of a volume's file as the files API has it. UsageFault: it is none."""
    parts = path.split("/")
    if len(parts) < 4 or not all(parts) or ".." in parts:
        raise UsageFault(f"{path} is no file of a volume", "write CATALOG/SCHEMA/VOLUME/FILE")
    return f"/Volumes/{path}"


def files_api(path: str) -> str:
    """Where the files API has a file."""
    return f"/api/2.0/fs/files{quote(volume_path(path))}"


def folder_of(path: str, note: str = "") -> Entry:
    """A catalog, schema, volume or folder."""
    return Entry(f"{path}/", path.rpartition("/")[2], "folder", note=note)


def table_of(path: str, told: Any) -> Entry:
    """A table as Unity Catalog tells of it."""
    moment = told.updated_at / 1000 if told.updated_at else None
    kind = told.table_type.value.lower().replace("_", " ") if told.table_type else ""
    tag = str(told.updated_at or "")
    return Entry(path, path.rpartition("/")[2], "table", modified=moment, tag=tag, note=kind)


def file_of(path: str, told: Any) -> Entry:
    """A file of a volume as its folder's listing tells of it."""
    moment = told.last_modified / 1000 if told.last_modified else None
    return Entry(path, path.rpartition("/")[2], "file", told.file_size, moment)


def moment_of(text: str | None) -> float | None:
    """Unix time in seconds of a header's date."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def is_other(entry: Entry, modified: object) -> bool:
    """Whether a file has changed since `entry` was told of it."""
    return bool(entry.tag and modified) and entry.tag != modified
