"""Searches a job's log: where it lies, so that only an offset travels, or as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from studio_tui.jobs.launch import Supervisor

PIECE = 256 * 1024

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


async def search(
    read: Callable[[int, int], Awaitable[tuple[bytes, int]]],
    text: str,
    offset: int,
    *,
    back: bool = False,
    piece: int = PIECE,
    lowest: int = 0,
) -> int | None:
    """The same as `find` of a log that `read` gives.

    Args:
        read: gives the bytes from an offset on, so many at most, and the size of the whole.
        piece: so many are read at once.
        lowest: the first byte that there is, the start of a line.
    """
    wanted = text.encode("utf-8", "replace")
    either = text == text.lower()
    if back:
        return await _search_back(read, wanted, offset, either, piece, lowest)
    rest, offset = b"", max(offset, lowest)
    while True:
        data, size = await read(offset, piece)
        lines, offset = rest + data, offset + len(data)
        found = (lines.lower() if either else lines).find(wanted)
        if found >= 0:
            return offset - len(lines) + lines.rfind(b"\n", 0, found) + 1
        if not data or offset >= size:
            return None
        rest = lines[lines.rfind(b"\n") + 1 :]


async def _search_back(
    read: Callable[[int, int], Awaitable[tuple[bytes, int]]],
    wanted: bytes,
    end: int,
    either: bool,
    piece: int,
    lowest: int,
) -> int | None:
    rest = b""  # the end of a line whose beginning is yet to be read
    while end > lowest:
        start = max(lowest, end - piece)
        lines = (await read(start, end - start))[0] + rest
        first = lines.find(b"\n") + 1 if start > lowest else 0
        found = (lines.lower() if either else lines).rfind(wanted, first)
        if found >= 0 and (first or start <= lowest):
            return start + lines.rfind(b"\n", 0, found) + 1
        rest, end = lines[:first] if first else lines, start
    return None
