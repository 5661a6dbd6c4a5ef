"""What a folder is made of, as its machine told: paths and what is there."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from studio_tui.errors import StudioError
from studio_tui.payload.carry.survey import same_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FILE, FOLDER, LINK = "f", "d", "l"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path.

    Attributes:
        kind: FILE, FOLDER or LINK.
        mode: permission bits; of no meaning for a link.
        size: bytes of a file.
        mtime: of a file, in ns since 1970.
        digest: SHA-256 of a file in hexadecimal, None when nobody has read it.
        sparse: whether the disk holds less of a file than its size.
        target: where a link leads.
    """

    kind: str
    mode: int = 0
    size: int = 0
    mtime: int = 0
    digest: str | None = None
    sparse: bool = False
    target: str = ""

    def same(self, other: Entry | None) -> bool:
        """Whether there is the same at another place, whatever its mode.

        Files that nobody has read are the same when size and time are.
        """
        if other is None or self.kind != other.kind:
            return False
        if self.kind != FILE:
            return self.target == other.target
        if self.size != other.size:
            return False
        if self.digest is not None and other.digest is not None:
            return self.digest == other.digest
        return same_time(self.mtime, other.mtime)

    def with_mode(self, mode: int) -> Entry:
        """The same with another mode."""
        return self if mode == self.mode else replace(self, mode=mode)

    def row(self, path: str) -> list[Any]:
        """As machines have it; see payload/carry/survey.py."""
        if self.kind == LINK:
            return [LINK, path, self.target]
        if self.kind == FOLDER:
            return [FOLDER, path, self.mode]
        return [FILE, path, self.mode, self.size, self.mtime, self.digest, self.sparse]


Manifest = dict[str, Entry]
"""Path to entry. Paths are relative, "/" between parts; what is not UTF-8 is as os.fsdecode has it.

Every path stays inside of its folder: `manifest` lets no other in.
"""


def manifest(rows: Iterable[Any]) -> Manifest:
    """A manifest of what a machine told.

    Raises:
        StudioError: it makes no sense, or a path leads out of the folder.
    """
    try:
        return dict(_entry(row) for row in rows)
    except (ValueError, TypeError, IndexError, AttributeError) as problem:
        raise StudioError(
            f"a machine's list of files makes no sense: {problem}",
            "is the studio's payload on it whole? remove it there, it is put there again",
        ) from problem


def rows(entries: Mapping[str, Entry]) -> list[list[Any]]:
    """A manifest as machines have it."""
    return [entry.row(path) for path, entry in entries.items()]


def _entry(row: Any) -> tuple[str, Entry]:
    kind, path, third, *rest = row
    if path.startswith("/") or "\0" in path or {"", ".", ".."} & set(path.split("/")):
        raise ValueError(f"the path {path!r}")
    if kind == LINK:
        return path, Entry(LINK, target=str(third))
    if kind == FOLDER:
        return path, Entry(FOLDER, int(third) & 0o777)
    if kind != FILE:
        raise ValueError(f"the kind {kind!r}")
    size, mtime, digest, sparse = rest
    known = None if digest is None else str(digest)
    return path, Entry(FILE, int(third) & 0o777, int(size), int(mtime), known, bool(sparse))


def above(path: str) -> Iterator[str]:
    """The folders that a path lies in, outermost first."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def clashes(paths: Iterable[str]) -> set[str]:
    """Those that a disk which does not tell upper from lower case could not keep apart.

    Two folders that clash take along all that is in them.
    """
    spellings: dict[str, set[str]] = {}
    every = list(paths)
    for path in every:
        for each in (*above(path), path):
            folded = unicodedata.normalize("NFC", each).casefold()
            spellings.setdefault(folded, set()).add(each)
    twice = {each for group in spellings.values() if len(group) > 1 for each in group}
    return {path for path in every if path in twice or any(each in twice for each in above(path))}
