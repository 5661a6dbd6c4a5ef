"""How far a switch is: what the host streams to everybody while it lasts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from studio_tui.document.entries import read_as
from studio_tui.document.presence import printable

STREAM = "switch"
TEXT_CAP = 200


@dataclass(frozen=True)
class Progress:
    """One look at a switch under way.

    Attributes:
        done, total: bytes carried and to be carried; a total of 0 is one that is not known.
        text: what is being done, in words: a file's name, the last line of an installation.
    """

    done: int = 0
    total: int = 0
    text: str = ""

    def to_json(self) -> bytes:
        """As the stream carries it."""
        return json.dumps(asdict(self)).encode()


def read_progress(data: bytes) -> Progress | None:
    """What a message of the stream says; None when it says nothing that makes sense."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    progress = read_as(Progress, told)
    if not 0 <= progress.done <= max(progress.total, progress.done):
        return None
    return Progress(progress.done, max(progress.total, 0), printable(progress.text, TEXT_CAP))
