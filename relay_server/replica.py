"""The relay's copy of one room's document: an update log, settled into a CRDT document lazily.

Applying each update on arrival costs time in proportion to the text before it, and merging k
updates costs k squared. So updates are appended to a tail and settled `BATCH` at a time, and no
merge ever takes more than `BATCH`, nor much more than `SMALL` bytes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pycrdt import Doc, merge_updates

from relay_server.errors import InvalidUpdate, RelayError
from relay_server.validate import Survey, read_state_vector, survey, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BATCH: Final = 64
SMALL: Final = 8 << 10  # bytes; merging more saves nothing, and settling it takes milliseconds
DIFFS: Final = 16  # answers that are kept until the document changes: the whole state, and ...
SMALL_DIFF: Final = 64 << 10  # ... those of at most so many bytes
EMPTY: Final = b"\0\0"  # the update without structs and deletes
NOTHING: Final = b"\0"  # the state vector of an empty document


class Broken(RelayError):
    """The document library failed and the document in memory is worth nothing any more."""


@contextmanager
def panics_as_broken() -> Iterator[None]:
    """Turns the library's panic, which is a BaseException, into `Broken`."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise Broken(f"document library refused an update: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise Broken("document library failed") from error


def merge(updates: Sequence[bytes]) -> list[bytes]:
    """The same changes in fewer updates: one for every `BATCH`, or `SMALL` bytes.

    Raises:
        Broken: the library cannot merge them.
    """
    if len(updates) == 1:
        return [updates[0]]
    with panics_as_broken():
        return [
            group[0] if len(group) == 1 else merge_updates(*group) for group in _groups(updates)
        ]


def _groups(updates: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for at, update in enumerate(updates):
        size += len(update)
        if at > start and (size > SMALL or at - start == BATCH):
            yield updates[start:at]
            start, size = at, len(update)
    if updates:
        yield updates[start:]


class Replica:
    """One room's document.

    Args:
        history: updates that were stored, oldest first; walked by the validator before.

    Raises:
        Broken: the history cannot be applied; from every method. The replica is of no use then.
    """

    def __init__(self, history: Iterable[bytes] = ()) -> None:
        self._doc: Doc[Any] = Doc()
        self._tail: list[bytes] = []
        self._tail_size = 0  # bytes
        self._diffs: dict[bytes, bytes] = {}  # by state vector, for many who come back at once
        self._deletes: dict[int, list[tuple[int, int]]] | None = None
        self._reach: dict[int, int] = {}
        self._tail.extend(history)
        self.settle()

    def append(self, update: bytes) -> None:
        """Takes an update in; cheap, but for one call in `BATCH`."""
        self._tail.append(update)
        self._tail_size += len(update)
        if len(self._tail) >= BATCH or self._tail_size >= SMALL:
            self.settle()

    def expect(self, found: Survey) -> None:
        """Notes how far an update that is being taken in reaches; see `complete`."""
        for ends in (found.ends, found.deleted):
            for client, end in ends.items():
                self.expect_of(client, end)

    def expect_of(self, client: int, end: int) -> None:
        """The same of an update by one client, which ends before that clock."""
        if end > self._reach.get(client, 0):
            self._reach[client] = end

    def settle(self) -> None:
        """Applies the tail to the document."""
        if not self._tail:
            return
        tail, self._tail, self._tail_size = self._tail, [], 0
        self._diffs.clear()
        self._deletes = None
        for update in merge(tail):
            with panics_as_broken():
                self._doc.apply_update(update)

    def state_vector(self) -> bytes:
        """What the document has."""
        self.settle()
        with panics_as_broken():
            return self._doc.get_state()

    def diff(self, state_vector: bytes) -> bytes:
        """An update with what a peer with this state vector lacks."""
        self.settle()
        found = self._diffs.get(state_vector)
        if found is None:
            with panics_as_broken():
                found = self._doc.get_update(state_vector)
            if len(self._diffs) < DIFFS and (state_vector == NOTHING or len(found) <= SMALL_DIFF):
                self._diffs[state_vector] = found
        return found

    def complete(self) -> bool:
        """Whether everything taken in is part of the document.

        An update that builds on one not yet here waits outside the document's state. A snapshot
        would lose it.
        """
        clocks = read_state_vector(self.state_vector())
        self._reach = {c: end for c, end in self._reach.items() if end > clocks.get(c, 0)}
        return not self._reach

    def has_news(self, found: Survey) -> bool:
        """Whether an update would change the document."""
        clocks = read_state_vector(self.state_vector())
        if any(end > clocks.get(client, 0) for client, end in found.ends.items()):
            return True
        known = self._deleted() if found.deletes else {}
        return any(
            not _covered(known.get(client, []), ranges) for client, ranges in found.deletes.items()
        )

    def _deleted(self) -> dict[int, list[tuple[int, int]]]:
        if self._deletes is None:
            with panics_as_broken():
                rest = self._doc.get_update(self._doc.get_state())
            try:
                self._deletes = {c: list(_joined(r)) for c, r in survey(rest).deletes.items()}
            except InvalidUpdate as error:
                raise Broken(f"document library wrote a bad update: {error}") from error
        return self._deletes


def _joined(ranges: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The ranges of a survey as (start, end), sorted, with neighbours joined."""
    first, last = 0, -1
    for start, length in unpacked(sorted(ranges)):
        if start <= last:
            last = max(last, start + length)
        else:
            if last >= 0:
                yield first, last
            first, last = start, start + length
    if last >= 0:
        yield first, last


def _covered(known: list[tuple[int, int]], ranges: Iterable[int]) -> bool:
    """Whether every range lies inside a known (start, end); both walked once."""
    at = 0
    for start, end in _joined(ranges):
        while at < len(known) and known[at][1] < end:
            at += 1
        if at == len(known) or known[at][0] > start:
            return False
    return True
