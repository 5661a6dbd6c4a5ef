"""A file's copy out of a source and into one: parallel, verified, taken up where it was left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from studio_tui.data.local import Origin, Target
from studio_tui.data.pace import Beside, in_order
from studio_tui.data.preview import rows_in
from studio_tui.data.source import Checksum, Entry, Going, Source
from studio_tui.errors import NotFound, StudioError, UsageFault

PIECE = 8 << 20
NAMED = 20
"""Most of the files that were passed over are named."""


@dataclass
class Copied:
    """What became of a copy.

    Attributes:
        files, bytes: how much is there now.
        checked: by which checksum the content was compared with the source's; "" for its size only.
        rows: of a table, or of a single file that tells; None where nobody knows.
        skipped: files that were passed over, each with the reason, the first of them.
        passed_over: how many there were.
    """

    files: int = 0
    bytes: int = 0
    checked: str = ""
    rows: int | None = None
    skipped: list[str] = field(default_factory=list)
    passed_over: int = 0

    def skip(self, name: str, why: str) -> None:
        """Pass a file over."""
        self.passed_over += 1
        if len(self.skipped) < NAMED:
            # Half of a surrogate pair, of a name that is not UTF-8, cannot be printed.
            self.skipped.append(f"{name}: {why}".encode(errors="replace").decode())

    def plain(self) -> dict[str, Any]:
        """As calls and `--json` have it."""
        return asdict(self)


def fetch(
    source: Source, entry: Entry, target: Target, going: Going, *, count: bool = True
) -> Copied:
    """Copy a file out of a source; a table, as a Parquet file.

    Args:
        count: count the rows of a file, where they can be told from a few bytes of it.

    Raises:
        Stopped: it was called off; the draft stays, and the next attempt goes on with it.
        StudioError: the source; or what arrived is not what it has, and nothing is kept.
    """
    if entry.kind == "table":
        from studio_tui.data.columnar import fetch_table

        return fetch_table(source, entry, target, going)
    with source.opened(entry, going) as file:
        copied = _fetch_file(source, file, mark(entry), target, going)
        if count:
            copied.rows = rows_in(source, file)
    return copied


def _fetch_file(source: Source, entry: Entry, draft: str, target: Target, going: Going) -> Copied:
    checksum = source.checksum(entry)
    try:
        at = _begun(target, entry, draft, checksum, going)
        with Beside() as summing:
            for data in _pieces(source, entry, at, going):
                if checksum is not None:
                    summing.do(checksum.update, data)
                target.write(at, data)
                at += len(data)
                going.step(len(data))
            summing.wait()
        if checksum is not None and not checksum.agrees():
            target.discard()
            raise StudioError(
                f"what arrived of {entry.name} is not what its {checksum.name} says",
                "copy it again",
            )
        target.finish()
    finally:
        target.close()
    return Copied(1, at, checksum.name if checksum else "")


def check_name(entry: Entry, name: str) -> None:
    """UsageFault: a table would get a name that does not say what it is copied as."""
    if entry.kind == "table" and not name.endswith(".parquet"):
        raise UsageFault(
            f"{entry.name} is a table, which is copied as Parquet",
            f"name a file for it: {entry.name}.parquet",
        )


def _begun(
    target: Target, entry: Entry, draft: str, checksum: Checksum | None, going: Going
) -> int:
    """How many bytes an earlier attempt has left, taken into the checksum."""
    size = entry.size or 0
    there = target.begin(draft)
    if there > size:
        target.discard()
        there = target.begin(draft)
    for start in range(0, there, PIECE):
        data = target.read(start, min(PIECE, there - start))
        if checksum is not None:
            checksum.update(data)
        going.step(len(data))
    return there


def _pieces(source: Source, entry: Entry, start: int, going: Going) -> Iterator[bytes]:
    """The rest of a file from `start`, several pieces at a time."""
    size = entry.size or 0

    def piece(at: int) -> bytes:
        going.check()
        return source.read(entry, at, min(PIECE, size - at))

    return in_order(piece, range(start, size, PIECE))


def send(source: Source, path: str, origin: Origin, going: Going, *, force: bool = False) -> Entry:
    """Copy a file into a source.

    Raises:
        UsageFault: there is a file of that name, and it is not to be replaced.
        Unsent: it changed meanwhile, and nothing was made of it.
        Stopped: it was called off; what arrived is not sent again by the next attempt.
    """
    if not force and exists(source, path):
        raise UsageFault(f"there is a {path} already", "--force replaces it")
    size = origin.size()

    def read(offset: int, length: int) -> bytes:
        data = origin.read(offset, length)
        origin.check()
        return data

    made = source.write(path, size, read, going)
    if made.size != size:
        raise StudioError(f"{made.size} of {size} bytes arrived as {path}", "send it again")
    return made


def named(to: str, path: str) -> str:
    """Where a file is sent: below `to`, when that ends with "/", by its own name."""
    return to + path.rstrip("/").rpartition("/")[2] if to.endswith("/") else to


def exists(source: Source, path: str) -> bool:
    """Whether there is a file or table at `path`."""
    try:
        source.stat(path)
    except NotFound:
        return False
    return True


def mark(entry: Entry) -> str:
    """Ten letters that stand for just this content of just this file."""
    told = repr((entry.path, entry.version, entry.tag, entry.size, entry.modified))
    return hashlib.sha256(told.encode()).hexdigest()[:10]
