"""Positions that stay with their character: which client typed it, as its how-manieth.

The CRDT's own sticky positions are right for ASCII alone: it numbers the characters of a client
in UTF-16 units, but adds and takes away bytes within an item (a run that one client typed). So
the start of the item is looked for, where both agree, and the units from there are counted here.
It also panics on a position it does not know: nothing unknown may reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from pycrdt import Assoc, StickyIndex

if TYPE_CHECKING:
    from pycrdt import Text

Anchor = dict[str, Any]
"""A position that stays at its character while others edit; JSON."""

Place = tuple[int, int]
"""A client, and the number of a UTF-16 unit among all that it ever typed."""

MAX_CANDIDATES = 200
"""How many positions are looked at, where two items look like one."""


def place_of(anchor: object) -> Place | None:
    """The place that an anchor from the network names; None when it has not the shape of one."""
    item = anchor.get("item") if isinstance(anchor, Mapping) else None
    if not isinstance(item, Mapping):
        return None
    client, clock = item.get("client"), item.get("clock")
    if type(client) is not int or type(clock) is not int:
        return None
    return (client, clock) if 0 <= client < 1 << 53 and 0 <= clock < 1 << 32 else None


def anchor_of(place: Place) -> Anchor:
    """The JSON of a place."""
    return {"item": {"client": place[0], "clock": place[1]}, "assoc": int(Assoc.AFTER)}


class Places:
    """The places of the characters of one text.

    Args:
        text: the CRDT's text, of a document that is in no transaction.
        content: its bytes, always as they are now.
        knows: whether a place has arrived.
    """

    def __init__(self, text: Text, content: bytearray, knows: Callable[[Place], bool]) -> None:
        self._text = text
        self._content = content
        self._knows = knows

    def at(self, byte: int, *, ascii_only: bool) -> Place:
        """The place of the character that begins at `byte`, which is before the end."""
        client, clock = self._sticky_place(byte)
        if ascii_only:
            return client, clock

        def in_item(probe: int) -> bool:
            probe = self._character(probe)
            return self._sticky_place(probe) == (client, clock - (byte - probe))

        def begins_item(probe: int) -> bool:
            if self._character(probe) != probe:
                return False
            first = clock - (byte - probe)
            return all(
                self._sticky_byte((client, first + offset)) == probe + offset
                for offset in _samples(_units(self._content[probe:byte]))
            )

        start = _beginning(byte, in_item, begins_item)
        return client, clock - (byte - start) + _units(self._content[start:byte])

    def client_at(self, byte: int) -> int:
        """The client that typed the character which begins at `byte`, which is before the end."""
        return self._sticky_place(byte)[0]

    def byte_of(self, place: Place, *, ascii_only: bool) -> int | None:
        """The byte at which a known place is now; that of what follows it when it was deleted.

        None when the place is not in this text.
        """
        client, clock = place
        sticky = self._sticky_byte(place)
        if ascii_only or sticky is None or not sticky < len(self._content):
            return sticky

        def in_item(probe: int) -> bool:
            return self._sticky_byte((client, probe)) == sticky - (clock - probe)

        def byte_from(start: int) -> int:
            first = sticky - (clock - start)
            return first + _bytes(self._content, first, clock - start)

        def begins_item(probe: int) -> bool:
            first, byte = sticky - (clock - probe), byte_from(probe)
            return byte < len(self._content) and all(
                self._sticky_place(at) == (client, probe + at - first)
                for at in (self._character(first + offset) for offset in _samples(byte - first))
            )

        return byte_from(_beginning(clock, in_item, begins_item))

    def _character(self, byte: int) -> int:
        """The first byte of the character that `byte` is in."""
        while self._content[byte] & 0xC0 == 0x80:
            byte -= 1
        return byte

    def _sticky_place(self, byte: int) -> Place:
        """The client, and the number at which its item begins plus the bytes from there."""
        item = self._text.sticky_index(byte, Assoc.AFTER).to_json()["item"]
        return item["client"], item["clock"]

    def _sticky_byte(self, place: Place) -> int | None:
        """The byte at which the item of a place begins, plus the units from there."""
        if not self._knows(place):
            return None
        try:
            return StickyIndex.from_json(anchor_of(place), self._text).get_index()
        except BaseException as error:
            # A Rust panic is a BaseException of a class that cannot be imported.
            if type(error).__name__ == "PanicException":
                return None
            raise


def _beginning(
    last: int, in_item: Callable[[int], bool], begins_item: Callable[[int], bool]
) -> int:
    """Where the item that `last` is in begins.

    Looks back in growing steps, so that it costs the logarithm of the item's length. Another
    item can look like the continuation of this one by coincidence: then it is looked for
    forwards, one by one.
    """
    good, step = last, 1
    while good > 0 and in_item(probe := max(0, last - step)):
        good, step = probe, step * 2
    bad = max(0, last - step) if good > 0 else -1
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if in_item(middle) else (good, middle)
    candidates = islice(range(good, last), MAX_CANDIDATES)
    return next((at for at in candidates if in_item(at) and begins_item(at)), last)


def _samples(length: int) -> Iterator[int]:
    """Numbers from 0 to `length`, with both: close at first, then ever further apart."""
    at, step = 0, 1
    while at < length:
        yield at
        at += step
        step = step if at < 16 else step * 2
    yield length


def _units(content: bytes | bytearray) -> int:
    """UTF-16 units of whole characters."""
    return len(content.decode().encode("utf-16-le")) // 2


def _bytes(content: bytearray, start: int, units: int) -> int:
    """Bytes that the `units` UTF-16 units from byte `start` take."""
    text = content[start : start + 4 * units].decode(errors="ignore").encode("utf-16-le")
    return len(text[: 2 * units].decode("utf-16-le", errors="ignore").encode())
