"""Recognises the update that one keystroke makes, at a third of the cost of the validator's walk.

Nearly every update is the insertion of one character into a text. Its bytes have one shape, which
one match checks in full: what it accepts, `validate.survey` accepts, and finds the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from relay_server.validate import CLIENT_LIMIT

_CLIENT: Final = rb"[\x80-\xff]{0,7}[\x00-\x7f]"
_CLOCK: Final = rb"[\x80-\xff]{0,3}[\x00-\x7f]"  # below 2^28: there is no limit to look at
_ID: Final = rb"[\x80-\xff]{0,7}[\x00-\x7f][\x80-\xff]{0,4}[\x00-\x7f]"
# One character of one UTF-16 unit, after its size in bytes.
_CHARACTER: Final = (
    rb"(?:\x01[\x00-\x7f]|\x02[\xc2-\xdf][\x80-\xbf]"
    rb"|\x03(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf])"
)
# One client with one struct: a string between its neighbours, and no deletes.
_INSERT: Final = re.compile(
    rb"\x01\x01(" + _CLIENT + rb")(" + _CLOCK + rb")"
    rb"(?:\xc4" + _ID + _ID + rb"|[\x44\x84]" + _ID + rb")" + _CHARACTER + rb"\x00",
    re.DOTALL,
).fullmatch


def keystroke(update: bytes) -> tuple[int, int] | None:
    """Client and the clock after its struct, for an update that is one keystroke; else None."""
    found = _INSERT(update)
    if found is None:
        return None
    client = _client(found[1])
    return (client, _uint(found[2]) + 1) if client < CLIENT_LIMIT else None


def _uint(data: bytes) -> int:
    value = data[-1]
    for byte in data[-2::-1]:
        value = value << 7 | byte & 127
    return value


_client = lru_cache(4096)(_uint)
