"""Files of Snowflake's stages: how statements name them, and what a listing of them says.

Snowflake gives and takes such files whole (GET, PUT), by way of a folder of this computer. Those of
most stages are encrypted before they leave it: what is listed is then the size and the sum of what
is kept, not of the content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from studio_tui.data import checksum
from studio_tui.data.source import Checksum, Entry
from studio_tui.data.unity import moment_of
from studio_tui.errors import StudioError, UsageFault

BLOCK = 16
"""What an encrypted content's size is a multiple of; one that is one already has a block more."""
PARALLEL = 4


class Place(NamedTuple):
    """`DATABASE/SCHEMA/@STAGE/INSIDE` in its parts; what is inside has no / at its ends."""

    database: str
    schema: str
    stage: str
    inside: str

    @property
    def top(self) -> str:
        """The path of the stage itself."""
        return f"{self.database}/{self.schema}/@{self.stage}"

    def named(self, inside: str = "") -> str:
        """How a statement has the stage, or what is inside it."""
        name = ".".join(map(quoted, (self.database, self.schema, self.stage)))
        return literal(f"@{name}{'/' * bool(inside)}{inside}")


@dataclass(frozen=True)
class Staged(Entry):
    """A file that was fetched out of its stage, with the size of its content.

    Attributes:
        at: where it lies on this computer.
        sealed: whether what is listed tells of its encrypted form.
    """

    at: str = ""
    sealed: bool = False


def place(path: str) -> Place | None:
    """Where in a stage a path is; None of one that leads into none."""
    parts = [part for part in path.split("/") if part]
    if len(parts) < 3 or not parts[2].startswith("@"):
        return None
    return Place(parts[0], parts[1], parts[2][1:], "/".join(parts[3:]))


def quoted(name: str) -> str:
    """A name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it, whatever is in it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def files(rows: Iterable[Mapping[str, Any]], where: Place, url: str = "") -> Iterator[Entry]:
    """The files at a place and below it, with their whole paths for names.

    Args:
        rows: of LIST, which also lists what is merely called alike.
        url: of a stage that stands for a bucket, whose files are listed by their URL.
    """
    for row in rows:
        name = str(row["name"])
        if url:
            inside = name.removeprefix(url).lstrip("/")
        else:  # those of a table's own stage (%TABLE) are listed without its name
            inside = name if where.stage.startswith("%") else name.partition("/")[2]
        if not where.inside or f"{inside}/".startswith(f"{where.inside}/"):
            tag, moment = str(row.get("md5") or ""), moment_of(row.get("last_modified"))
            yield Entry(f"{where.top}/{inside}", inside, "file", int(row["size"]), moment, tag)


def level(found: Iterable[Entry], where: Place, *, deep: bool) -> list[Entry]:
    """A folder's own files and folders, or every file below it; a file's own path lists it."""
    shown: dict[str, Entry] = {}
    for file in found:
        rest = file.name[len(where.inside) :].lstrip("/")
        first, _, deeper = (rest or file.name.rpartition("/")[2]).partition("/")
        if deep or not deeper:
            name = rest or first
            shown[file.path] = Entry(file.path, name, "file", file.size, file.modified, file.tag)
        else:
            at = f"{file.path[: len(file.path) - len(rest)]}{first}/"
            shown.setdefault(at, Entry(at, first, "folder"))
    return list(shown.values())


def get_statement(where: Place, folder: Path) -> str:
    """GET of this file alone: a path by itself stands for all that begins so."""
    pattern = ".*" + re.sub(r"[^\w/-]", ".", where.inside)
    return (
        f"GET {where.named(where.inside)} {literal(f'file://{folder}/')} "
        f"PARALLEL={PARALLEL} PATTERN={literal(pattern)}"
    )


def put_statement(where: Place, file: Path) -> str:
    """PUT of a file that has its name already, as it is."""
    above = where.inside.rpartition("/")[0]
    return (
        f"PUT {literal(f'file://{file}')} {where.named(above)} PARALLEL={PARALLEL} "
        "AUTO_COMPRESS=FALSE SOURCE_COMPRESSION=NONE OVERWRITE=TRUE"
    )


def check_name(where: Place) -> None:
    """UsageFault: a file cannot be put there under its name."""
    if not where.inside:
        raise UsageFault(f"{where.top} is no file's address", "write the whole name")
    # The connector takes the name for a pattern, and cuts it out of the statement.
    odd = set(where.inside) & set("*?[]'\"\\") or {".", ".."} & set(where.inside.split("/"))
    if odd or not where.inside.isprintable():
        raise UsageFault(f"Snowflake takes no such name: {where.inside}", "choose another name")


def fetched(entry: Entry, file: Path) -> Staged:
    """A file that has arrived. StudioError: it is not as long as what is listed can be."""
    size = file.stat().st_size
    if entry.size not in (size, kept(size)):
        raise StudioError(f"{size} bytes arrived of {entry.path}, {entry.size} are listed", "again")
    told = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    return Staged(**told | {"size": size}, at=str(file), sealed=entry.size != size)


def kept(size: int) -> int:
    """How many bytes an encrypted content has."""
    return size + BLOCK - size % BLOCK


def sum_of(entry: Entry) -> Checksum | None:
    """The MD5 that is listed, where it is that of the content, sent in one piece."""
    sealed = not isinstance(entry, Staged) or entry.sealed
    return None if sealed else checksum.by_tag(entry.tag, None)


def arrived(entry: Entry, size: int, digest: str) -> Entry:
    """What has been put, as long as its content. StudioError: it is not what was sent.

    Args:
        entry: as it is listed now.
        digest: the MD5 of the content.
    """
    whole = entry.size == size and (checksum.of_parts(entry.tag) or entry.tag in ("", digest))
    if not whole and entry.size != kept(size):
        raise StudioError(f"what arrived as {entry.path} is not what was sent", "send it again")
    return replace(entry, size=size)
