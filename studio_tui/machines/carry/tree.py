"""One folder on a machine, spoken with through one open channel."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines.install import WHOLE, install
from studio_tui.machines.install import place as payload_place
from studio_tui.machines.local import LocalConnection
from studio_tui.payload.carry import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio_tui.machines.connection import Channel, Connection

_NO_PYTHON, _NO_PAYLOAD, _BUSY = 69, 70, 75
_SERVE = f"""
[ -f "$3/{WHOLE}" ] && cd "$3" || exit {_NO_PAYLOAD}
python=$1; [ "$python" ] || python=$(command -v python3) || python=$(command -v python) ||
    exit {_NO_PYTHON}
exec "$python" -X utf8 -ESs -m carry "$2"
"""

Moved = Callable[[int, int], None]
"""Told how many files and bytes have come since the last time."""


class _NoPayload(StudioError):
    """The machine has not been visited by this version yet."""


class DiskFull(StudioError):
    """The disk that files were to come to has no room for them; nothing there has changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder on a machine that can be reached.

    Attributes:
        name: of the machine, for people and for the names of conflict copies.
        folder: absolute, or beginning with "~"; made when it is missing.
    """

    name: str
    connection: Connection
    folder: str

    @property
    def here(self) -> bool:
        """Whether it is on the studio's own machine, where rsync can be started."""
        return isinstance(self.connection, LocalConnection)


class Tree:
    """The folder of a place. One request at a time; a failed one is its end.

    Attributes:
        root: its real path.
        facts: what Folder.hello says, see payload/carry/folder.py.
    """

    def __init__(self, place: Place, channel: Channel) -> None:
        self.place = place
        self.facts: dict[str, Any] = {}
        self._channel = channel

    @property
    def root(self) -> str:
        """The folder's real path."""
        return str(self.facts["root"])

    @classmethod
    async def opened(cls, place: Place) -> Self:
        """Starts the program there.

        Raises:
            ConnectionLost: the machine is gone.
            StudioError: there is no Python, the folder cannot be made, or somebody carries it.
        """
        try:
            return await cls._started(place)
        except _NoPayload:
            await install(place.connection)
            return await cls._started(place)

    @classmethod
    async def _started(cls, place: Place) -> Self:
        python = sys.executable if place.here else ""
        payload = payload_place(place.connection)
        argv = ["/bin/sh", "-c", _SERVE, "sh", python, place.folder, payload]
        tree = cls(place, await place.connection.open(argv))
        try:
            tree.facts = await tree.ask("hello")
        except BaseException:
            tree.close()
            raise
        return tree

    def close(self) -> None:
        """Ends the program there. Safe to call twice."""
        self._channel.close()

    async def ask(self, do: str, **arguments: Any) -> Any:
        """One question of Folder's; see payload/carry/serve.py.

        Raises:
            DiskFull, StudioError: it cannot be done.
            ConnectionLost: the machine is gone.
        """
        try:
            await self.send(do, **arguments)
            return await self.answer()
        except asyncio.CancelledError:
            self.close()  # an answer would come that nobody waits for
            raise

    async def send(self, do: str, **arguments: Any) -> None:
        """The question alone."""
        await self.write(frames.encode({"do": do, **arguments}))

    async def write(self, data: bytes) -> None:
        """Bytes for the program. What has ended is found by whoever reads."""
        with contextlib.suppress(ConnectionError):
            self._channel.stdin.write(data)
            await self._channel.stdin.drain()

    async def read(self, count: int) -> bytes:
        """Bytes from the program."""
        try:
            return await self._channel.stdout.readexactly(count)
        except (asyncio.IncompleteReadError, ConnectionError) as problem:
            raise await self._ended() from problem

    async def answer(self) -> Any:
        """The answer to what was sent."""
        (length,) = frames.LENGTH.unpack(await self.read(frames.LENGTH.size))
        try:
            told = frames.decode(await self.read(length))
            if "is" in told:
                return told["is"]
            error, full = str(told["error"]), bool(told.get("full"))
        except (ValueError, KeyError, TypeError) as problem:
            raise self._failed("its answer makes no sense") from problem
        raise disk_full(self.place) if full else self._failed(error)

    def _failed(self, why: str) -> StudioError:
        where = f"{self.place.folder} on {self.place.name}"
        return StudioError(f"{where} cannot be carried: {why}", "see that its files can be read")

    async def _ended(self) -> StudioError:
        """Why the program is no longer there."""
        words = (await self._channel.stderr.read()).decode("utf-8", "replace").strip()
        code = await self._channel.wait()
        name = self.place.name
        if code == _NO_PAYLOAD:
            return _NoPayload(f"the studio's programs are not on {name}")
        if code == _NO_PYTHON:
            return NotFound(
                f"there is no Python on {name}", "install python3 there, 3.8 or later is enough"
            )
        if code == _BUSY:
            return StudioError(
                f"somebody is carrying {self.place.folder} on {name} already",
                "wait for its end; one that lost its studio ends within 15 minutes",
            )
        if words:
            return self._failed(words.splitlines()[-1])
        return StudioError(
            f"the studio's program for {self.place.folder} on {name} ended with {code}",
            "try again: what has come is kept",
        )


def disk_full(place: Place, needed: int | None = None, free: int = 0) -> DiskFull:
    """The disk of a place has no room."""
    why = "is full" if needed is None else f"has {free:,} bytes free, {needed:,} are needed"
    return DiskFull(f"the disk of {place.name} {why}", "make room there, or let less be carried")


async def stream(source: Tree, wanted: Sequence[Any], target: Tree, moved: Moved) -> None:
    """Carries files through this process, into the stage of the target.

    Args:
        wanted: [path, mode, size, mtime_ns] each.

    Raises:
        DiskFull, StudioError, ConnectionLost: neither tree is of use any more.
    """
    await source.send("pack", wanted=wanted)
    await target.send("unpack", wanted=wanted)
    answer = asyncio.ensure_future(target.answer())
    try:
        while not answer.done():
            head = await source.read(frames.CHUNK.size)
            length, files = frames.CHUNK.unpack(head)
            await target.write(head + (await source.read(length) if length else b""))
            moved(files, length)
            if not length:
                await source.answer()
                await answer
                return
        source.close()  # it would go on sending
        await target.write(frames.END)
        await answer
    except asyncio.CancelledError:
        source.close()
        target.close()
        raise
    finally:
        answer.cancel()
