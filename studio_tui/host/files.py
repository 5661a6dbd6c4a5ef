"""The files that people have open: seeded from disk once, saved as they change."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path

from studio_tui.document.entries import FileEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host import disk
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.folder import Folder
from studio_tui.host.openfile import OpenFile
from studio_tui.settings.private import private_folder
from studio_tui.sync.session import Session

LOOK_EVERY = 1.0


class Files:
    """Every open file of one studio.

    Args:
        folder: the studio's folder.
        state: where this studio's host keeps its own state.
        session: the host's session with the relay.
        document: the studio document.
        tasks: owns one saving task per open file.
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
        self._backups = private_folder(state / "backups")
        self._session = session
        self._document = document
        self._studio = studio
        self._tasks = tasks
        self._open: dict[str, OpenFile] = {}
        self._opening = asyncio.Lock()

    def calls(self) -> list[Method]:
        """What can be asked of it. Opening is a query: it changes nothing that people see."""
        return [query("files.open", self._open_call), command("files.save", self._save_call)]

    async def resume(self) -> None:
        """Open again what an earlier host had open, so that edits made meanwhile reach the disk."""
        for entry in list(self._document.files.values()):
            try:
                await self.open(entry.path)
            except StudioError as problem:
                self._document.files.put(
                    FileEntry(entry.id, entry.path, entry.room, "unsavable", problem.message)
                )

    async def watch(self) -> None:
        """Look after changes made on disk by others, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for file in list(self._open.values()):
                await file.look()

    async def save_all(self) -> None:
        """Write everything that is not on disk yet; what cannot be written stays marked."""
        for file in self._open.values():
            try:
                await file.save(recreate=False)
            except StudioError:
                continue

    async def open(self, name: str) -> OpenFile:
        """The open file `name`, opened first if it is not.

        Raises:
            NotFound, NotEditable, StudioError: see `disk.read`.
        """
        path = self._folder.inside(name)
        name = path.relative_to(self._folder.root).as_posix()
        file_id = hashlib.blake2b(name.encode(), digest_size=5).hexdigest()
        async with self._opening:
            if file_id not in self._open:
                self._open[file_id] = await self._opened(file_id, name, path)
            return self._open[file_id]

    async def _opened(self, file_id: str, name: str, path: Path) -> OpenFile:
        entry = self._document.files.get(file_id)
        try:
            image = await asyncio.to_thread(disk.read, path)
        except NotFound:
            if entry is None:
                raise
            image = None
        if entry is None:
            # A new room for a new history: a text is never seeded twice into the same one.
            room = f"{self._studio}/file/{file_id}@{secrets.token_hex(3)}"
            entry = FileEntry(file_id, name, room, "saved")
        file = OpenFile(
            entry,
            path,
            await self._session.join(entry.room),
            self._shadows / f"{file_id}.json",
            self._backups,
            self._document.files.put,
        )
        file.bind(image)
        self._tasks.create_task(file.keep_saved(), name=f"saving {name}")
        return file

    async def _open_call(self, params: Params) -> Result:
        name = params.text("path")
        try:
            file = await self.open(name)
        except disk.NotEditable as problem:
            return {"readonly": True, "reason": problem.message, "file": "", "room": ""}
        entry = file.entry
        return {"file": entry.id, "room": entry.room, "readonly": False, "reason": ""}

    async def _save_call(self, params: Params) -> Result:
        file = self._open.get(params.text("file"))
        if file is None:
            raise NotFound("that file is not open", "open it first")
        await file.save()
        return {}
