"""Which history a room's document has: random ids, made with the store and lost with it.

A client that remembers the id of its copy can tell a relay that lost its store from one that it was
away from: two documents that were typed alike are strangers to each other, and merged they say
everything twice.
"""

from __future__ import annotations

import hashlib
import secrets


def new_history() -> str:
    """A random id."""
    return secrets.token_hex(16)


class Histories:
    """The ids of all rooms.

    Args:
        ids: room -> id of the rooms that began anew; under "" that of the store, from which the
            ids of all others follow.
    """

    def __init__(self, ids: dict[str, str]) -> None:
        self._ids = ids

    def of(self, room: str) -> str:
        """The id of a room's history, 32 characters."""
        begun = self._ids.get(room) if room else None
        if begun is None:
            text = f"{self._ids.get('', '')}/{room}"
            begun = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
        return begun

    def begin(self, room: str, id: str) -> None:
        """A room has a new history from now on."""
        self._ids[room] = id
