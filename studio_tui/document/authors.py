"""Who wrote what is in a text: the CRDT knows each character's client, and the room's host who
that was.

The names stand in the text's own document, and end with it. Its host alone writes them, from what
the relay says of whoever is connected under a client's id: nobody can claim another's lines by
saying so. Who came and went while no host was there stays unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pycrdt import Doc, Map

from studio_tui.document.presence import printable, read_person
from studio_tui.document.text import DISK, SharedText

ROOT = "authors"
NAME_OF_DISK = ""
"""Whose text it is that came with the file."""
SAMPLES = 16
"""At so many characters of a line its authors are looked for."""


class Authors:
    """The names of one document's clients."""

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc
        self._names: Map[Any] = doc.get(ROOT, type=Map)

    def name(self, client: int) -> str | None:
        """The person that `client` was; `NAME_OF_DISK` for the file itself, None when unknown."""
        name = self._names.get(str(client))
        return printable(name) if isinstance(name, str) else None

    def sign(self, names: Mapping[int, str], clients: Iterable[int]) -> None:
        """Note the names of those clients that have written something and are not known yet."""
        new = {str(c): names[c] for c in clients if c in names and str(c) not in self._names}
        if new:
            with self._doc.transaction(origin=DISK):
                for client, name in new.items():
                    self._names[client] = name


def connected(presence: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    """Client id -> name of those who are in a room, as its relay stamped them."""
    people = {client: read_person(state) for client, state in presence.items()}
    return {client: person.name for client, person in people.items() if person is not None}


def writers(text: SharedText, start: int, end: int) -> list[int]:
    """The clients that the bytes `start` to `end` came from, judged at a few characters.

    Who typed most comes first. Empty where there is nothing but blanks.
    """
    step = max(1, (end - start) // SAMPLES)
    found = [client for at in range(start, end, step) if (client := text.client_at(at))]
    return [client for client, _ in Counter(found).most_common()]
