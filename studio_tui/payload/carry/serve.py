"""Answers the studio's questions about one folder, until stdin ends.

    python3 -X utf8 -m carry FOLDER        in the payload's folder; Python 3.8 and its library

A request is a message {"do": name, ...its arguments}; the answer is {"is": result}, or
{"error": what, "full": whether the disk is}. The stream of pack comes before its answer, that of
unpack after its request; see frames.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from . import frames
from .folder import Busy, Folder

if TYPE_CHECKING:
    from typing import BinaryIO

_FULL = (errno.ENOSPC, errno.EDQUOT)
_BUSY_EXIT = 75
IDLE = 900
"""Seconds without a byte after which the studio is taken for lost: a half-open connection tells
nobody, and the folder would stay locked."""
_WORDS = frozenset(
    "hello ignore rsync known base survey digests changed".split()
    + "make_stage pack unpack drop_stage settle keep".split()
)


class Service:
    """A folder behind two pipes."""

    def __init__(self, folder: Folder, source: BinaryIO, sink: BinaryIO) -> None:
        self._folder = folder
        self._source = source
        self._sink = sink

    def run(self) -> None:
        """Answers until nobody asks any more."""
        while True:
            try:
                (length,) = frames.LENGTH.unpack(self._read(frames.LENGTH.size))
            except EOFError:
                return
            self._answer(frames.decode(self._read(length)))

    def _answer(self, request: dict[str, Any]) -> None:
        word = request.pop("do")
        try:
            if word not in _WORDS:
                raise OSError(f"there is no {word!r}")
            if word == "pack":
                request["send"] = self._sink.write
            if word == "unpack":
                request["read"] = self._read
            result = getattr(self._folder, word)(**request)
        except OSError as problem:
            self._say({"error": str(problem), "full": problem.errno in _FULL})
            if word == "unpack":
                self._skip()
        else:
            self._say({"is": result})

    def _say(self, message: dict[str, Any]) -> None:
        self._sink.write(frames.encode(message))
        self._sink.flush()

    def _read(self, count: int) -> bytes:
        signal.alarm(IDLE)
        data = self._source.read(count)
        signal.alarm(0)
        if len(data) < count:
            raise EOFError
        return data

    def _skip(self) -> None:
        """The rest of a stream that cannot be taken any more."""
        while length := frames.CHUNK.unpack(self._read(frames.CHUNK.size))[0]:
            self._read(length)


def main(args: list[str]) -> int:
    """See above."""
    os.umask(0o022)
    try:
        Service(Folder(args[0]), sys.stdin.buffer, sys.stdout.buffer).run()
    except Busy:
        sys.stderr.write("another program carries this folder\n")
        return _BUSY_EXIT
    except (EOFError, BrokenPipeError):
        return 1  # the studio is gone
    except OSError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0
