"""Comments and marks in the files of a studio: made, answered, resolved, found again."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from studio_tui.document.remarks import (
    COMMENTS_CAP,
    KINDS,
    MARKS_CAP,
    QUOTE_CAP,
    TEXT_CAP,
    CommentEntry,
    MarkEntry,
    Remark,
)
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from studio_tui.client.attachment import Attachment
    from studio_tui.client.file import SharedFile

T = TypeVar("T")


def _age(entry: CommentEntry) -> tuple[float, str]:
    return entry.time, entry.id


@dataclass(frozen=True)
class Thread:
    """A comment with its replies, oldest first.

    `line` is from 1 and as of now, where the file is open here; None for a text that is gone.
    """

    comment: CommentEntry
    replies: tuple[CommentEntry, ...]
    path: str
    line: int | None

    @property
    def open(self) -> bool:
        """Whether nobody has resolved it."""
        return not self.comment.resolved_by

    def plain(self) -> dict[str, Any]:
        """The thread as JSON for `--json`."""
        said = [self.comment, *self.replies]
        return {
            "id": self.comment.id,
            "path": self.path,
            "line": self.line,
            "quote": self.comment.quote,
            "resolved_by": self.comment.resolved_by or None,
            "said": [{"by": e.by, "time": e.time, "text": e.text, "id": e.id} for e in said],
        }


class Remarks:
    """What is said about the studio's files, whether they are open here or not."""

    def __init__(self, studio: Attachment) -> None:
        self._studio = studio
        self._comments = studio.document.comments
        self._marks = studio.document.marks
        self._read: dict[str, Any] = {}
        self._comments.observe(partial(self._forget, "comments"))
        self._marks.observe(partial(self._forget, "marks"))
        studio.document.files.observe(partial(self._forget, "files"))

    # -- reading ------------------------------------------------------------------------------

    def threads(self, file: SharedFile | None = None) -> list[Thread]:
        """Every comment with its replies, resolved ones too, by file and line.

        Args:
            file: those of this open file alone, with their lines as of now.
        """
        replies: dict[str, list[CommentEntry]] = {}
        entries = self._known("comments", lambda: sorted(self._comments.values(), key=_age))
        for entry in entries:
            if entry.reply_to:
                replies.setdefault(entry.reply_to, []).append(entry)
        firsts = [
            entry
            for entry in entries
            if not entry.reply_to and (file is None or self.concerns(entry, file))
        ]
        lines = file.spots.lines_of(firsts) if file else [entry.line for entry in firsts]
        found = [
            Thread(entry, tuple(replies.get(entry.id, ())), self.path_of(entry), line)
            for entry, line in zip(firsts, lines, strict=True)
        ]
        return sorted(found, key=lambda thread: (thread.path, thread.line or 0))

    @property
    def left_out(self) -> int:
        """How many comments there are beside those that are listed: everybody's older ones."""
        return self._comments.left_out

    def marks(self, file: SharedFile) -> list[MarkEntry]:
        """The marks of an open file whose text is still there, by line; lines as of now."""
        known = self._known("marks", lambda: list(self._marks.values()))
        there = [entry for entry in known if self.concerns(entry, file)]
        lines = file.spots.lines_of(there)
        marks = [
            replace(entry, line=line)
            for entry, line in zip(there, lines, strict=True)
            if line is not None
        ]
        return sorted(marks, key=lambda mark: (mark.line, mark.kind, mark.id))

    def concerns(self, remark: Remark, file: SharedFile) -> bool:
        """Whether a remark is about this file: by its room, or its path when that room is gone."""
        if remark.room == file.room.name:
            return True
        return remark.path == file.entry.path and self._entry_in(remark.room) is None

    def path_of(self, remark: Remark) -> str:
        """Where the file of a remark is now, or was last."""
        entry = self._entry_in(remark.room)
        return remark.path if entry is None else entry.path

    def _entry_in(self, room: str) -> Any:
        files = self._studio.document.files
        return self._known("files", lambda: {e.room: e for e in files.values()}).get(room)

    def _known(self, name: str, read: Callable[[], T]) -> T:
        """What a registry holds, read anew only after a change: each keystroke asks."""
        if name not in self._read:
            self._read[name] = read()
        known: T = self._read[name]
        return known

    def _forget(self, name: str, _ids: set[str]) -> None:
        self._read.pop(name, None)

    # -- writing ------------------------------------------------------------------------------

    def comment(self, file: SharedFile, start: int, end: int, text: str) -> CommentEntry:
        """Say something about the code points `start` to `end`; see `SharedFile.comment`."""
        self._check(text)
        self._check_room(self._comments, COMMENTS_CAP, "comments")
        entry = CommentEntry(**self._place(file, start, end), text=text.strip()[:TEXT_CAP])
        self._comments.put(entry)
        return entry

    def reply(self, id: str, text: str) -> CommentEntry:
        """Answer a comment, or another answer to it.

        Raises:
            NotFound: it is gone. Refused: this person may only look. UsageFault: no words.
        """
        self._check(text)
        self._check_room(self._comments, COMMENTS_CAP, "comments")
        first = self.first(id)
        entry = replace(
            first, id=secrets.token_hex(6), text=text.strip()[:TEXT_CAP], reply_to=first.id,
            resolved_by="", **self._made(),
        )  # fmt: skip
        self._comments.put(entry)
        return entry

    def resolve(self, id: str, *, resolved: bool = True) -> None:
        """Say that a comment is dealt with, or open it again. Raises as `reply` does."""
        self._check()
        by = (self._made()["by"] or "somebody") if resolved else ""
        self._comments.put(replace(self.first(id), resolved_by=by))

    def remove(self, id: str) -> None:
        """Take away a comment with its replies, or one reply. Raises as `reply` does."""
        self._check()
        self.find(id)
        for entry in list(self._comments.values()):
            if id in (entry.id, entry.reply_to):
                self._comments.remove(entry.id)

    def find(self, id: str) -> CommentEntry:
        """The comment or reply with this id, of which the beginning is enough when it is one's.

        Raises:
            NotFound: there is none.
        """
        found = [entry for key, entry in self._comments.items() if id and key.startswith(id)]
        if len(found) != 1:
            why = "several comments begin with" if found else "there is no comment"
            raise NotFound(f"{why} {id!r}", "look at the list of comments")
        return found[0]

    def first(self, id: str) -> CommentEntry:
        """The comment that one with this id belongs to. Raises as `find` does."""
        entry = self.find(id)
        return self.find(entry.reply_to) if entry.reply_to else entry

    def mark(self, file: SharedFile, line: int, kind: str) -> MarkEntry | None:
        """Mark a line (from 1) for everybody, or take the mark of this kind away from it.

        Returns:
            The mark; None when there is none now.
        """
        if kind not in KINDS:
            raise UsageFault(f"there is no mark {kind!r}", f"one of: {', '.join(KINDS)}")
        self._check()
        there = [m for m in self.marks(file) if (m.line, m.kind) == (line, kind)]
        for mark in there:
            self._marks.remove(mark.id)
        if there:
            return None
        self._check_room(self._marks, MARKS_CAP, "marks")
        entry = MarkEntry(**self._place(file, *file.range_of(line)), kind=kind)
        self._marks.put(entry)
        return entry

    def _place(self, file: SharedFile, start: int, end: int) -> dict[str, Any]:
        text = file.text
        first, last = text.to_byte(start), text.to_byte(end)
        return {
            "id": secrets.token_hex(6), "path": file.entry.path or file.path,
            "room": file.room.name, "start": text.anchor(first), "end": text.anchor(last),
            "line": file.line_of(first), "quote": str(text)[start:end][:QUOTE_CAP], **self._made(),
        }  # fmt: skip

    def _made(self) -> dict[str, Any]:
        me = self._studio.me
        return {"by": me.name if me else "", "time": time.time()}

    def _check(self, text: str = "x") -> None:
        if not self._studio.writable:
            raise Refused("a viewer cannot comment", "ask the owner for another role")
        if not text.strip():
            raise UsageFault("a comment needs words", "say what is to be said")

    def _check_room(self, listed: Mapping[str, Remark], most: int, what: str) -> None:
        """Nobody's flood keeps others from saying something: each has room for as many."""
        me = self._made()["by"]
        if sum(entry.by == me for entry in listed.values()) >= most:
            raise StudioError(f"you have {most} {what} already", "take away some first")
