"""Bring a file that changed on disk into the shared text, keeping what people typed meanwhile.

A text without unsaved edits takes the difference (`take_disk`). One with unsaved edits is merged
by the CRDT itself: the difference is applied to a copy of the document as last saved, where it
happens beside the edits people made since, and the update of that is applied to the live one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from pycrdt import Doc
from rapidfuzz.distance import Levenshtein

from studio_tui.document.text import DISK, ROOT, SharedText, shared_ends

LineEdit = tuple[int, int, str]
"""(start, end, replacement), in code points of the old text."""

MAX_EDITS = 400
"""More than this, and neighbours are joined: each one costs the CRDT a walk to its place."""

MAX_COMPARISONS = 400_000_000
"""Above this product of line counts the changed lines are replaced as a whole."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A change on disk, ready for the live document.

    Attributes:
        update: for the live document; empty when the disk brings nothing new.
        base: the state to merge a later change on disk against, until the next save.
        overlaps: ranges of the old base text, in code points, that both sides changed.
    """

    update: bytes
    base: bytes
    overlaps: tuple[tuple[int, int], ...]


def line_edits(old: str, new: str) -> list[LineEdit]:
    """The edits that turn `old` into `new`: in order, apart, small, found by lines.

    Lines that did not change are not touched, so carets in them stay where they are.
    """
    old_lines, new_lines = _lines(old), _lines(new)
    starts = list(accumulate(map(len, old_lines), initial=0))
    edits = []
    for first, last, new_first, new_last in _changed(old_lines, new_lines):
        edit = _trimmed(
            starts[first], old[starts[first] : starts[last]], new_lines[new_first:new_last]
        )
        if edit is not None:
            edits.append(edit)
    return joined(edits, old)


def take_disk(text: SharedText, disk: str) -> bool:
    """Make `text` what the disk holds, in one transaction; False when it already was."""
    edits = line_edits(str(text), disk)
    text.edit(edits, DISK)
    return bool(edits)


def saved_state(text: SharedText) -> bytes:
    """The document as it is now, to merge against later; take it at each load and save."""
    state: bytes = text.doc.get_update()
    return state


def three_way(base: bytes, live: str, disk: str, name: str = ROOT) -> Merge:
    """Merge a change on disk with the edits made since `base`.

    Args:
        base: `saved_state` of the live document when the file was last read or written.
        live: the live text, to tell where both sides changed the same place.
        disk: the text on disk now.
        name: the root of the text in the document.
    """
    shadow: Doc[Any] = Doc()
    shadow.apply_update(base)
    text = SharedText(shadow, name)
    before, state = str(text), shadow.get_state()
    theirs = line_edits(before, disk)
    text.edit(theirs, DISK)
    update = shadow.get_update(state) if theirs else b""
    text.close()
    overlaps = _overlaps(line_edits(before, live), theirs)
    return Merge(update, shadow.get_update(), tuple(overlaps))


def apply_merge(text: SharedText, merge: Merge) -> None:
    """Apply a merge to the live text, in one transaction of origin `DISK`."""
    if merge.update:
        with text.doc.transaction(origin=DISK):
            text.doc.apply_update(merge.update)


def _lines(text: str) -> list[str]:
    """The lines with their ends; only LF ends a line here."""
    *lines, last = text.split("\n")
    return [*(line + "\n" for line in lines), *([last] if last else [])]


def _changed(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Ranges of lines that differ: first and last in `old`, then in `new`; last is exclusive."""
    head, tail = shared_ends(old, new)
    old_end, new_end = len(old) - tail, len(new) - tail
    if (old_end - head) * (new_end - head) > MAX_COMPARISONS:
        yield head, old_end, head, new_end
        return
    numbers: dict[str, int] = {}
    before = [numbers.setdefault(line, len(numbers)) for line in old[head:old_end]]
    after = [numbers.setdefault(line, len(numbers)) for line in new[head:new_end]]
    for code in Levenshtein.opcodes(before, after):
        lines = code.src_start + head, code.src_end + head
        new_lines = code.dest_start + head, code.dest_end + head
        if code.tag == "replace":  # as many lines as before, each by its own
            for line, new_line in zip(range(*lines), range(*new_lines), strict=True):
                yield line, line + 1, new_line, new_line + 1
        elif code.tag != "equal":
            yield *lines, *new_lines


def _trimmed(start: int, old: str, new_lines: list[str]) -> LineEdit | None:
    """The edit at `start` without what both sides begin and end with; None when nothing is left."""
    new = "".join(new_lines)
    if old == new:
        return None
    head, tail = shared_ends(old, new)
    return start + head, start + len(old) - tail, new[head : len(new) - tail]


def joined(edits: list[LineEdit], old: str, most: int = MAX_EDITS) -> list[LineEdit]:
    """At most `most` edits of `old` with the same effect, joined where the gaps are smallest."""
    if len(edits) <= most:
        return edits
    gaps = [after[0] - before[1] for before, after in pairwise(edits)]
    by_width = sorted(range(len(gaps)), key=gaps.__getitem__)
    closed = set(by_width[: len(edits) - most])
    kept = [edits[0]]
    for index, (start, end, text) in enumerate(edits[1:]):
        first, last, before = kept[-1]
        if index in closed:
            kept[-1] = (first, end, before + old[last:start] + text)
        else:
            kept.append((start, end, text))
    return kept


def _overlaps(ours: list[LineEdit], theirs: list[LineEdit]) -> Iterator[tuple[int, int]]:
    """Ranges that edits of both sides touch; both lists are in order."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        start, end = max(ours[i][0], theirs[j][0]), min(ours[i][1], theirs[j][1])
        if start <= end:
            yield start, end
        if ours[i][1] <= theirs[j][1]:
            i += 1
        else:
            j += 1
