"""One open file: its shared text, what of it is on disk, and how the two are kept together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from relay_server.validate import read_state_vector
from studio_tui.document.authors import NAME_OF_DISK, Authors, connected
from studio_tui.document.entries import FileEntry
from studio_tui.document.merge import Merge, apply_merge, saved_state, take_disk, three_way
from studio_tui.document.seed import is_seeded, seed
from studio_tui.document.text import DISK, SharedText
from studio_tui.errors import StudioError
from studio_tui.host.files import disk
from studio_tui.host.files.disk import ChangedOnDisk, Image, Seen, Stamp
from studio_tui.host.files.shadow import Written, known
from studio_tui.machines.connection import ConnectionLost
from studio_tui.sync.room import Phase

if TYPE_CHECKING:
    from studio_tui.host.files.backups import Backups
    from studio_tui.host.files.folder import Folder
    from studio_tui.host.files.shadow import Shadow
    from studio_tui.sync.room import Room

IDLE = 1.0
LONGEST = 10.0
RETRY_SECONDS = 5.0
WRITE_ATTEMPTS = 5
SENT_CAP = 4
"""Contents under way that are remembered: one a write that was cut off, in a row."""
UNSEEN = Stamp(-1, -1, -1)
"""The stamp of no file: whatever is there is to be looked at."""
GONE = "deleted on disk; saving writes it again"


class OpenFile:
    """A file that people edit. The host alone reads and writes it on disk.

    What the disk holds enters the text as the difference to what was last written, so it never
    undoes what people typed. An empty text replaces a file only when people have emptied it: all
    that was ever written is in the document's history, so nothing but deleting makes it empty.

    Args:
        entry: how the studio document lists it.
        folder: the studio's folder; the entry's path is a name in it.
        room: its joined room.
        shadow: remembers what was written.
        backups: gets both sides before they are merged.
        publish: stores a changed entry in the studio document, once it is bound.

    Attributes:
        on_edit: called after each edit that is not from the disk.
    """

    def __init__(
        self,
        entry: FileEntry,
        folder: Folder,
        room: Room,
        shadow: Shadow,
        backups: Backups,
        publish: Callable[[FileEntry], None],
    ) -> None:
        self.entry = entry
        self.room = room
        self.text = SharedText(room.replica.doc)
        self.stamp: Stamp | None = None
        self.touched = asyncio.get_running_loop().time()
        self.on_edit: Callable[[], None] = lambda: None
        self._folder = folder
        self._shadow = shadow
        self._backups = backups
        self._publish = publish
        self._bound = False
        self._written: Written | None = None
        self._sent: list[Written] = []
        """Contents of which nobody knows whether they came to the disk, the newest first."""
        self._remembered = True
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._stop_observing = self.text.observe(self._edited)
        self._authors = Authors(room.replica.doc)
        self._names = {room.replica.client_id: NAME_OF_DISK}
        room.on_presence = self._meet

    @property
    def name(self) -> str:
        """Where it is in the studio's folder."""
        return self.entry.path

    # -- opening ------------------------------------------------------------------------------

    async def bind(self, found: Seen | StudioError | None) -> None:
        """Bring text and disk together: seed a new room, or take up where an earlier host stopped.

        Nothing is published: the entry is for whoever brings the text to the relay.

        Args:
            found: the file as it is on disk, None when it is gone, or why it cannot be read.
        """
        async with self._lock:
            contents = await asyncio.to_thread(self._shadow.recall)
            if contents:
                self._written, self._sent = contents[0], contents if len(contents) > 1 else []
                # A relay that lost something gets it back. It is the same history, not a copy.
                apply_merge(self.text, Merge(contents[0].base, contents[0].base, ()))
            try:
                await self._take_up(_readable(found))
            except StudioError as problem:
                self._tell("unsavable", problem.message)
                self._changed.set()
            self._bound = True

    async def _take_up(self, found: Seen | None) -> None:
        if found is None:
            self._tell("missing", GONE)
            return
        if is_seeded(self.text):
            await self._take(found)
        else:
            image = disk.decode(found.data)
            seed(self.text, image.text)
            await self._now_written(image, found.stamp)
        self._settle()

    # -- saving -------------------------------------------------------------------------------

    async def keep_saved(self) -> None:
        """Write edits to disk a second after the last one, or ten after the first; for ever."""
        while True:
            await self._changed.wait()
            await self._pause()
            try:
                await self.save(recreate=False)
            except StudioError:
                # The entry says why. Whatever it was may pass without anybody typing.
                await asyncio.sleep(RETRY_SECONDS)
                self._changed.set()

    async def _pause(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + LONGEST
        while self._changed.is_set():
            self._changed.clear()
            try:
                async with asyncio.timeout_at(min(loop.time() + IDLE, latest)):
                    await self._changed.wait()
            except TimeoutError:
                return

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
        said = f"{self.name} keeps changing on disk"
        problem = StudioError(said, "stop what writes it; save again")
        for _ in range(WRITE_ATTEMPTS):
            found = await self._look()
            if found is None and not recreate:
                self._tell("missing", GONE)
                return
            if found is not None:
                await self._take(found)
                if self._is_written():
                    self._settle()
                    return
            try:
                await self._write(found)
            except ChangedOnDisk:
                continue
            except ConnectionLost as lost:
                # It may be on disk all the same: the next look tells.
                problem = lost
                continue
            self._settle()
            return
        raise problem

    async def _write(self, found: Seen | None) -> None:
        shape = self._written.shape if self._written else disk.Shape()
        data = shape.encode(str(self.text))
        fresh = Written(shape, disk.digest(data), saved_state(self.text))
        before = self._possible()
        await asyncio.to_thread(self._shadow.remember, fresh, *before)
        try:
            self.stamp = await self._folder.write(self.name, data, found.stamp if found else None)
        except ConnectionLost:
            self._sent = [fresh, *self._sent][:SENT_CAP]
            raise
        except StudioError:
            # It never came to the disk: a later change there is none to this content.
            await asyncio.to_thread(self._shadow.remember, *before)
            raise
        self._written, self._sent, self._remembered = fresh, [], True

    async def look(self) -> None:
        """Notice a change made on disk by somebody else."""
        async with self._lock:
            try:
                found = await self._look()
                if found is None:
                    self._tell("missing", GONE)
                    return
                await self._take(found)
            except StudioError as problem:
                self._tell("unsavable", problem.message)
                self._changed.set()
            else:
                self._settle()

    async def _take(self, found: Seen) -> None:
        """Bring what is on disk into the text, unless it is what was last written there."""
        self.stamp = found.stamp
        digest = disk.digest(found.data)
        if (sent := known(self._sent, digest)) is not None:
            # What was sent after it may still come to the disk; what was sent before it may not.
            self._sent = self._sent[: self._sent.index(sent)]
            self._written, self._remembered = sent, False
        if self._written is not None and digest == self._written.digest:
            await self._remember()
            return
        image = disk.decode(found.data)
        try:
            base = await self._taken(image)
        except ValueError as problem:
            raise StudioError(
                f"{self.name} changed on disk, and its shared text holds what is no text",
                "copy the text into another file",
            ) from problem
        await self._now_written(image, found.stamp, base)

    async def _taken(self, image: Image) -> bytes | None:
        """Make the text what it is with the disk's content.

        Returns:
            What a later change on disk is to be merged against; None for the text itself.

        Raises:
            ValueError: something in the text is no text, so that no place in it is sure.
        """
        written, gone = self._written, self.entry.state == "missing"
        if str(self.text) == image.text:
            return None
        if written is not None and self._is_written() and not gone:
            take_disk(self.text, image.text)
            return None
        await self._back_up(image)
        if written is None or self._is_written():
            # Which side is newer nobody knows, or the file was deleted, and is another one now.
            take_disk(self.text, image.text)
            self._tell("saved", "reloaded from disk; the earlier text is in the backups")
            return None
        merge = three_way(written.base, str(self.text), image.text)
        apply_merge(self.text, merge)
        places = f"; look at {len(merge.overlaps)} place(s) that both changed"
        self._tell("unsaved", "merged with a change on disk" + places * bool(merge.overlaps))
        return merge.base

    # -- moving -------------------------------------------------------------------------------

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Neither read nor written on disk while the block runs."""
        async with self._lock:
            yield

    def move(self, name: str) -> None:
        """It is called `name` now. Only while it is `still`."""
        self.entry = replace(self.entry, path=name)
        self._publish(self.entry)

    def move_to(self, folder: Folder) -> None:
        """It is in `folder` now, under the name that it has. Only while it is `still`."""
        self._folder, self.stamp = folder, UNSEEN

    async def close(self) -> None:
        """Follow neither text nor disk any more; a text that is not on disk goes to the backups."""
        async with self._lock:
            self._stop_observing()
            if not self._is_written() or self.entry.state == "missing":
                sides = {"text": str(self.text).encode()}
                await asyncio.to_thread(self._backups.keep, self.name, sides)
            self.text.close()
            await asyncio.to_thread(self._shadow.forget)

    # -- inside -------------------------------------------------------------------------------

    def _is_written(self) -> bool:
        """Whether the text is what was last read or written, byte for byte."""
        written = self._written
        if written is None:
            return False
        return disk.digest(written.shape.encode(str(self.text))) == written.digest

    def _edited(self, _spans: object, origin: object) -> None:
        if origin == DISK:
            return
        self.on_edit()
        self.touched = asyncio.get_running_loop().time()
        if self.entry.state in ("saved", "unsaved"):
            self._tell("unsaved")
        self._changed.set()

    def _meet(self) -> None:
        """Remember whoever is here: they may be gone when what they typed is signed."""
        for client, name in connected(self.room.presence).items():
            self._names.setdefault(client, name)

    def _settle(self) -> None:
        """Say how text and disk stand; what was said of a merge stays until the next edit."""
        self._authors.sign(self._names, read_state_vector(self.room.replica.state_vector()))
        note = self.entry.note if self.entry.state in ("saved", "unsaved") else ""
        if self._is_written():
            self._tell("saved", note)
        else:
            self._tell("unsaved", note)
            self._changed.set()

    def _tell(self, state: str, note: str = "") -> None:
        if state == "missing":
            self.stamp = None
        digest = self.text.digest if state == "saved" else self.entry.digest
        entry = replace(self.entry, state=state, note=note, digest=digest)
        if entry != self.entry:
            self.entry = entry
            if self._bound:  # before that its text may not be at the relay
                self._publish(entry)

    async def _now_written(self, image: Image, stamp: Stamp, base: bytes | None = None) -> None:
        """What is on disk is known; the base is taken before anybody can type on."""
        self.stamp = stamp
        state = saved_state(self.text) if base is None else base
        self._written, self._remembered = Written(image.shape, image.digest, state), False
        self._sent = []
        await self._remember()

    async def _remember(self) -> None:
        """Have the next host know what is on disk; tried again until it does."""
        if not self._remembered:
            await asyncio.to_thread(self._shadow.remember, *self._possible())
            self._remembered = True

    def _possible(self) -> list[Written]:
        """What of this host's may be on disk, the newest first."""
        written = [] if self._written is None else [self._written]
        return list(dict.fromkeys(self._sent + written))

    async def _back_up(self, image: Image) -> None:
        """Keep both sides; when this returns the text is still the one that was kept."""
        kept, shape = None, self._written.shape if self._written else image.shape
        while kept != str(self.text):
            kept = str(self.text)
            sides = {"disk": image.shape.encode(image.text), "text": shape.encode(kept)}
            await asyncio.to_thread(self._backups.keep, self.name, sides)

    async def _look(self) -> Seen | None:
        """What is on disk; None when it is gone.

        Raises:
            StudioError: it cannot be read, or the room cannot be trusted.
        """
        if self.room.phase is Phase.BROKEN:
            said = f"the shared text of {self.name} is damaged"
            raise StudioError(said, "stop the studio and open it again")
        return await self._folder.load(self.name)


def _readable(found: Seen | StudioError | None) -> Seen | None:
    if isinstance(found, StudioError):
        raise found
    return found
