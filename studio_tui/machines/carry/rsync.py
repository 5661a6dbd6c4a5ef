"""rsync between this machine and another, over the connection that is open already."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.errors import StudioError
from studio_tui.machines.carry.tree import disk_full

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.machines.carry.tree import Moved, Place, Tree
    from studio_tui.machines.connection import ByteReader, ByteWriter, Channel

SIZE = 256 * 1024
PARTS = ".studio-parts"
"""Where the half of a large file waits for the next try; as payload/carry/folder.py knows it."""
_Call = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LAST_WORDS = 5.0  # seconds for the far end to say why it failed
_RSH = Path(__file__).with_name("rsh.py")
_OLDEST = (3, 1)  # times in ns, progress in bytes
_VERSION = re.compile(r"rsync +version v?(\d+)\.(\d+)")
_PROGRESS = re.compile(rb"(\d+) +\d+% [^\r\n]*?(?:\(xfr#(\d+)|[\r\n]|$)")
_SOME_CHANGED = (23, 24)  # files that changed or vanished; what came is whole


async def usable(one: Tree, other: Tree) -> bool:
    """Whether both sides have an rsync, and one of them is here."""
    if not (one.place.here or other.place.here):
        return False
    said = await asyncio.gather(one.ask("rsync"), other.ask("rsync"))
    return all(new_enough(each) for each in said)


def new_enough(said: str) -> bool:
    """Whether an rsync that says this of itself can do what is asked of it here."""
    found = _VERSION.search(said)
    return found is not None and (int(found[1]), int(found[2])) >= _OLDEST


async def rsync(source: Tree, paths: Sequence[str], target: Tree, moved: Moved) -> None:
    """Brings files into the stage of the target; what has come there before is a basis.

    Raises:
        DiskFull, StudioError: it failed; what has come is kept for the next try.
        ConnectionLost: a machine is gone.
    """
    here, there = (source, target) if source.place.here else (target, source)
    folder = Path(tempfile.mkdtemp(prefix="studio-"))
    calls: asyncio.Queue[_Call] = asyncio.Queue()
    server = await asyncio.start_unix_server(
        lambda reader, writer: calls.put_nowait((reader, writer)), folder / "rsh", limit=1 << 20
    )
    far = asyncio.ensure_future(_splice(calls, there))
    try:
        argv = _command(source, target, folder / "rsh")
        channel = await here.place.connection.open(argv, env={"LC_ALL": "C"})
        try:
            await _driven(channel, paths, moved, far, target)
        finally:
            channel.close()
    finally:
        far.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(far, return_exceptions=True)
        server.close()
        while not calls.empty():  # it called, and nobody was there any more
            await _closed(calls.get_nowait()[1])
        shutil.rmtree(folder, ignore_errors=True)


def _command(source: Tree, target: Tree, socket: Path) -> list[str]:
    shell = shlex.join([sys.executable, "-IS", str(_RSH), str(socket)])
    stage = f"{target.root}/.studio-carry/stage/"
    near_source = source.place.here
    return [
        "rsync",
        *("-e", shell, "-s", "-pt", "--ignore-times", "--no-implied-dirs"),
        *("--files-from=-", "--from0", f"--partial-dir={PARTS}", f"--compare-dest={target.root}"),
        *("--info=progress2", "--no-human-readable", "--"),
        f"{source.root}/" if near_source else f"there:{source.root}/",
        f"there:{stage}" if near_source else stage,
    ]


async def _driven(
    channel: Channel, paths: Sequence[str], moved: Moved, far: asyncio.Future[str], target: Tree
) -> None:
    words = asyncio.ensure_future(channel.stderr.read())
    watch = asyncio.ensure_future(_watch(channel.stdout, moved))
    try:
        with contextlib.suppress(ConnectionError):
            for path in paths:
                # The dot: a name may begin with a dash, or with what begins a comment.
                channel.stdin.write(f"./{path}\0".encode("utf-8", "surrogateescape"))
            await channel.stdin.drain()
            channel.stdin.write_eof()
        await watch
        code = await channel.wait()
        if code:
            said = (await words).decode("utf-8", "replace")
            if code not in _SOME_CHANGED and not said_full(said):
                await asyncio.wait([far], timeout=LAST_WORDS)
            raise_failure(code, (far.result() if far.done() else "") + said, target.place)
    finally:
        words.cancel()
        watch.cancel()


def said_full(said: str) -> bool:
    """Whether a disk is full; rsync has no exit code for it."""
    return "No space left" in said or "Disk quota exceeded" in said


def raise_failure(code: int, said: str, target: Place) -> None:
    """Raises what rsync's end means, unless files that changed or vanished are all there is to it.

    Raises:
        DiskFull, StudioError: as it says.
    """
    if said_full(said):
        raise disk_full(target)
    if code not in _SOME_CHANGED:
        lines = said.strip().splitlines()
        raise StudioError(
            f"rsync to {target.name} failed with exit code {code}",
            lines[0] if lines else "try again: what has come is kept",
        )


async def _watch(output: ByteReader, moved: Moved) -> None:
    files = size = 0
    while line := await output.read(SIZE):
        for found in _PROGRESS.finditer(line):
            now_size, now_files = int(found[1]), int(found[2] or files)
            moved(max(0, now_files - files), max(0, now_size - size))
            files, size = max(files, now_files), max(size, now_size)


async def _splice(calls: asyncio.Queue[_Call], there: Tree) -> str:
    """Gives the one rsync that calls the program it wants there; returns what that complained of.

    Raises:
        CommandFailed: it cannot be started.
        ConnectionLost: the machine went away.
    """
    reader, writer = await calls.get()
    try:
        words = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        argv = words.decode("utf-8", "surrogateescape").split("\0")
        channel = await there.place.connection.open(argv, cwd=there.root)
        return await _joined(reader, writer, channel)
    finally:
        await _closed(writer)


async def _joined(reader: ByteReader, writer: ByteWriter, channel: Channel) -> str:
    up = asyncio.ensure_future(_copy(reader, channel.stdin))
    complaints = asyncio.ensure_future(channel.stderr.read())
    try:
        await _copy(channel.stdout, writer)
        await channel.wait()
        return (await complaints).decode("utf-8", "replace")
    finally:
        up.cancel()
        complaints.cancel()
        channel.close()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _copy(reader: ByteReader, writer: ByteWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(SIZE):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
