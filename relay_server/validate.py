"""A bounded walk over CRDT updates (Yjs update format v1) before the document library sees them.

The library trusts counts, recurses without a limit and takes text as UTF-8 unchecked: nested values
end the process, seven bytes that claim 2^27 structs take half a gigabyte. So every update from
outside is walked here first, in time linear in its size and without recursion:

- every count and length is checked against the bytes that are left;
- values nest at most `DEPTH` deep, also inside JSON text;
- text is UTF-8, embedded JSON is JSON, structs are not empty, clocks stay below 2^32.

What it cannot see is whether an update fits the document it is meant for.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay_server.errors import InvalidUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEPTH: Final = 64
CLOCK_LIMIT: Final = 1 << 32
CLIENT_LIMIT: Final = 1 << 53

# An item's identifiers are skipped, not read: client (8 bytes at most), clock (5 bytes at most).
_ID = rb"[\x80-\xff]{0,7}[\x00-\x7f][\x80-\xff]{0,4}[\x00-\x7f]"
_ONE_ID: Final = re.compile(_ID).match
_TWO_IDS: Final = re.compile(_ID + _ID).match
# A state vector's clients and clocks, below their limits.
_CLIENT = rb"(?:[\x80-\xff]{7}[\x00-\x0f]|[\x80-\xff]{0,6}[\x00-\x7f])"
_CLOCK = rb"(?:[\x80-\xff]{4}[\x00-\x0f]|[\x80-\xff]{0,3}[\x00-\x7f])"
_CLOCKS: Final = re.compile(rb"(?:" + _CLIENT + _CLOCK + rb")*+").fullmatch
_UNENDING: Final = bytes(range(0x80, 0x100))  # bytes of an integer that more follow
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL).finditer

_GC, _DELETED, _JSON, _BINARY, _STRING, _EMBED = 0, 1, 2, 3, 4, 5
# 11 is a move, which neither Yjs nor our library can read.
_FORMAT, _TYPE, _ANY, _DOC, _SKIP = 6, 7, 8, 9, 10
_LEFT_ORIGIN, _RIGHT_ORIGIN, _PARENT_SUB, _RESERVED = 0x80, 0x40, 0x20, 0x10
_RANGES: Final = (_GC, _SKIP)  # structs that are a length alone
_ELEMENT, _HOOK = 3, 5  # an XmlElement has a name; of an XmlHook libraries read different bytes
_LAST_TYPE: Final = 6

LARGE: Final = 64 << 10  # bytes; walking more takes so long that an event loop should not
LENGTH_BITS: Final = 32
Ranges = dict[int, "array[int]"]


@dataclass(slots=True)
class Survey:
    """What an update carries.

    Attributes:
        ends: per client, the clock after its last struct.
        deletes: per client, ranges of deleted structs, each `clock << LENGTH_BITS | length`:
            there may be hundreds of thousands.
        deleted: per client, the clock after the last deleted struct.
    """

    ends: dict[int, int] = field(default_factory=dict)
    deletes: Ranges = field(default_factory=dict)
    deleted: dict[int, int] = field(default_factory=dict)


class Walked(bytes):
    """An update that was walked, for `survey` to take without another look.

    Attributes:
        found: what it carries.

    Raises:
        InvalidUpdate: malformed, or over a bound.
    """

    found: Survey

    def __new__(cls, update: bytes) -> Walked:
        """See the class."""
        self = super().__new__(cls, update)
        self.found = survey(update)
        return self


def check_update(update: bytes) -> None:
    """Refuses an update that the document library must not see.

    Raises:
        InvalidUpdate: malformed, or over a bound.
    """
    survey(update)


def check_state_vector(state_vector: bytes) -> None:
    """Refuses a malformed state vector. An empty one (no bytes) is malformed too.

    Raises:
        InvalidUpdate: malformed, or over a bound.
    """
    walk = _Walk(state_vector)
    try:
        count = walk.count(2)
    except IndexError:
        raise _cut() from None
    # Read by no loop of ours: there may be hundreds of thousands.
    rest = state_vector[walk.at :]
    if len(rest.translate(None, _UNENDING)) != 2 * count or not _CLOCKS(rest):
        raise InvalidUpdate("state vector is malformed, or a number in it is out of range")


def read_state_vector(state_vector: bytes) -> dict[int, int]:
    """Client -> clock after its last struct; errors as `check_state_vector`."""
    walk = _Walk(state_vector)
    try:
        count = walk.count(2)
        clocks = {walk.client(): walk.clock() for _ in range(count)}
    except IndexError:
        raise _cut() from None
    walk.done()
    return clocks


def survey(update: bytes) -> Survey:
    """Walks an update and says what it carries; errors as `check_update`."""
    if type(update) is Walked:
        return update.found
    walk = _Walk(update)
    found = Survey()
    try:
        for _ in range(walk.count(4)):
            structs, client, clock = walk.uint(), walk.client(), walk.clock()
            if structs == 0 or structs * 2 > walk.end - walk.at:
                raise InvalidUpdate(f"update claims {structs} structs of one client")
            if client in found.ends:
                raise InvalidUpdate("update lists a client twice")
            found.ends[client] = walk.structs(structs, clock)
        for _ in range(walk.count(2)):
            client = walk.client()
            ranges = found.deletes.setdefault(client, array("Q"))
            last = found.deleted.get(client, 0)
            for _ in range(walk.count(2)):
                clock, length = walk.delete_range()
                ranges.append(clock << LENGTH_BITS | length)
                if clock + length > last:
                    last = clock + length
            found.deleted[client] = last
    except IndexError:
        raise _cut() from None
    walk.done()
    return found


def _cut() -> InvalidUpdate:
    return InvalidUpdate("data ends too early")


class _Walk:
    """A cursor that checks. Running off the end raises IndexError, which callers translate."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)

    def uint(self) -> int:
        data, at = self.data, self.at
        byte = data[at]
        if byte < 128:
            self.at = at + 1
            return byte
        value, shift = byte & 127, 7
        while True:
            at += 1
            byte = data[at]
            value |= (byte & 127) << shift
            if byte < 128:
                self.at = at + 1
                return value
            shift += 7
            if shift > 63:
                raise InvalidUpdate("integer longer than 10 bytes")

    def count(self, least: int) -> int:
        """A number of things that take at least `least` bytes each."""
        value = self.uint()
        if value * least > self.end - self.at:
            raise InvalidUpdate(f"data claims {value} entries")
        return value

    def client(self) -> int:
        value = self.uint()
        if value >= CLIENT_LIMIT:
            raise InvalidUpdate("client id out of range")
        return value

    def clock(self) -> int:
        value = self.uint()
        if value >= CLOCK_LIMIT:
            raise InvalidUpdate("clock out of range")
        return value

    def done(self) -> None:
        if self.at != self.end:
            raise InvalidUpdate(f"{self.end - self.at} bytes follow the data")

    def skip(self, size: int) -> None:
        if size > self.end - self.at:
            raise InvalidUpdate("length runs past the end of the data")
        self.at += size

    def text(self) -> str:
        size = self.uint()
        start = self.at
        self.skip(size)
        try:
            return self.data[start : self.at].decode()
        except UnicodeDecodeError:
            raise InvalidUpdate("text is not UTF-8") from None

    def json(self) -> None:
        _check_json(self.text())

    def ids(self, two: bool = False) -> None:
        found = (_TWO_IDS if two else _ONE_ID)(self.data, self.at)
        if found is None:
            raise InvalidUpdate("struct identifier is malformed")
        self.at = found.end()

    def structs(self, count: int, clock: int) -> int:
        """Walks the structs of one client; the clock after the last that is not a gap."""
        data = self.data
        reached = clock
        for _ in range(count):
            info = data[self.at]
            self.at += 1
            if info in _RANGES:
                length = self.uint()
            else:
                self.origins(info)
                length = self.content(info & 15)
            clock += length
            if length == 0 or clock >= CLOCK_LIMIT:
                raise InvalidUpdate("struct is empty, or its clock is out of range")
            if info != _SKIP:
                reached = clock
        return reached

    def origins(self, info: int) -> None:
        if info & _RESERVED:
            raise InvalidUpdate(f"struct of unknown kind {info}")
        both = info & (_LEFT_ORIGIN | _RIGHT_ORIGIN)
        if both:
            self.ids(both == _LEFT_ORIGIN | _RIGHT_ORIGIN)
            return
        named = self.uint()
        if named == 1:
            self.text()
        elif named == 0:
            self.ids()
        else:
            raise InvalidUpdate("struct has a parent of unknown kind")
        if info & _PARENT_SUB:
            self.text()

    def content(self, kind: int) -> int:
        """Walks a struct's content; its length in clock ticks."""
        if kind == _STRING:
            return _utf16_length(self.text())
        if kind == _DELETED:
            return self.uint()
        if kind == _ANY:
            count = self.count(1)
            self.values(count)
            return count
        if kind == _JSON:
            count = self.count(1)
            for _ in range(count):
                text = self.text()
                if text != "undefined":
                    _check_json(text)
            return count
        self.single(kind)
        return 1

    def single(self, kind: int) -> None:
        """Content that is one tick long."""
        if kind == _FORMAT:
            self.text()
            self.json()
        elif kind == _EMBED:
            self.json()
        elif kind == _BINARY:
            self.skip(self.uint())
        elif kind == _TYPE:
            self.shared_type()
        elif kind == _DOC:
            self.text()
            self.values(1)
        else:
            raise InvalidUpdate(f"struct of unknown kind {kind}")

    def shared_type(self) -> None:
        kind = self.uint()
        if kind > _LAST_TYPE or kind == _HOOK:
            raise InvalidUpdate(f"shared type of unknown kind {kind}")
        if kind == _ELEMENT:
            self.text()

    def values(self, count: int) -> None:
        """Walks `count` values of any kind, with a stack of what is still to come."""
        pending = [(count, False)]  # values left at this depth, whether each has a key
        while pending:
            left, keyed = pending.pop()
            if left == 0:
                continue
            pending.append((left - 1, keyed))
            if keyed:
                self.text()
            kind = self.data[self.at]
            self.at += 1
            if kind == 117 or kind == 118:
                pending.append((self.count(1), kind == 118))
                if len(pending) > DEPTH + 1:
                    raise InvalidUpdate(f"values nest deeper than {DEPTH}")
            else:
                self.scalar(kind)

    def scalar(self, kind: int) -> None:
        if kind == 119:
            self.text()
        elif kind in (120, 121, 126, 127):
            pass
        elif kind == 125:
            self.uint()
        elif kind in (122, 123):
            self.skip(8)
        elif kind == 124:
            self.skip(4)
        elif kind == 116:
            self.skip(self.uint())
        else:
            raise InvalidUpdate(f"value of unknown kind {kind}")

    def delete_range(self) -> tuple[int, int]:
        clock, length = self.clock(), self.uint()
        if clock + length >= CLOCK_LIMIT:
            raise InvalidUpdate("deleted range is out of range")
        return clock, length


def unpacked(ranges: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The ranges of a `Survey` as (clock, length)."""
    mask = (1 << LENGTH_BITS) - 1
    return ((packed >> LENGTH_BITS, packed & mask) for packed in ranges)


def _utf16_length(text: str) -> int:
    """Clock ticks of a text: its UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) >> 1


def _check_json(text: str) -> None:
    """Refuses what is no JSON, or nests too deep; the library and its peers fail on either."""
    if text.count("[") + text.count("{") > DEPTH:
        _check_json_depth(text)
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no text
    except ValueError:
        raise InvalidUpdate("embedded value is not JSON") from None


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _check_json_depth(text: str) -> None:
    depth = 0
    for token in _JSON_TOKEN(text):
        mark = token.group()
        if mark in "[{":
            depth += 1
            if depth > DEPTH:
                raise InvalidUpdate(f"values nest deeper than {DEPTH}")
        elif mark in "]}":
            depth -= 1
