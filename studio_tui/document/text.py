"""A shared text: positions in code points, every CRDT index checked before the CRDT sees it.

The CRDT counts in UTF-8 bytes and does not check: an index past the end, or inside a character,
moves text silently or panics half way. So a `SharedText` keeps the text a second time, as bytes,
kept up to date by the CRDT's own events, and looks there before it writes.

    code points   insert, delete, replace, edit, len()        for people, scripts and the host
    bytes         replace_bytes, anchor, resolve, Span.at     for the editor, which counts bytes
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycrdt import Text

from relay_server.validate import read_state_vector
from studio_tui.document import anchor as anchors
from studio_tui.document.anchor import Anchor, Place, Places

if TYPE_CHECKING:
    from pycrdt import Doc, TextEvent

LOCAL = "local"
"""Origin of edits made here by a person or a script."""
REMOTE = "remote"
"""Origin under which updates from others are applied; never one that an `Undo` tracks."""
DISK = "disk"
"""Origin of edits that bring a changed file into the text."""

ROOT = "text"


@dataclass(frozen=True, slots=True)
class Span:
    """One change, at byte `at` of the text as it is once the spans before it are done.

    First `removed` is taken out at `at`, then `inserted` is put there.
    """

    at: int
    removed: str
    inserted: str


Observer = Callable[[list[Span], object], None]
"""Called with the spans and the origin of one transaction, once it is done. It must not write."""


def utf8_length(text: str) -> int:
    """Length of `text` in UTF-8 bytes; `text` holds no lone surrogate."""
    return len(text) if text.isascii() else len(text.encode())


def without_surrogates(text: str) -> str:
    """`text` with surrogate pairs joined and lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class SharedText:
    """The root text `name` of `doc`.

    Keep a reference for as long as it is observed; `close()` ends the observation. Do not edit
    inside an open transaction of the document: reads see the text as it was before it.
    """

    def __init__(self, doc: Doc[Any], name: str = ROOT) -> None:
        self.doc = doc
        self.name = name
        self._text: Text = doc.get(name, type=Text)
        self._observers: list[Observer] = []
        self._clocks: dict[int, int] = {}
        self._news = True
        """Whether something may have arrived that is not among the clocks yet."""
        self._bytes = bytearray()
        self._places = Places(self._text, self._bytes, self._knows)
        self._resolved: dict[Place, int | None] = {}
        self._string: str | None = None
        self._digest = ""
        self._points = 0
        self._sound = True
        self._reload()
        # The CRDT holds its callbacks for ever: it must not hold this object.
        this = weakref.ref(self)

        def on_event(event: TextEvent) -> None:
            if (text := this()) is not None:
                text._on_event(event)

        self._subscription = self._text.observe(on_event)

    def close(self) -> None:
        """Stop following the CRDT; the observers hear nothing more."""
        self._observers.clear()
        if self._subscription is not None:
            self._text.unobserve(self._subscription)
            self._subscription = None

    # -- reading -----------------------------------------------------------------------------

    def __str__(self) -> str:
        if self._string is None:
            self._string = self._bytes.decode()
        return self._string

    def __len__(self) -> int:
        """Length in code points."""
        return self._points

    @property
    def size(self) -> int:
        """Length in UTF-8 bytes."""
        return len(self._bytes)

    @property
    def digest(self) -> str:
        """Sixteen characters that are others for any other text."""
        if not self._digest:
            self._digest = hashlib.blake2b(self._bytes, digest_size=8).hexdigest()
        return self._digest

    @property
    def crdt(self) -> Text:
        """The CRDT text itself, for the rest of this package."""
        return self._text

    def to_byte(self, at: int) -> int:
        """The byte index of code point `at`.

        Raises:
            ValueError: `at` is outside 0..len(self).
        """
        if not 0 <= at <= self._points:
            raise ValueError(f"position {at} is outside the text of {self._points} characters")
        if self._points == len(self._bytes):
            return at
        return utf8_length(str(self)[:at])

    def to_point(self, byte: int) -> int:
        """The code point index of byte `byte`.

        Raises:
            ValueError: `byte` is outside the text, or inside a character.
        """
        self._check_byte(byte)
        if self._points == len(self._bytes):
            return byte
        return len(self._bytes[:byte].decode())

    def line_of(self, byte: int) -> int:
        """The line, from 0, that byte `byte` is in (ValueError when there is no such place)."""
        self._check_byte(byte)
        return self._bytes.count(b"\n", 0, byte)

    def lines_of(self, places: Iterable[int]) -> dict[int, int]:
        """The line, from 0, of each of some bytes of the text, counted in one walk."""
        lines, line, last = {}, 0, 0
        for byte in sorted(places):
            line += self._bytes.count(b"\n", last, byte)
            lines[byte], last = line, byte
        return lines

    def piece(self, start: int, end: int) -> str:
        """What stands between two bytes, wherever they are, without characters that are cut."""
        return self._bytes[max(0, start) : max(0, end)].decode(errors="ignore")

    def client_at(self, byte: int) -> int | None:
        """The CRDT client that typed the character which byte `byte` is in; None for a blank."""
        while not self._is_boundary(byte):
            byte -= 1
        if not self._sound or byte >= self.size or self._bytes[byte] <= ord(" "):
            return None
        return self._places.client_at(byte)

    # -- writing -----------------------------------------------------------------------------

    def insert(self, at: int, text: str, origin: str = LOCAL) -> None:
        """Put `text` before code point `at` (ValueError when there is no such place)."""
        self.replace(at, at, text, origin)

    def delete(self, start: int, end: int, origin: str = LOCAL) -> None:
        """Take out the code points `start` to `end` (ValueError when they are not there)."""
        self.replace(start, end, "", origin)

    def replace(self, start: int, end: int, text: str, origin: str = LOCAL) -> None:
        """Put `text` in the place of the code points `start` to `end`, in one transaction."""
        self.edit([(start, end, text)], origin)

    def edit(self, edits: Iterable[tuple[int, int, str]], origin: str = LOCAL) -> None:
        """Make several replacements in one transaction; all or nothing.

        Args:
            edits: (start, end, text) in code points of the text as it is now, in order and
                without overlap.
            origin: who makes them.

        Raises:
            ValueError: a range is outside the text, or they are out of order.
        """
        self._write(self._in_bytes(list(edits)), origin)

    def replace_bytes(self, start: int, end: int, text: str, origin: str) -> None:
        """As `replace`, with `start` and `end` in bytes.

        Raises:
            ValueError: a position is outside the text, or inside a character.
        """
        self._check_byte(start)
        self._check_byte(end)
        if start > end:
            raise ValueError(f"the range ends at byte {end}, before its start at {start}")
        self._write([(start, end, text)], origin)

    # -- observing ---------------------------------------------------------------------------

    def observe(self, callback: Observer) -> Callable[[], None]:
        """Call `callback(spans, origin)` after each transaction that changes this text.

        Returns:
            A function that ends it; calling it twice does no harm.
        """
        self._observers.append(callback)

        def unsubscribe() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return unsubscribe

    # -- positions that stay -----------------------------------------------------------------

    def anchor(self, byte: int) -> Anchor:
        """A JSON value that marks the character at `byte`, for `resolve` here or at a peer.

        The end of the text is marked as such. Text inserted at the anchor goes before it.

        Raises:
            ValueError: `byte` is outside the text, or inside a character.
        """
        self._check_byte(byte)
        if byte == len(self._bytes) or not self._sound:
            return {"end": True}
        ascii_only = self._points == len(self._bytes)
        return anchors.anchor_of(self._places.at(byte, ascii_only=ascii_only))

    def resolve(self, anchor: object) -> int | None:
        """The byte at which `anchor` is now; None for one that is malformed or not known yet.

        Any value may be given: anchors come from the network.
        """
        if isinstance(anchor, dict) and anchor.get("end") is True:
            return len(self._bytes)
        place = anchors.place_of(anchor)
        if place is None or not self._sound or not self._knows(place):
            return None
        if place not in self._resolved:
            ascii_only = self._points == len(self._bytes)
            byte = self._places.byte_of(place, ascii_only=ascii_only)
            self._resolved[place] = byte if byte is not None and self._is_boundary(byte) else None
        return self._resolved[place]

    # -- inside ------------------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """False when a peer has put something that is not text into the text.

        Byte indices then mean nothing any more: reading goes on, every write is a ValueError.
        """
        return self._sound

    def _reload(self) -> None:
        self._string = string = str(self._text)
        self._digest = ""
        self._bytes[:] = string.encode()
        self._points = len(string)
        self._sound = len(self._text) == len(self._bytes)

    def _is_boundary(self, byte: int) -> bool:
        size = len(self._bytes)
        return byte == size or (0 <= byte < size and self._bytes[byte] & 0xC0 != 0x80)

    def _check_byte(self, byte: int) -> None:
        if not 0 <= byte <= len(self._bytes):
            raise ValueError(f"byte {byte} is outside the text of {len(self._bytes)} bytes")
        if not self._is_boundary(byte):
            raise ValueError(f"byte {byte} is inside a character")

    def _in_bytes(self, edits: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
        """The edits with positions in bytes, found in one walk over the text."""
        last = 0
        for start, end, _ in edits:
            if not last <= start <= end <= self._points:
                raise ValueError(
                    f"range {start}..{end} is out of order or outside the text of "
                    f"{self._points} characters"
                )
            last = end
        if self._points == len(self._bytes):
            return list(edits)
        string, point, byte = str(self), 0, 0
        found = []
        for start, end, text in edits:
            first = byte + utf8_length(string[point:start])
            byte = first + utf8_length(string[start:end])
            point = end
            found.append((first, byte, text))
        return found

    def _write(self, edits: list[tuple[int, int, str]], origin: str) -> None:
        """Make checked edits, from the last to the first so that indices stay true."""
        edits = [
            (start, end, without_surrogates(text))
            for start, end, text in edits
            if text or end > start
        ]
        if not edits:
            return
        if not self._sound:
            raise ValueError("the text holds something that is not text and cannot be edited")
        with self.doc.transaction(origin=origin):
            for start, end, text in reversed(edits):
                if end > start:
                    del self._text[start:end]
                if text:
                    self._text.insert(start, text)

    def _on_event(self, event: TextEvent) -> None:
        self._resolved.clear()
        self._news = True
        spans = self._follow(event.delta)  # type: ignore[attr-defined]
        origin = event.transaction.origin
        if spans:
            for observer in tuple(self._observers):
                observer(spans, origin)

    def _follow(self, delta: list[dict[str, Any]]) -> list[Span]:
        """Do to the bytes what the CRDT did to its text; the spans of it.

        When the delta does not explain the CRDT's text, read that anew: one span for all of it.
        """
        spans: list[Span] = []
        if self._sound and self._splice_all(delta, spans) and len(self._text) == self.size:
            return spans
        for span in reversed(spans):
            self._splice(span.at, utf8_length(span.inserted), span.removed)
        before = str(self)
        self._reload()
        return _difference(before, str(self))

    def _splice_all(self, delta: list[dict[str, Any]], spans: list[Span]) -> bool:
        """Follow a delta, adding to `spans` what was done; False where it could not go on."""
        at = 0
        for part in delta:
            at += part.get("retain", 0)
            length, inserted = part.get("delete", 0), part.get("insert", "")
            if not isinstance(inserted, str):
                return False
            if not (length or inserted):
                continue
            span = self._splice(at, length, inserted)
            if span is None:
                return False
            spans.append(span)
            at += utf8_length(inserted)
        return True

    def _splice(self, at: int, length: int, inserted: str) -> Span | None:
        """Replace bytes; None, and nothing done, when they are not whole characters."""
        if not (self._is_boundary(at) and self._is_boundary(at + length)):
            return None
        removed = self._bytes[at : at + length].decode()
        self._bytes[at : at + length] = inserted.encode()
        self._points += len(inserted) - len(removed)
        self._string, self._digest = None, ""
        return Span(at, removed, inserted)

    def _knows(self, place: Place) -> bool:
        client, clock = place
        if clock >= self._clocks.get(client, 0) and self._news:
            self._news = False
            self._clocks = read_state_vector(self.doc.get_state())
        return clock < self._clocks.get(client, 0)


def _difference(before: str, after: str) -> list[Span]:
    """The one span that turns `before` into `after`."""
    if before == after:
        return []
    start, end = shared_ends(before, after)
    at = utf8_length(before[:start])
    return [Span(at, before[start : len(before) - end], after[start : len(after) - end])]


def shared_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many items both begin with, and how many of the others both end with."""
    head, limit = 0, min(len(old), len(new))
    while head < limit and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail
