"""A terminal's holder, a process on the machine that outlives the host, as the host reaches it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio_tui import payload
from studio_tui.errors import NotFound, StudioError
from studio_tui.terminal import holding

if TYPE_CHECKING:
    from studio_tui.host.machines.sites import Site
    from studio_tui.machines.connection import ByteReader, ByteWriter, Completed

READ_SIZE = 64 * 1024


class Remains(NamedTuple):
    """What a program left.

    Attributes:
        code: its exit code; negative for a signal, None when nobody knows.
        start: how many bytes of output came before those that are kept.
        output: the last of its output.
    """

    code: int | None
    start: int
    output: bytes


class Holder:
    """The holder of one terminal.

    Args:
        site: finds the machine.
        name: of the terminal's folder there, below the folder of all terminals.
    """

    def __init__(self, site: Callable[[], Awaitable[Site]], name: str) -> None:
        self._site = site
        self._name = name
        self._socket: str | None = None

    async def start(
        self, size: tuple[int, int], command: Sequence[str], env: Mapping[str, str]
    ) -> None:
        """Start `command`, the user's shell when it is empty, in the studio's folder.

        Args:
            size: columns and rows.

        Raises:
            StudioError: it could not be started; a command that is not there is none of that: its
                terminal says so and exits with 127.
        """
        site, (cols, rows) = await self._site(), size
        argv = [str(cols), str(rows), "--cwd", site.folder]
        argv += ["--", *command] if command else []
        done = await self._hold("start", *argv, env=env)
        self._understand(done.check("starting a terminal").stdout)

    async def running(self) -> bool:
        """Whether the program still runs, as far as is known; asks when nothing is.

        Raises:
            StudioError: the machine cannot be asked.
        """
        if self._socket is not None:
            return True
        done = await self._hold("find")
        return self._understand(done.check("looking for a terminal").stdout)

    async def _hold(self, verb: str, *args: str, env: Mapping[str, str] | None = None) -> Completed:
        site = await self._site()
        asked = verb, self._home(site), *args
        argv = payload.program(site.python, site.payload, "hold.start", *asked)
        return await site.connection.run(argv, env=env)

    def _home(self, site: Site) -> str:
        return f"{homes(site)}/{self._name}"

    def _understand(self, said: bytes) -> bool:
        try:
            told = json.loads(said)
            running = bool(told["state"] == "running")
            self._socket = str(told["socket"]) if running else None
        except (ValueError, TypeError, KeyError) as problem:
            raise StudioError(
                f"the terminal's holder said {said[:80]!r}", "is the payload on the machine whole?"
            ) from problem
        return running

    async def connect(self) -> tuple[ByteReader, ByteWriter]:
        """Streams from and to the holder.

        Raises:
            NotFound: nothing listens; whether it runs has to be asked again.
        """
        socket, self._socket = self._socket, None
        if socket is None:
            raise NotFound("this terminal's program is over", "open a new terminal")
        streams = await (await self._site()).connection.connect(socket)
        self._socket = socket
        return streams

    async def remains(self) -> Remains:
        """What is left of a program that is over."""
        site = await self._site()
        note = await site.connection.run(["cat", f"{self._home(site)}/exit"])
        output = await site.connection.run(["cat", f"{self._home(site)}/ring"])
        try:
            told = json.loads(note.stdout)
            return Remains(int(told["code"]), int(told["ring"]), output.stdout)
        except (ValueError, TypeError, KeyError):
            return Remains(None, 0, b"")

    async def forget_input(self) -> None:
        """Have the program never read what was typed so far, over a connection of its own.

        Raises:
            StudioError: the machine cannot be asked, or the program is over.
        """
        reader, writer = await self.connect()
        try:
            writer.write(holding.HolderStream().attach() + holding.encode_forget())
            await reader.read(1)  # the holder answers once it has read both
        finally:
            writer.close()

    async def kill(self) -> None:
        """End the program, over a connection of its own; returns once it is over.

        Raises:
            StudioError: the machine cannot be asked.
        """
        if not await self.running():
            return
        with contextlib.suppress(NotFound):  # over since
            reader, writer = await self.connect()
            try:
                await _killed(reader, writer)
            finally:
                writer.close()
        self._socket = None

    async def remove(self) -> None:
        """Forget the terminal; only once its program is over."""
        self._socket = None
        site = await self._site()
        await site.connection.run(["rm", "-rf", self._home(site)])


def homes(site: Site) -> str:
    """The folder of all terminals on a machine, whatever their studio."""
    return f"{site.connection.root}/terminals"


async def _killed(reader: ByteReader, writer: ByteWriter) -> None:
    stream = holding.HolderStream()
    writer.write(stream.attach() + holding.encode_kill())
    while data := await reader.read(READ_SIZE):
        if any(isinstance(event, holding.Exit) for event in stream.feed(data)):
            return
