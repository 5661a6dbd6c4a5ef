"""This peer's copy of one shared document, guarded against what the network may send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycrdt import Doc, TransactionEvent

from relay_server.validate import check_update
from studio_tui.document.text import REMOTE
from studio_tui.errors import StudioError

Unsubscribe = Callable[[], None]


class DocumentPoisoned(StudioError):
    """The native document broke on an update; its owner drops it and starts from an empty one."""


class Replica:
    """A CRDT document plus the few operations that synchronising it needs.

    Every update is walked by the bounded validator before the native code sees it: a nested
    value of 52 kB is enough to end the process otherwise.
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
        """The update that a peer with `state_vector` lacks (deletions are always in it)."""
        return self.doc.get_update(state_vector)

    def apply(self, update: bytes) -> None:
        """Merge a remote update.

        Raises:
            InvalidUpdate: it is malformed or over a bound; nothing was applied.
            DocumentPoisoned: the native code panicked; this replica is unusable.
        """
        check_update(update)
        self._applying = True
        try:
            with self.doc.transaction(origin=REMOTE):
                self.doc.apply_update(update)
        except BaseException as problem:
            # A Rust panic arrives as a BaseException that no module exports.
            if type(problem).__name__ != "PanicException":
                raise
            raise DocumentPoisoned(
                "a shared document broke on an update", "it is fetched again from the relay"
            ) from problem
        finally:
            self._applying = False

    def observe_local(self, callback: Callable[[bytes], None]) -> Unsubscribe:
        """Call `callback(update)` after each transaction made on this side."""

        def committed(event: TransactionEvent) -> None:
            if not self._applying:
                callback(event.update)

        subscription = self.doc.observe(committed)
        return lambda: self.doc.unobserve(subscription)
