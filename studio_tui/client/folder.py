"""A folder of the studio as the host lists it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio_tui.client.answer import Answer


@dataclass(frozen=True)
class FolderEntry:
    """One name in a folder. `kind`: dir, file or other; size in bytes; mtime in Unix seconds."""

    name: str
    kind: str
    size: int
    mtime: float


@dataclass(frozen=True)
class Listing:
    """What is in a folder, by name; `truncated` when the host left some out."""

    entries: list[FolderEntry]
    truncated: bool


def read_listing(answer: Answer) -> Listing:
    """The listing in the answer to `files.list`; entries that are none are left out."""
    entries = [_entry(item) for item in answer.items("entries")]
    return Listing([entry for entry in entries if entry is not None], answer.flag("truncated"))


def _entry(item: Any) -> FolderEntry | None:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        return None
    kind, size, mtime = item.get("kind"), item.get("size"), item.get("mtime")
    return FolderEntry(
        name=item["name"],
        kind=kind if kind in ("dir", "file") else "other",
        size=size if isinstance(size, int) else 0,
        mtime=float(mtime) if isinstance(mtime, (int, float)) else 0.0,
    )
