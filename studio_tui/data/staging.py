"""Files on their way between a stage of Snowflake and this computer, whole, by couriers."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from studio_tui.data import stage
from studio_tui.data.courier import Courier, Failed
from studio_tui.data.source import Entry, Going, Read
from studio_tui.data.stage import Place, Staged
from studio_tui.errors import NotFound, StudioError
from studio_tui.settings import paths

PIECE = 8 << 20
IDLE = 2
"""Couriers that are kept for the next file."""


class Staging:
    """What carries the files of one account.

    Args:
        given: what a connection is made with.
        meant: what an error of the connector says about a path.
    """

    def __init__(
        self,
        given: Callable[[], Mapping[str, Any]],
        meant: Callable[[str, Failed], StudioError],
    ) -> None:
        self._given = given
        self._meant = meant
        self._idle: list[Courier] = []
        self._taking = threading.Lock()

    @contextlib.contextmanager
    def fetched(self, entry: Entry, where: Place, going: Going) -> Iterator[Staged]:
        """A file of a stage on this computer, until the end of the block."""
        with _folder((entry.size or 0) * 2) as folder:  # encrypted, and what that is made into

            def look() -> None:
                going.text = f"{_size(folder) >> 20} MB out of the stage"
                going.step(0)

            self._run(entry.path, stage.get_statement(where, folder), look)
            file = folder / entry.path.rpartition("/")[2]
            if not file.is_file():
                raise NotFound(f"{entry.path} is there no more", "list what is around it")
            going.text = ""
            yield stage.fetched(entry, file)

    def send(self, where: Place, size: int, read: Read, going: Going) -> str:
        """Put a file into a stage; the MD5 of its content."""
        with _folder(size * 2) as folder:
            file, digest = (
                folder / where.inside.rpartition("/")[2],
                hashlib.md5(usedforsecurity=False),
            )
            with file.open("wb") as written:
                for at in range(0, size, PIECE):
                    data = read(at, min(PIECE, size - at))
                    digest.update(data)
                    written.write(data)
                    going.step(len(data))
            going.text = "on its way into the stage"
            path = f"{where.top}/{where.inside}"
            self._run(path, stage.put_statement(where, file), lambda: going.step(0))
            return digest.hexdigest()

    def _run(self, path: str, statement: str, meanwhile: Callable[[], None]) -> None:
        with self._taking:
            idle = self._idle.pop() if self._idle else None
        courier = idle if idle is not None and idle.alive() else Courier(self._given())
        try:
            courier.run(statement, meanwhile)
        except Failed as problem:
            raise self._meant(path, problem) from None
        with self._taking:
            if len(self._idle) < IDLE:
                self._idle.append(courier)
                return
        courier.end()


@contextlib.contextmanager
def _folder(needed: int) -> Iterator[Path]:
    """A folder for one file that goes with it. StudioError: there is no room."""
    above = paths.cache_folder()
    if (free := shutil.disk_usage(above).free) < needed:
        raise StudioError(
            f"it takes {needed >> 20} MB in {above} on its way, and {free >> 20} MB are free",
            "make room there",
        )
    with tempfile.TemporaryDirectory(prefix="stage-", dir=above) as name:
        yield Path(name)


def _size(folder: Path) -> int:
    """Bytes that have arrived: a file has its whole length from the start, and holes in it."""
    total = 0
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_blocks * 512
    return total
