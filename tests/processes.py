"""Whether a process that a test knows by its number has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path


def gone(pid: int) -> bool:
    """A zombie has ended, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


async def until_gone(pid: int) -> None:
    """Wait until it has."""
    while not gone(pid):
        await asyncio.sleep(0.02)
