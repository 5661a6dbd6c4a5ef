"""What people deleted, kept for a while in the studio's folder."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound, StudioError
from studio_tui.host.files.disk import ChangedOnDisk, NotEditable

if TYPE_CHECKING:
    from studio_tui.host.files.folder import Folder, Moved

TRASH = ".studio-trash"
NOTE = ".deleted"
KEEP_SECONDS = 30 * 86400
TIME_CAP = 1e10
"""Seconds that a note may tell, which is in the year 2286; no clock shows every larger number."""
SIZE_CAP = 2 << 30
"""Bytes above which the oldest goes; the newest stays, whatever its size."""


@dataclass(frozen=True)
class Deleted:
    """Something in the trash: where it was, who deleted it and when, in Unix seconds."""

    id: str
    path: str
    by: str = ""
    time: float = 0.0


class Trash:
    """The trash in a folder: `.studio-trash/<id>/<name>`, and beside it a note, `<id>.deleted`.

    What else lies there, such as what a switch displaced, is not touched.

    Args:
        folder: gives the studio's folder, wherever that is now.
        clock: Unix time in seconds.
    """

    def __init__(
        self, folder: Callable[[], Folder], clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._clock = clock

    async def take(self, path: str, by: str) -> Deleted | None:
        """Move a file or folder into the trash; what is in there already is gone for good.

        Raises:
            NotFound: it is not there. StudioError: it cannot be moved, such as a mounted disk.
        """
        folder = self._folder()
        name = await folder.name(path, link=True)
        if f"{name}/".startswith(f"{TRASH}/"):
            await folder.delete(path)
            return None
        now = self._clock()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        deleted = Deleted(f"{stamp}-{secrets.token_hex(2)}", name, by, now)
        await self._put(".gitignore", b"*\n")
        await self._put(deleted.id + NOTE, json.dumps(asdict(deleted)).encode())
        try:
            await folder.rename(path, self._place(deleted))
        except BaseException:
            with contextlib.suppress(StudioError):
                await folder.delete(f"{TRASH}/{deleted.id}{NOTE}")
            raise
        return deleted

    def _place(self, deleted: Deleted) -> str:
        name = deleted.path.rpartition("/")[2]
        return f"{TRASH}/{deleted.id}/{name if name.isprintable() else 'unnamed'}"

    async def _put(self, name: str, content: bytes) -> None:
        with contextlib.suppress(ChangedOnDisk):  # it is there
            await self._folder().write(f"{TRASH}/{name}", content, None)

    async def listed(self) -> list[Deleted]:
        """What can be brought back, the newest first."""
        try:
            entries = (await self._folder().entries(TRASH))["entries"]
        except NotFound:
            return []
        names = {entry["name"] for entry in entries}
        notes = [name for name in names if name.endswith(NOTE) and name.removesuffix(NOTE) in names]
        found = [await self._noted(name) for name in notes]
        return sorted(filter(None, found), key=lambda each: each.time, reverse=True)

    async def _noted(self, name: str) -> Deleted | None:
        """What a note tells; None when it makes no sense, since anybody can write one."""
        try:
            seen = await self._folder().load(f"{TRASH}/{name}")
            told: Any = json.loads(seen.data) if seen is not None else None
            path, by, when = str(told["path"]), str(told["by"]), float(told["time"])
        except (NotEditable, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        return Deleted(name.removesuffix(NOTE), path, by, when) if 0 <= when < TIME_CAP else None

    async def restore(self, id: str, to: str = "") -> Moved:
        """Bring something back to where it was, or to another place.

        Raises:
            NotFound: it is not in the trash. UsageFault: something else has its name now.
        """
        deleted = next((each for each in await self.listed() if each.id == id), None)
        if deleted is None:
            raise NotFound(f"{id} is not in the trash", "look what is: studio-tui file trash")
        moved = await self._folder().rename(self._place(deleted), to or deleted.path)
        await self._forget(deleted)
        return moved

    async def _forget(self, deleted: Deleted) -> None:
        for name in (f"{TRASH}/{deleted.id}", f"{TRASH}/{deleted.id}{NOTE}"):
            with contextlib.suppress(NotFound):
                await self._folder().delete(name)

    async def empty(self) -> int:
        """Delete all of it for good; how many things that were."""
        listed = await self.listed()
        for deleted in listed:
            await self._forget(deleted)
        return len(listed)

    async def prune(self) -> None:
        """Delete for good what is older than `KEEP_SECONDS`, and the oldest above `SIZE_CAP`."""
        listed = await self.listed()
        if not listed:
            return
        sizes = await self._sizes([deleted.id for deleted in listed])
        oldest, size = self._clock() - KEEP_SECONDS, 0
        for number, deleted in enumerate(listed):
            size += sizes.get(deleted.id, 0)
            if deleted.time < oldest or (number and size > SIZE_CAP):
                await self._forget(deleted)

    async def _sizes(self, ids: list[str]) -> dict[str, int]:
        """Bytes on disk of each; `du` knows them better than we do."""
        site = await self._folder().site()
        cwd = f"{site.folder}/{TRASH}"
        done = await site.connection.run(["du", "-sk", "--", *ids], cwd=cwd)
        rows = (line.split("\t", 1) for line in done.stdout.decode("utf-8", "replace").splitlines())
        return {row[1]: int(row[0]) << 10 for row in rows if len(row) == 2 and row[0].isdecimal()}
