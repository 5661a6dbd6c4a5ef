"""The files that people have open: seeded from disk once, saved as they change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from studio_tui.document.entries import FileEntry
from studio_tui.document.presence import read_person
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.files import disk
from studio_tui.host.files.backups import Backups
from studio_tui.host.files.disk import NotEditable, Seen
from studio_tui.host.files.folder import Folder
from studio_tui.host.files.openfile import OpenFile
from studio_tui.host.files.shadow import Shadow
from studio_tui.host.files.trash import Trash
from studio_tui.host.ids import is_id, new_id
from studio_tui.settings.private import private_folder
from studio_tui.sync.room import Room
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
RETRY_SECONDS = 5.0
"""Between two looks at a machine that did not answer the first."""
DELIVERY_SECONDS = 10.0
PATH_CAP = 4096
FILE_CAP = 192
"""Files open at once: each is a room, and a connection may be in 256 of those."""
IDLE_SECONDS = 600.0
"""For so long nobody has edited or opened a file that makes place for another."""


class Files:
    """Every open file of one studio.

    Args:
        folder: the studio's folder, until `move_to`.
        state: where this studio's host keeps its own state.
        session: the host's session with the relay.
        document: the studio document.
        studio: the studio's id.
        tasks: owns one saving task per open file.

    Attributes:
        on_edit: called after each edit that somebody made to a file.
        on_text: called with each file once it is open, and whenever its text is another.
    """

    def __init__(
        self,
        folder: Folder,
        state: Path,
        session: Session,
        document: StudioDocument,
        studio: str,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._folder = folder
        self._shadows = private_folder(state / "shadows")
        self._backups = Backups(state / "backups")
        self._session = session
        self._document = document
        self._studio = studio
        self._tasks = tasks
        self._open: dict[str, OpenFile] = {}
        self._saving: dict[str, asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()
        self.on_edit: Callable[[], None] = lambda: None
        self.on_text: Callable[[OpenFile], None] = lambda file: None

    @property
    def folder(self) -> Folder:
        """The studio's folder, where it is now."""
        return self._folder

    def is_open(self, id: str) -> bool:
        """Whether a file with this id is open."""
        return id in self._open

    def calls(self) -> list[Method]:
        """What can be asked of it. Opening is a query: it changes nothing that people see."""
        return [
            query("files.list", lambda params: self._folder.list_call(params)),
            query("files.read", lambda params: self._folder.read_call(params)),
            query("files.find", lambda params: self._folder.find_call(params)),
            command("files.create", self._create_call),
            query("files.open", self._open_call),
            command("files.save", self._save_call),
            command("files.rename", self._rename_call),
            command("files.delete", self._delete_call),
        ]

    # -- opening and closing ------------------------------------------------------------------

    async def resume(self) -> None:
        """Open again what an earlier host had open, so that edits made meanwhile reach the disk."""
        await asyncio.to_thread(self._backups.prune)
        listed = list(self._document.files.values())
        ids = {entry.path: entry.id for entry in listed}
        for entry in listed:
            if ids[entry.path] != entry.id or not self._is_ours(entry):
                log.warning("%r is not listed as we list files: forgotten", entry.path)
                self._document.files.remove(entry.id)
        sound = list(self._document.files.values())[:FILE_CAP]
        for at in range(0, len(sound), 16):
            await asyncio.gather(*(self._resume(entry) for entry in sound[at : at + 16]))

    def _is_ours(self, entry: FileEntry) -> bool:
        """Whether a host of this studio may have written `entry`; every editor can."""
        path_is_one = len(entry.path) <= PATH_CAP and "\0" not in entry.path
        room = f"{self._studio}/file/{entry.id}@"
        return is_id(entry.id) and path_is_one and entry.room.startswith(room)

    async def _resume(self, entry: FileEntry) -> None:
        try:
            await self._begin(entry, await self._found(entry.path))
        except StudioError as problem:
            self._document.files.put(
                FileEntry(entry.id, entry.path, entry.room, "unsavable", problem.message)
            )

    async def _found(self, name: str) -> Seen | StudioError | None:
        """The file; None when there is none, or why it cannot be read."""
        try:
            return await self._folder.load(name)
        except StudioError as problem:
            return problem

    async def open(self, path: str) -> OpenFile:
        """The open file at `path`, opened first if it is not.

        Raises:
            NotFound: there is no such file.
            NotEditable: it can only be looked at.
            StudioError: it cannot be read, or nothing more can be opened.
        """
        async with self._opening:
            name = await self._folder.name(path)
            file = self._named(name) or await self._opened(name)
        file.touched = asyncio.get_running_loop().time()
        return file

    async def _opened(self, name: str) -> OpenFile:
        found = await self._folder.load(name)
        if found is None:
            raise NotFound(f"there is no file {name}", "it may have been moved or deleted")
        disk.decode(found.data)
        if len(self._open) >= FILE_CAP:
            await self._close(self._dispensable())
        return await self._begin(self._entry_of(name), found)

    def _entry_of(self, name: str) -> FileEntry:
        """How the studio document lists `name`, or will."""
        for entry in self._document.files.values():
            if entry.path == name and self._is_ours(entry):
                return entry
        file_id = new_id()
        # A new room for a new history: a text is never seeded twice into the same one.
        room = f"{self._studio}/file/{file_id}@{secrets.token_hex(3)}"
        return FileEntry(file_id, name, room, "saved")

    async def _begin(self, entry: FileEntry, found: Seen | StudioError | None) -> OpenFile:
        room = await self._session.join(entry.room)
        file = OpenFile(
            entry,
            self._folder,
            room,
            Shadow(self._shadows / f"{entry.id}.json", entry.room),
            self._backups,
            self._document.files.put,
        )
        try:
            await file.bind(found)
            await self._delivered(room)
        except BaseException:
            file.text.close()
            self._session.leave(room.name)
            raise
        file.on_edit = lambda: self.on_edit()
        file.text.observe(lambda spans, origin: self.on_text(file))
        self._document.files.put(file.entry)
        self._open[entry.id] = file
        self._saving[entry.id] = self._tasks.create_task(
            file.keep_saved(), name=f"saving {entry.path}"
        )
        self.on_text(file)
        return file

    async def _delivered(self, room: Room) -> None:
        """Wait until the relay has the text: whoever is told of the room finds it there.

        An edit made in an empty room would not be where it was meant once the text arrives.
        """
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await self._session.until(lambda: not room.undelivered)
        except TimeoutError:
            raise NotFound("the relay does not answer", "try again in a moment") from None

    def _named(self, name: str) -> OpenFile | None:
        return next((file for file in self._open.values() if file.name == name), None)

    def _dispensable(self) -> OpenFile:
        """The open file that nobody has touched for longest, and nobody looks at.

        Whoever has it open all the same would edit a room that no host follows, so it must have
        been left alone for a while.
        """
        latest = asyncio.get_running_loop().time() - IDLE_SECONDS
        people = map(read_person, self._session.room(self._studio).presence.values())
        seen = {person.gaze.path for person in people if person is not None}
        idle = [
            file
            for file in self._open.values()
            if file.touched <= latest
            and file.name not in seen
            and file.entry.state in ("saved", "missing")
        ]
        if not idle:
            raise StudioError(
                f"{FILE_CAP} files are open, and all in use",
                f"one can be opened when another was left alone for {IDLE_SECONDS / 60:.0f} min",
            )
        return min(idle, key=lambda file: file.touched)

    async def _close(self, file: OpenFile) -> None:
        """Forget an open file; whoever opens it again gets a new room."""
        del self._open[file.entry.id]
        saving = self._saving.pop(file.entry.id)
        saving.cancel()
        await asyncio.wait((saving,))
        await file.close()
        self._session.leave(file.room.name)
        self._document.files.remove(file.entry.id)

    # -- keeping text and disk together -------------------------------------------------------

    async def watch(self) -> None:
        """Look after changes made on disk by others, for ever."""
        with contextlib.suppress(StudioError):
            await self._folder.stamps([])  # what answers is there before anybody waits for it
        while True:
            await asyncio.sleep(LOOK_EVERY)
            files = list(self._open.values())
            try:
                stamps = await self._folder.stamps([file.name for file in files]) if files else []
            except StudioError as problem:
                log.info("no look at the files: %s", problem)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for file, stamp in zip(files, stamps, strict=True):
                if stamp != file.stamp and file.entry.id in self._open:
                    await file.look()

    async def save_all(self) -> None:
        """Write everything that is not on disk yet; what cannot be written stays marked."""
        await asyncio.gather(*map(self._try_to_save, self._open.values()))

    async def _try_to_save(self, file: OpenFile) -> None:
        with contextlib.suppress(StudioError):
            await file.save(recreate=False)

    @contextlib.asynccontextmanager
    async def still_all(self) -> AsyncIterator[None]:
        """While the block runs nothing is opened, and no open file is read or written."""
        async with self._opening, self._still(list(self._open.values())):
            yield

    def move_to(self, folder: Folder) -> None:
        """The studio's files are those in `folder` now. Only within `still_all`."""
        self._folder = folder
        for file in self._open.values():
            file.move_to(folder)

    @contextlib.asynccontextmanager
    async def _still_below(self, path: str) -> AsyncIterator[list[OpenFile]]:
        """Nothing is opened, and the open files at `path` or below it are not read or written."""
        async with self._opening:
            name = await self._folder.name(path, link=True)
            files = [file for file in self._open.values() if f"{file.name}/".startswith(f"{name}/")]
            async with self._still(files):
                yield files

    @contextlib.asynccontextmanager
    async def _still(self, files: list[OpenFile]) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for file in files:
                await stack.enter_async_context(file.still())
            yield

    # -- calls --------------------------------------------------------------------------------

    async def _open_call(self, params: Params) -> Result:
        try:
            file = await self.open(params.text("path"))
        except NotEditable as problem:
            return {"readonly": True, "reason": problem.message, "file": "", "room": ""}
        entry = file.entry
        return {"file": entry.id, "room": entry.room, "readonly": False, "reason": ""}

    async def _save_call(self, params: Params) -> Result:
        file = self._open.get(params.text("file", cap=64))
        if file is None:
            raise NotFound("that file is not open", "open it first")
        # After a lost connection the text must be whole again before it goes to disk.
        await self._session.join(file.room.name)
        await file.save()
        return {}

    async def _create_call(self, params: Params) -> Result:
        async with self._opening:
            return await self._folder.create_call(params)

    async def _rename_call(self, params: Params) -> Result:
        path, to = params.text("path"), params.text("to")
        async with self._still_below(path) as files:
            moved = await self._folder.rename(path, to)
            for file in files:
                name = moved.new + file.name[len(moved.old) :]
                if (gone := self._named(name)) is not None:
                    # Still open, but deleted on disk, else there had been no place for this one.
                    await self._close(gone)
                file.move(name)
        return {}

    async def _delete_call(self, params: Params) -> Result:
        path = params.text("path")
        trash = Trash(lambda: self._folder)
        async with self._still_below(path) as files:
            deleted = await trash.take(path, params.sender.name)
        for file in files:
            await file.look()
        await trash.prune()
        return {"id": deleted.id if deleted else ""}
