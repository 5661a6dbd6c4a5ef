"""How much the process has room for: connections by its limit of open files, and memory."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import Final

ACCEPTS: Final = 8  # connections that are accepted in one turn of the loop, at most
QUEUE: Final = 512  # connections that wait in the kernel meanwhile
# What accepted connections may hold before they are looked at, and the relay's own files.
_SPARE: Final = 4 * ACCEPTS
_OWN: Final = 12
_LEAST: Final = 8
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


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


def memory_used() -> int:
    """Bytes that the process has in memory; 0 where that is not told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def memory_limit(cgroups: Path = Path("/sys/fs/cgroup"), own: str | None = None) -> int:
    """Bytes from which on the process should take no more in: 7/8 of what it may ever have.

    Args:
        cgroups: where a container's or a unit's limits are told (version 2).
        own: the process's place there; None: as the kernel says.
    """
    limits = [os.sysconf("SC_PHYS_PAGES") * _PAGE]
    with contextlib.suppress(OSError, ValueError):  # not told, or "max"
        own = own or Path("/proc/self/cgroup").read_text().rpartition("0::/")[2].strip()
        limits.append(int((cgroups / own / "memory.max").read_text()))
    return min(limits) // 8 * 7
