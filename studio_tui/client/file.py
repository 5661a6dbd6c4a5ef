"""A file of the studio, open for everybody: one shared text, written to disk by the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.document.authors import Authors, connected, writers
from studio_tui.document.entries import FileEntry
from studio_tui.document.merge import line_edits
from studio_tui.document.remarks import BOOKMARK, CommentEntry, MarkEntry
from studio_tui.document.spots import Spots
from studio_tui.document.text import SharedText, utf8_length, without_surrogates
from studio_tui.errors import Refused, StudioError

if TYPE_CHECKING:
    from studio_tui.client.remarks import Thread
    from studio_tui.client.services import Services
    from studio_tui.sync.room import Room

TEXT_CAP = 768 * 1024
"""Most bytes of a text that is edited together: the host opens no larger file, and the relay
closes the connection of whoever sends a larger message."""


class SharedFile:
    """An open file; its lines end in LF, whatever they end in on disk.

    Positions are code points. Every edit is made here at once and travels in the background; it
    raises ValueError for a position outside of the text, Refused for a viewer, and StudioError
    when the text would become larger than `TEXT_CAP`. Then nothing is changed.

    Args:
        studio: the studio it belongs to.
        id: the host's id of the file.
        path: relative to the studio's folder, "/" between parts.
        room: its joined room.
    """

    def __init__(self, studio: Services, id: str, path: str, room: Room) -> None:
        self.studio = studio
        self.id = id
        self.path = path
        self.room = room
        room.title = path
        self.text = SharedText(room.replica.doc)
        self.spots = Spots(self.text, room.name)
        self._authors = Authors(room.replica.doc)
        self._entry = FileEntry(id, path=path)
        room.show({})  # the relay puts the name to this client's id: see `author`

    def __str__(self) -> str:
        return str(self.text)

    @property
    def entry(self) -> FileEntry:
        """The file's state as the host last told it."""
        self._entry = self.studio.document.files.get(self.id) or self._entry
        return self._entry

    @property
    def on_disk(self) -> bool:
        """Whether the text, as it is here, is what the host last saw on the disk.

        What the host says of a file is no newer than its last look: it may be away since then.
        """
        entry = self.entry
        return entry.state == "saved" and entry.digest in ("", self.text.digest)

    @property
    def mark(self) -> str:
        """The saved mark: "✓" on disk, "●" on its way, "!" not saved."""
        if self.entry.state in ("missing", "unsavable") or self.room.problem is not None:
            return "!"
        return "✓" if not self.room.unsaved and self.on_disk else "●"

    async def insert(self, at: int, text: str) -> None:
        """Insert `text` before the character at `at`."""
        await self.replace(at, at, text)

    async def delete(self, start: int, end: int) -> None:
        """Delete the characters from `start` up to `end`."""
        await self.replace(start, end, "")

    async def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in the place of the characters from `start` up to `end`."""
        self._check(text, self.text.to_byte(end) - self.text.to_byte(start))
        self.text.replace(start, end, text)

    async def write(self, text: str) -> None:
        """Make the whole text `text`; lines that stay keep their cursors."""
        text = without_surrogates(text)
        self._check(text, self.text.size)
        self.text.edit(line_edits(str(self.text), text))

    async def saved(self) -> None:
        """Wait until every edit made here is durable at the relay, however long it is away.

        Raises:
            StudioError: the relay does not take the edits, or cannot write them to its disk.
        """
        room = self.room
        await self.studio.until(
            lambda: not room.unsaved or room.store_failed or room.problem is not None
        )
        self._check_taken()
        if room.store_failed:
            raise StudioError(
                f"the relay has the edits of {self.path} in memory, not on its disk",
                "have the host write them: await file.flush()",
            )

    async def flush(self) -> None:
        """Have the host write the text to disk now; returns once it is there.

        Raises:
            StudioError: the edits do not get there, with the reason.
        """
        room = self.room
        await self.studio.until(lambda: not room.undelivered or room.problem is not None)
        self._check_taken()
        await self.studio.command("files.save", file=self.id)

    def author(self, line: int) -> str | None:
        """Who typed a line (from 1), or most of what people changed in it; "" for the disk's.

        None where nobody knows, as of those who came and went while the host was away, and for a
        line of blanks.

        Raises:
            ValueError: there is no such line.
        """
        start, end = (self.text.to_byte(at) for at in self.range_of(line))
        names = [self.name_of(client) for client in writers(self.text, start, end)]
        return next(filter(None, names), None if None in names or not names else "")

    def name_of(self, client: int) -> str | None:
        """The person that a CRDT client of this text was, as `author` tells it."""
        me = self.studio.me
        if client == self.room.replica.client_id:
            return me.name if me else None
        known = self._authors.name(client)
        return connected(self.room.presence).get(client) if known is None else known

    # -- what is said about it ----------------------------------------------------------------

    def comment(self, start: int, end: int, text: str) -> CommentEntry:
        """Say something about the characters from `start` up to `end`, for everybody to see.

        Raises:
            ValueError: a position is outside of the text.
            Refused: this person may only look. UsageFault: no words.
        """
        return self.studio.remarks.comment(self, start, end, text)

    @property
    def comments(self) -> list[Thread]:
        """The comments on this file with their replies, resolved ones too, by line."""
        return self.studio.remarks.threads(self)

    def mark_line(self, line: int, kind: str = BOOKMARK) -> MarkEntry | None:
        """Mark a line (from 1) as a "bookmark" or "breakpoint", or take that away again."""
        return self.studio.remarks.mark(self, line, kind)

    @property
    def marks(self) -> list[MarkEntry]:
        """The bookmarks and breakpoints of this file, by line."""
        return self.studio.remarks.marks(self)

    def line_of(self, byte: int) -> int:
        """The line, from 1, that a byte of the text is in."""
        return self.text.line_of(byte) + 1

    def range_of(self, line: int) -> tuple[int, int]:
        """The code points of a line (from 1) without its end.

        Raises:
            ValueError: there is no such line.
        """
        lines = str(self.text).split("\n")
        if not 1 <= line <= len(lines):
            raise ValueError(f"line {line} is outside of 1..{len(lines)}")
        start = sum(map(len, lines[: line - 1])) + line - 1
        return start, start + len(lines[line - 1])

    def _check_taken(self) -> None:
        if self.room.unsaved and self.room.problem is not None:
            raise self.room.problem

    async def leave(self) -> None:
        """Follow it no more, once every edit made here is durable; it stays open for the others."""
        await self.saved()
        self.studio.forget(self)

    def release(self) -> None:
        """Stop following the text; called when the room is left."""
        self.text.close()

    def check(self, text: str) -> None:
        """Look whether the whole text may become `text`.

        Raises:
            Refused: a viewer may not edit. StudioError: it would be too large.
        """
        self._check(text, self.text.size)

    def _check(self, text: str, removed: int) -> None:
        """Look whether `text` may take the place of `removed` bytes."""
        if not self.room.writable:
            raise Refused("a viewer may not edit", "ask the studio's owner for another role")
        if self.text.size - removed + utf8_length(without_surrogates(text)) > TEXT_CAP:
            raise StudioError(
                f"{self.path} would be larger than {TEXT_CAP // 1024} KiB, the most for a text "
                "that is edited together",
                "put the data into a file of its own, by other means",
            )
