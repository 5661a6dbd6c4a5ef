"""What a connection to a machine can do, whatever carries it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from studio_tui.errors import NotFound, StudioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class ConnectionLost(NotFound):
    """The machine cannot be reached any more; what runs there goes on."""


class CommandFailed(StudioError):
    """A command on the machine ended with a code that its caller did not expect."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended by itself.

    Attributes:
        exit_code: 0-255, or 128+n when signal n ended it.
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def ok(self) -> bool:
        """Whether the command ended with 0."""
        return self.exit_code == 0

    def check(self, what: str = "") -> Completed:
        """Returns itself when the command ended with 0.

        Args:
            what: the deed in words, for the message; the command line when empty.

        Raises:
            CommandFailed: the hint is the last line of its stderr.
        """
        if self.ok:
            return self
        lines = self.stderr.decode("utf-8", "replace").strip().splitlines()
        name = what or shlex.join(self.argv)[:200]
        raise CommandFailed(
            f"{name} failed with exit code {self.exit_code}",
            lines[-1][:300] if lines else "it printed no reason; try it in a terminal",
        )


class ByteReader(Protocol):
    """The reading end of a pipe; asyncio's StreamReader fits."""

    async def read(self, n: int = -1) -> bytes:
        """Returns up to n bytes, as soon as there are any; b"" at the end."""
        ...

    async def readline(self) -> bytes:
        """Returns one line with its newline; less at the end."""
        ...

    async def readexactly(self, n: int) -> bytes:
        """Returns n bytes, or raises asyncio.IncompleteReadError."""
        ...


class ByteWriter(Protocol):
    """The writing end of a pipe; asyncio's StreamWriter fits."""

    def write(self, data: bytes) -> None:
        """Hands data over without waiting."""
        ...

    async def drain(self) -> None:
        """Waits until more may be written."""
        ...

    def write_eof(self) -> None:
        """Says that nothing more comes."""
        ...

    def close(self) -> None:
        """Closes the pipe."""
        ...


class Channel(Protocol):
    """A program running on the machine, with its three pipes."""

    @property
    def stdin(self) -> ByteWriter:
        """The program's input."""
        ...

    @property
    def stdout(self) -> ByteReader:
        """The program's output; somebody has to read it."""
        ...

    @property
    def stderr(self) -> ByteReader:
        """The program's complaints."""
        ...

    async def wait(self) -> int:
        """Waits for the end; the exit code, 128+n when signal n ended it.

        Raises:
            ConnectionLost: the machine went away before the program's end was known.
        """
        ...

    def close(self) -> None:
        """Ends the program: closes its stdin and asks it to go. Safe to call twice."""
        ...


class Connection(Protocol):
    """One machine, reached. Every path is a path on that machine."""

    @property
    def root(self) -> str:
        """The absolute folder there for payload, jobs and terminals."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs one short command to its end.

        Cancelling the call ends the command. `env` is added to the machine's own.

        Raises:
            ConnectionLost: the machine went away before the end was known.
            CommandFailed: the command could not be started at all.
        """
        ...

    async def open(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Channel:
        """Starts a program to talk with. The connection's close() ends it.

        Raises:
            ConnectionLost: the machine cannot be reached.
            CommandFailed: the program could not be started.
        """
        ...

    async def connect(self, path: str) -> tuple[ByteReader, ByteWriter]:
        """Connects to a Unix socket on the machine.

        Raises:
            NotFound: nobody listens there.
        """
        ...

    async def put(self, source: Path, target: str) -> None:
        """Copies one local file to the machine, with its mode; whole or not at all.

        Raises:
            CommandFailed: it cannot be read or written.
        """
        ...

    async def get(self, source: str, target: Path) -> None:
        """Copies one file of the machine here; whole or not at all.

        Raises:
            CommandFailed: it cannot be read or written.
        """
        ...

    async def forward(self, port: int, *, at: int = 0) -> int:
        """Returns a port on this computer's loopback that reaches `port` on the machine.

        Args:
            at: the port that is wished for here; another is taken when it is not free.
        """
        ...

    async def unforward(self, port: int) -> None:
        """Gives back what `forward` opened for `port`; nothing when it is not forwarded."""
        ...

    async def lost(self) -> str:
        """Returns once the connection has ended: why, or "" when close() ended it."""
        ...

    async def close(self) -> None:
        """Ends every channel. Jobs and terminals on the machine go on."""
        ...
