"""How many connections the process has room for, by its limit of open files."""

from __future__ import annotations

import contextlib
import resource
from typing import Final

ACCEPTS: Final = 8  # connections that are accepted in one turn of the loop, at most
QUEUE: Final = 512  # connections that wait in the kernel meanwhile
# What accepted connections may hold before they are looked at, and the relay's own files.
_SPARE: Final = 4 * ACCEPTS
_OWN: Final = 12
_LEAST: Final = 8


def raise_limit() -> None:
    """Allows the process as many open files as its hard limit does."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def places() -> int:
    """Connections that fit into the limit of open files, with some to spare."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1 << 30
    return max(soft - _SPARE - _OWN, _LEAST)
