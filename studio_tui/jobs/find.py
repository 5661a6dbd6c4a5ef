"""Searches a job's log: where it lies, so that only an offset travels, or as people may read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.jobs.launch import Supervisor

STRETCH = 256 * 1024
"""Bytes that are read at a time."""

# LOG OFFSET TEXT FLAG: prints "BYTE:..." of the next line with TEXT in it, counted from OFFSET.
_FORWARD = 'tail -c "+$(($2 + 1))" -- "$1" | grep -m 1 -abF $4 -e "$3" | head -c 32; true'
# The same of the last one before OFFSET, counted from the log's start.
_BACK = 'head -c "$2" -- "$1" | grep -abF $4 -e "$3" | tail -n 1 | head -c 32; true'


async def find(
    supervisor: Supervisor, job_id: str, text: str, offset: int, *, back: bool = False
) -> int | None:
    """The byte that the next line with `text` starts at; None when there is none.

    Lower case finds both cases.

    Args:
        offset: look from this byte on, the start of a line; with `back`, before it.

    Raises:
        StudioError: the machine's grep cannot do it.
    """
    log = f"{supervisor.folder}/{job_id}/log"
    script, flag = (_BACK if back else _FORWARD), ("-i" if text == text.lower() else "")
    argv = [supervisor.shell, "-c", script, "sh", log, str(offset), text, flag]
    done = await supervisor.connection.run(argv, env={"LC_ALL": "C"})
    if done.stderr.strip() and not done.stdout:
        reason = done.stderr.decode("utf-8", "replace").strip()[-200:]
        raise StudioError(f"the log cannot be searched: {reason}", "look at the machine's grep")
    number = done.stdout.partition(b":")[0]
    if not number.isdigit():
        return None
    return int(number) + (0 if back else offset)


async def scan(
    read: Callable[[int, int], Awaitable[tuple[bytes, int]]],
    text: str,
    offset: int,
    *,
    back: bool = False,
) -> int | None:
    """As `find`, in a log of which `read(offset, length)` gives a stretch and the size of all."""
    wanted, fold = text.encode(), text == text.lower()
    at, found, torn = 0 if back else offset, None, b""
    while True:
        data, size = await read(at, STRETCH)
        data = data[: max(0, offset - at)] if back else data
        start, at = at - len(torn), at + len(data)
        last = not data or at >= (min(offset, size) if back else size)
        lines = (torn + data).split(b"\n")
        torn = b"" if last else lines.pop()
        for line in lines:
            if wanted in (line.lower() if fold else line):
                found = start
                if not back:
                    return found
            start += len(line) + 1
        if last:
            return found
