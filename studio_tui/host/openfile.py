"""One open file: its shared text, what of it is on disk, and how the two are kept together."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.document.entries import FileEntry
from studio_tui.document.merge import apply_merge, saved_state, take_disk, three_way
from studio_tui.document.seed import is_seeded, seed
from studio_tui.document.text import DISK, SharedText
from studio_tui.errors import StudioError
from studio_tui.host import disk
from studio_tui.settings.private import read_json, write_json, write_private

if TYPE_CHECKING:
    from studio_tui.sync.room import Room

IDLE = 1.0
LONGEST = 10.0


class OpenFile:
    """A file that people edit. The host alone reads and writes it on disk.

    Args:
        entry: how the studio document lists it.
        path: where it is on disk.
        room: its joined room.
        shadow: where what was last saved is remembered over a restart of the host.
        backups: folder that gets both sides before they are merged.
        publish: stores a changed entry in the studio document.
    """

    def __init__(
        self,
        entry: FileEntry,
        path: Path,
        room: Room,
        shadow: Path,
        backups: Path,
        publish: Callable[[FileEntry], None],
    ) -> None:
        self.path = path
        self.room = room
        self.text = SharedText(room.replica.doc)
        self.entry = entry
        self._shadow = shadow
        self._backups = backups
        self._publish = publish
        self._shape = disk.Shape()
        self._digest: str | None = None
        self._base = b""
        self._seen: tuple[int, int, int] | None = None
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._stop_observing = self.text.observe(self._edited)

    # -- opening ------------------------------------------------------------------------------

    def bind(self, image: disk.Image | None) -> None:
        """Bring text and disk together: seed a new room, or take up where an earlier host stopped.

        Args:
            image: the file as it is on disk; None when it is gone and only the text is left.
        """
        if not is_seeded(self.text):
            if image is not None:
                seed(self.text, image.text)
                self._keep(image.shape, image.digest)
            self._tell("saved" if image is not None else "missing")
            return
        known = self._recall()
        if image is None:
            self._tell("missing", "deleted on disk; saving writes it again")
        elif known:
            self._reconcile(image)
        else:
            # Nothing tells which side is newer: the disk's is shown, the other one is kept.
            self._back_up(image)
            take_disk(self.text, image.text)
            self._keep(image.shape, image.digest)
            self._tell("saved", "reloaded from disk; the earlier text is in the backups")

    def _reconcile(self, image: disk.Image) -> None:
        """The disk may have changed, and the text too, while no host looked."""
        if image.digest != self._digest:
            self._merge(image)
        if self._is_saved():
            self._tell("saved", self.entry.note)
        else:
            self._tell("unsaved", self.entry.note)
            self._changed.set()

    # -- saving -------------------------------------------------------------------------------

    async def keep_saved(self) -> None:
        """Write edits to disk a second after the last one, or ten after the first."""
        loop = asyncio.get_running_loop()
        while True:
            await self._changed.wait()
            latest = loop.time() + LONGEST
            while self._changed.is_set() and loop.time() < latest:
                self._changed.clear()
                try:
                    async with asyncio.timeout_at(min(loop.time() + IDLE, latest)):
                        await self._changed.wait()
                except TimeoutError:
                    break
            try:
                await self.save(recreate=False)
            except StudioError as problem:
                self._tell("unsavable", problem.message)

    async def save(self, *, recreate: bool = True) -> None:
        """Bring the text to disk now.

        Args:
            recreate: whether to write a file again that was deleted on disk.

        Raises:
            StudioError: it could not be written; the text is kept.
        """
        async with self._lock:
            try:
                await self._save(recreate)
            except StudioError as problem:
                self._tell("unsavable", problem.message)
                raise

    async def _save(self, recreate: bool) -> None:
        if not self.path.exists() and not recreate and self._digest is not None:
            self._tell("missing", "deleted on disk; saving writes it again")
            return
        if self.path.exists():
            self._take_outside_change(await asyncio.to_thread(disk.read, self.path))
        if self._is_saved() and self.path.exists():
            self._tell("saved", self.entry.note)
            return
        data = self._shape.encode(str(self.text))
        base = saved_state(self.text)
        await asyncio.to_thread(disk.write, self.path, data)
        self._keep(self._shape, disk.digest(data), base)
        if self._is_saved():
            self._tell("saved")
        else:
            # Somebody typed while it was written.
            self._changed.set()

    async def look(self) -> None:
        """Notice a change made on disk by somebody else. Called every second or so."""
        try:
            status = await asyncio.to_thread(self.path.stat)
        except OSError:
            if self.entry.state != "missing":
                self._tell("missing", "deleted on disk; saving writes it again")
            return
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen == self._seen:
            return
        async with self._lock:
            self._seen = seen
            try:
                self._take_outside_change(await asyncio.to_thread(disk.read, self.path))
            except StudioError as problem:
                self._tell("unsavable", f"on disk it is now {problem.message}")
                return
        if self._is_saved():
            self._tell("saved", self.entry.note)

    def _take_outside_change(self, image: disk.Image) -> None:
        if image.digest == self._digest:
            return
        if self._is_saved() or self._digest is None:
            take_disk(self.text, image.text)
            self._keep(image.shape, image.digest)
        else:
            self._merge(image)

    def _merge(self, image: disk.Image) -> None:
        """Both sides changed: the document merges them, and both are kept as they were."""
        self._back_up(image)
        merge = three_way(self._base, str(self.text), image.text)
        apply_merge(self.text, merge)
        self._keep(image.shape, image.digest, merge.base)
        note = "merged with a change on disk"
        if merge.overlaps:
            note += f"; look at {len(merge.overlaps)} place(s) that both changed"
        self._tell("unsaved", note)
        self._changed.set()

    def close(self) -> None:
        """Stop following the text."""
        self._stop_observing()
        self.text.close()

    # -- inside -------------------------------------------------------------------------------

    def _is_saved(self) -> bool:
        return disk.digest(self._shape.encode(str(self.text))) == self._digest

    def _edited(self, _spans: object, origin: object) -> None:
        if origin != DISK:
            self._tell("unsaved", self.entry.note)
            self._changed.set()

    def _tell(self, state: str, note: str = "") -> None:
        entry = FileEntry(self.entry.id, self.entry.path, self.entry.room, state, note)
        if entry != self.entry:
            self.entry = entry
        self._publish(entry)

    def _keep(self, shape: disk.Shape, digest: str, base: bytes | None = None) -> None:
        """Remember what is on disk, also for the next host."""
        self._shape, self._digest = shape, digest
        self._base = saved_state(self.text) if base is None else base
        write_json(
            self._shadow,
            {
                "room": self.room.name,
                "crlf": shape.crlf,
                "bom": shape.bom,
                "digest": digest,
                "base": base64.b64encode(self._base).decode(),
            },
        )

    def _recall(self) -> bool:
        try:
            kept = read_json(self._shadow)
            if kept.get("room") != self.room.name:
                return False
            self._shape = disk.Shape(bool(kept["crlf"]), bool(kept["bom"]))
            self._digest = str(kept["digest"])
            self._base = base64.b64decode(kept["base"])
        except (StudioError, KeyError, binascii.Error):
            return False
        return True

    def _back_up(self, image: disk.Image) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        name = f"{self.path.name}.{stamp}"
        write_private(self._backups / f"{name}.disk", image.shape.encode(image.text))
        write_private(self._backups / f"{name}.text", self._shape.encode(str(self.text)))
