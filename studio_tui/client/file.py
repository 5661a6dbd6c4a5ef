"""A file of the studio, open for everybody: one shared text, written to disk by the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.document.entries import FileEntry
from studio_tui.document.merge import line_edits
from studio_tui.document.text import SharedText

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.sync.room import Room


class SharedFile:
    """An open file. Positions in `text` are code points.

    Args:
        studio: the studio it belongs to.
        id: the host's id of the file.
        path: relative to the studio's folder, "/" between parts.
        room: its joined room.
    """

    def __init__(self, studio: Studio, id: str, path: str, room: Room) -> None:
        self.studio = studio
        self.id = id
        self.path = path
        self.room = room
        self.text = SharedText(room.replica.doc)

    def __str__(self) -> str:
        return str(self.text)

    @property
    def entry(self) -> FileEntry:
        """The file's state as the host last told it."""
        return self.studio.document.files.get(self.id) or FileEntry(self.id, path=self.path)

    @property
    def mark(self) -> str:
        """The saved mark: "✓" on disk, "●" on its way, "!" not saved."""
        if self.entry.state in ("missing", "unsavable"):
            return "!"
        return "●" if self.room.unsaved or self.entry.state == "unsaved" else "✓"

    async def insert(self, at: int, text: str) -> None:
        """Insert `text` before the character at `at`.

        Raises:
            ValueError: `at` is outside of the text.
        """
        self.text.insert(at, text)

    async def delete(self, start: int, end: int) -> None:
        """Delete the characters from `start` up to `end`."""
        self.text.delete(start, end)

    async def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in the place of the characters from `start` up to `end`."""
        self.text.replace(start, end, text)

    async def write(self, text: str) -> None:
        """Make the whole text `text`; lines that stay keep their cursors."""
        self.text.edit(line_edits(str(self.text), text))

    async def saved(self) -> None:
        """Wait until every edit made here is durable at the relay."""
        await self.studio.until(lambda: self.room.unsaved == 0)

    async def flush(self) -> None:
        """Have the host write the text to disk now; returns once it is there.

        Raises:
            StudioError: the host could not write it, with its reason.
        """
        await self.saved()
        await self.studio.command("files.save", file=self.id)
