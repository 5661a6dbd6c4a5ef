"""A terminal's document: one array of frames, `[keyframe, delta, ...]`; the host writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pycrdt import Array, ArrayEvent

from studio_tui.document.replica import Replica, Unsubscribe, unsubscribing


class FrameArray:
    """The shared frame log of one terminal.

    A contiguous range of one writer is what keeps this document at a few kilobytes for ever:
    the tombstones of replaced frames merge. A map key per screen row would grow without bound.
    """

    def __init__(self, replica: Replica) -> None:
        self._doc = replica.doc
        self._array: Array[Any] = replica.doc.get("frames", type=Array)

    def frames(self) -> list[bytes]:
        """The log as it stands: a keyframe first, then what changed since."""
        return _frames(self._array)

    def append(self, frame: bytes) -> None:
        """Add one delta."""
        self._array.append(frame)

    def restart(self, keyframe: bytes) -> None:
        """Replace the whole log by `keyframe`, in one transaction."""
        with self._doc.transaction():
            self._array.clear()
            self._array.append(keyframe)

    def observe(self, callback: Callable[[list[bytes]], None]) -> Unsubscribe:
        """Call `callback(new frames)` for what was added; old ones never come again."""

        def changed(event: ArrayEvent) -> None:
            added: list[bytes] = []
            for part in event.delta:  # type: ignore[attr-defined]
                added += _frames(part.get("insert", []))
            callback(added)

        return unsubscribing(self._array, self._array.observe(changed))


def _frames(items: Iterable[Any]) -> list[bytes]:
    """The frames among `items`; the document gives bytes back as a bytearray."""
    return [bytes(item) for item in items if isinstance(item, (bytes, bytearray))]
