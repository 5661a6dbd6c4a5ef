"""A terminal's holder, a process on the machine that outlives the host, as the host reaches it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio_tui.errors import NotFound, StudioError
from studio_tui.terminal import holding

if TYPE_CHECKING:
    from studio_tui.machines.connection import ByteReader, ByteWriter, Connection

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
        connection: reaches the machine.
        program: the path of `hold.py` there.
        python: an interpreter there, 3.8 or later.
        home: the folder of this one terminal there.
    """

    def __init__(self, connection: Connection, program: str, python: str, home: str) -> None:
        self._connection = connection
        self._argv = [python, program]
        self._home = home
        self._socket: str | None = None

    async def start(
        self, size: tuple[int, int], folder: str, command: Sequence[str], env: Mapping[str, str]
    ) -> None:
        """Start `command`, the user's shell when it is empty, in `folder`.

        Args:
            size: columns and rows.

        Raises:
            StudioError: it could not be started; a command that is not there is none of that: its
                terminal says so and exits with 127.
        """
        cols, rows = size
        argv = [*self._argv, "start", self._home, str(cols), str(rows), "--cwd", folder]
        argv += ["--", *command] if command else []
        done = await self._connection.run(argv, env=env)
        self._understand(done.check("starting a terminal").stdout)

    async def running(self) -> bool:
        """Whether the program still runs, as far as is known; asks when nothing is.

        Raises:
            StudioError: the machine cannot be asked.
        """
        if self._socket is not None:
            return True
        done = await self._connection.run([*self._argv, "find", self._home])
        return self._understand(done.check("looking for a terminal").stdout)

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
        streams = await self._connection.connect(socket)
        self._socket = socket
        return streams

    async def remains(self) -> Remains:
        """What is left of a program that is over."""
        note = await self._connection.run(["cat", f"{self._home}/exit"])
        output = await self._connection.run(["cat", f"{self._home}/ring"])
        try:
            told = json.loads(note.stdout)
            return Remains(int(told["code"]), int(told["ring"]), output.stdout)
        except (ValueError, TypeError, KeyError):
            return Remains(None, 0, b"")

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
        await self._connection.run(["rm", "-rf", self._home])


async def _killed(reader: ByteReader, writer: ByteWriter) -> None:
    stream = holding.HolderStream()
    writer.write(stream.attach() + holding.encode_kill())
    while data := await reader.read(READ_SIZE):
        if any(isinstance(event, holding.Exit) for event in stream.feed(data)):
            return
