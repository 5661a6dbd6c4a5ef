"""What people leave in a file beside its text: comments on a range, and marks at a line.

They live in the studio document, so that all of them can be listed without opening a file, and
outlive the room of the text. Where they are is anchored in that room; in another history of the
same file they are found again by what the text was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from studio_tui.document.entries import Entry
from studio_tui.document.text import SharedText, utf8_length

BOOKMARK = "bookmark"
BREAKPOINT = "breakpoint"
KINDS = (BOOKMARK, BREAKPOINT)
TEXT_CAP = 2000
QUOTE_CAP = 120
COMMENTS_CAP, MARKS_CAP = 2000, 1000


@dataclass(frozen=True)
class Remark(Entry):
    """Something that belongs to a place of a text.

    `room` is that of the text in which `start` and `end` are anchors, `path` where the file was,
    `line` its line (from 1), and `quote` the text that it was about, or the beginning of that.
    `by` is the name of the person, `time` a Unix time in seconds.
    """

    path: str = ""
    room: str = ""
    start: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    line: int = 0
    quote: str = ""
    by: str = ""
    time: float = 0.0

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """The remark that `value` describes, its quote no longer than ours are."""
        entry = super().read(value)
        return replace(entry, quote=entry.quote[:QUOTE_CAP])


@dataclass(frozen=True)
class CommentEntry(Remark):
    """A comment, or a reply to the one with the id `reply_to`; `resolved_by` is "" while open."""

    text: str = ""
    reply_to: str = ""
    resolved_by: str = ""


@dataclass(frozen=True)
class MarkEntry(Remark):
    """A line that everybody finds again; `kind` is bookmark or breakpoint."""

    kind: str = BOOKMARK


def spot(text: SharedText, room: str, remark: Remark) -> tuple[int, int] | None:
    """The bytes that a remark is about now; an empty range when that text was deleted.

    None when it is in another history, and its text is not here any more.

    Args:
        text: the text as it is now.
        room: that text's room.
        remark: made in this room, or in an earlier one of the same file.
    """
    if remark.room == room:
        start, end = text.resolve(remark.start), text.resolve(remark.end)
        if start is not None and end is not None:
            return start, max(start, end)
    return _quoted(str(text), remark)


def _quoted(text: str, remark: Remark) -> tuple[int, int] | None:
    """Where the quote stands, the occurrence that is nearest to its old line.

    Anybody may write a quote that is everywhere: the text is looked through a fixed number of
    times, however often it is there.
    """
    quote = remark.quote
    if not quote or quote not in text:
        return None
    wanted = _line_start(text, remark.line - 1)
    at = text.find(quote, wanted)
    before = text.rfind(quote, 0, wanted - 1 + len(quote)) if wanted else -1
    if before >= 0:
        before = text.find(quote, text.rfind("\n", 0, before) + 1)  # the first one of its line
        if at < 0 or text.count("\n", before, wanted) <= text.count("\n", wanted, at):
            at = before
    if at < 0:
        return None
    start = utf8_length(text[:at])
    return start, start + utf8_length(quote)


def _line_start(text: str, line: int) -> int:
    """Where a line begins, from 0; the end of a text that has fewer."""
    low, high = 0, len(text)
    while line > 0 and low < high:
        middle = (low + high) // 2 + 1
        lines = text.count("\n", low, middle)
        if lines < line:
            low, line = middle, line - lines
        elif high == middle:
            return high
        else:
            high = middle
    return low if line <= 0 else len(text)
