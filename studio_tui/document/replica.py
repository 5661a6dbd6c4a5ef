"""This peer's copy of one shared document, guarded against what the network may send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from pycrdt import Doc, Subscription, TransactionEvent

from relay_server.errors import InvalidUpdate
from relay_server.validate import check_state_vector, check_update
from studio_tui.document.text import REMOTE
from studio_tui.errors import StudioError

Unsubscribe = Callable[[], None]


class DocumentPoisoned(StudioError):
    """The native document broke on an update; nothing it says can be trusted any more."""


class Replica:
    """A CRDT document plus the few operations that synchronising it needs.

    Everything from the network is walked by the bounded validator before the native code sees it:
    a nested value of 52 kB is enough to end the process otherwise.
    """

    def __init__(self) -> None:
        self.doc: Doc[Any] = Doc()
        self._applying = False

    @property
    def client_id(self) -> int:
        """The CRDT client id, also this peer's presence id in the room."""
        return self.doc.client_id

    def state_vector(self) -> bytes:
        """What this copy has seen, in the y-protocol's encoding."""
        return self.doc.get_state()

    def missing_from(self, state_vector: bytes) -> bytes:
        """The update that a peer with `state_vector` lacks (deletions are always in it).

        Raises:
            InvalidUpdate: the state vector is malformed.
            DocumentPoisoned: see `apply`.
        """
        check_state_vector(state_vector)
        with _panics_as_poisoned():
            return self.doc.get_update(state_vector)

    def apply(self, update: bytes) -> None:
        """Merge a remote update.

        Raises:
            InvalidUpdate: it is malformed, over a bound, or contradicts the document. The document
                is as good as before, but may lack a part of the update that was sound.
            DocumentPoisoned: the native code panicked; this replica is of no use any more.
        """
        check_update(update)
        self._applying = True
        try:
            with _panics_as_poisoned(), self.doc.transaction(origin=REMOTE):
                self._merge(update)
        finally:
            self._applying = False

    def _merge(self, update: bytes) -> None:
        try:
            try:
                self.doc.apply_update(update)
            except RuntimeError:
                # What failed may have been an earlier update that waited for this one. It is gone
                # now, and this one gets its own chance.
                self.doc.apply_update(update)
        except (ValueError, RuntimeError) as problem:
            raise InvalidUpdate(f"an update contradicts the document: {problem}") from problem

    def observe_local(self, callback: Callable[[bytes], None]) -> Unsubscribe:
        """Call `callback(update)` after each transaction made on this side."""

        def committed(event: TransactionEvent) -> None:
            if not self._applying:
                callback(event.update)

        return unsubscribing(self.doc, self.doc.observe(committed))


class Observed(Protocol):
    """A CRDT document or shared type."""

    def unobserve(self, subscription: Subscription) -> None:
        """End `subscription`."""


def unsubscribing(observed: Observed, subscription: Subscription) -> Unsubscribe:
    """What ends `subscription`; calling it again does no harm."""
    left = [subscription]

    def unsubscribe() -> None:
        while left:
            observed.unobserve(left.pop())

    return unsubscribe


@contextmanager
def _panics_as_poisoned() -> Iterator[None]:
    """Turn the native code's panic, a BaseException that no module exports, into an error."""
    try:
        yield
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":
            raise
        raise DocumentPoisoned(
            "a shared document broke on an update", "leave the studio and join it again"
        ) from problem
