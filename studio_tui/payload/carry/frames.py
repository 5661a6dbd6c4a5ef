"""What goes through the pipe between the studio and a folder on a machine.

A message is its length and compressed JSON; a name that is not UTF-8 is in it as os.fsdecode has
it. A stream of files is chunks, each with its length and how many files end in it, until an empty
one. A chunk holds whole segments: a file's number, an offset, a length and that many bytes. What no
segment covers is a hole, so a sparse file stays one.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

LENGTH = struct.Struct(">I")
CHUNK = struct.Struct(">II")
SEGMENT = struct.Struct(">IQI")
END = CHUNK.pack(0, 0)
CHUNK_BYTES = 256 * 1024


def encode(message: Any) -> bytes:
    """A message as it is sent."""
    body = zlib.compress(json.dumps(message, separators=(",", ":")).encode(), 1)
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Any:
    """The message in what follows a length.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(zlib.decompress(body))
    except zlib.error as problem:
        raise ValueError(str(problem)) from problem
