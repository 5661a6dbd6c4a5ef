"""Where the remarks on one text are now: found once, then moved along with its changes.

That is asked for every remark at every keystroke, and anybody may leave a thousand of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from studio_tui.document.remarks import COMMENTS_CAP, MARKS_CAP, QUOTE_CAP, Remark, spot
from studio_tui.document.text import SharedText, Span, utf8_length

MOST: Final = 2 * (COMMENTS_CAP + MARKS_CAP)
"""Remarks that are remembered; of more, all are found anew."""
MUCH: Final = 64 * 1024
"""Characters around changes; after more of them all remarks are found anew."""
_REACH: Final = 4 * QUOTE_CAP
"""Bytes on both sides of a change, in which it may have made a quote whole."""


@dataclass(slots=True)
class _End:
    """A byte that moves with its character; what comes in place of that one goes behind it."""

    byte: int
    deleted: bool = False

    def move(self, at: int, removed: int, added: int) -> None:
        """Follow a change of so many bytes, as an anchor does."""
        if self.byte < at:
            return
        if self.byte < at + removed:
            self.byte, self.deleted = at, True
        else:
            self.byte -= removed
        if self.byte > at or not self.deleted:
            self.byte += added


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a remark is; without ends it is nowhere.

    `anchored` tells that its anchors are known. Else only its quote was found, or nothing.
    """

    remark: Remark
    ends: tuple[_End, ...]
    anchored: bool

    @property
    def place(self) -> tuple[int, int] | None:
        """The bytes that it is about."""
        if not self.ends:
            return None
        start, end = self.ends
        return start.byte, max(start.byte, end.byte)


class Spots:
    """Where remarks are in a text that changes.

    Args:
        text: the text.
        room: its room.
    """

    def __init__(self, text: SharedText, room: str) -> None:
        self._text, self._room = text, room
        self._spots: dict[tuple[type[Remark], str], _Spot] = {}
        self._changed = ""
        """What stands around the changes since it was asked last."""
        text.observe(self._follow)

    def of(self, remarks: Sequence[Remark]) -> list[tuple[int, int] | None]:
        """The bytes that each remark is about now; see `spot`."""
        self._look_again()
        if len(self._spots) > MOST:
            self._spots.clear()
        return [self._of(remark).place for remark in remarks]

    def lines_of(self, remarks: Sequence[Remark]) -> list[int | None]:
        """The line, from 1, that each remark begins in now; None as `spot` says."""
        places = self.of(remarks)
        lines = self._text.lines_of({place[0] for place in places if place is not None})
        return [None if place is None else lines[place[0]] + 1 for place in places]

    def _of(self, remark: Remark) -> _Spot:
        key = type(remark), remark.id
        known = self._spots.get(key)
        if known is None or (known.remark is not remark and not _same(known.remark, remark)):
            known = self._spots[key] = self._found(remark)
        return known

    def _found(self, remark: Remark) -> _Spot:
        place = spot(self._text, self._room, remark) or ()
        return _Spot(remark, tuple(map(_End, place)), self._anchored(remark))

    def _anchored(self, remark: Remark) -> bool:
        resolve = self._text.resolve
        return remark.room == self._room and None not in map(resolve, (remark.start, remark.end))

    def _follow(self, spans: list[Span], _origin: object) -> None:
        if not self._spots:
            return
        changes = [(s.at, utf8_length(s.removed), utf8_length(s.inserted)) for s in spans]
        self._changed += "\0".join(
            self._text.piece(at - _REACH, at + added + _REACH) for at, _, added in changes
        )
        if len(self._changed) > MUCH:
            self._spots.clear()
            self._changed = ""
        for end in (end for at in self._spots.values() for end in at.ends):
            for change in changes:
                end.move(*change)

    def _look_again(self) -> None:
        """Find what the changes may have brought: anchors that were not known yet, and quotes."""
        changed, self._changed = self._changed, ""
        for key, at in self._spots.items() if changed else ():
            quoted = not at.ends and at.remark.quote in changed
            if not at.anchored and (quoted or self._anchored(at.remark)):
                self._spots[key] = self._found(at.remark)


def _same(one: Remark, other: Remark) -> bool:
    """Whether two remarks are about the same place."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("room", "start", "end", "line", "quote")
    )
