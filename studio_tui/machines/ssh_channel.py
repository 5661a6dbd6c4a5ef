"""A program on a machine reached by ssh, and its pipes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import asyncssh

from studio_tui.machines.connection import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 256 * 1024
CLOSE_GRACE = 2.0  # seconds between asking a program to go and killing it
WINDOW = 8 << 20
"""Bytes that may be under way to us on one channel: its speed is this by the round trip's time."""
PACKET = 256 * 1024


def lost(host: str, reason: str) -> ConnectionLost:
    """The error of a connection that ended under way."""
    return ConnectionLost(
        f"the connection to {host} was lost" + (f": {reason}" if reason else ""),
        "what runs there goes on; it is taken up again once the machine answers",
    )


class SSHByteReader:
    """The reading end of a channel; see ByteReader.

    An end that came because the connection broke is no end: it is ConnectionLost.
    """

    def __init__(self, reader: asyncssh.SSHReader[bytes], host: str) -> None:
        self._reader = reader
        self._host = host

    async def read(self, n: int = -1) -> bytes:
        """Returns up to n bytes, all that come when n is negative; b"" at the end."""
        with self._known():
            return await self._reader.read(n)

    async def readline(self) -> bytes:
        """Returns one line with its newline; less at the end."""
        with self._known():
            return await self._reader.readline()

    async def readexactly(self, n: int) -> bytes:
        """Returns n bytes, or raises asyncio.IncompleteReadError."""
        with self._known():
            return await self._reader.readexactly(n)

    async def readuntil(self, mark: bytes) -> bytes:
        """Returns what comes up to the mark and with it, or raises IncompleteReadError."""
        with self._known():
            return await self._reader.readuntil(mark)

    @contextlib.contextmanager
    def _known(self) -> Iterator[None]:
        try:
            yield
        except (asyncssh.Error, OSError) as problem:
            raise lost(self._host, str(problem)) from problem


class SSHByteWriter:
    """The writing end of a channel; see ByteWriter. What nobody reads any more is dropped."""

    def __init__(self, writer: asyncssh.SSHWriter[bytes]) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Hands data over without waiting."""
        with contextlib.suppress(OSError):  # drain() says so
            self._writer.write(data)

    async def drain(self) -> None:
        """Waits until more may be written.

        Raises:
            ConnectionResetError: nobody reads any more.
        """
        try:
            await self._writer.drain()
        except (asyncssh.Error, OSError) as problem:
            raise ConnectionResetError(str(problem) or "nobody reads any more") from problem
        if self._writer.is_closing():
            raise ConnectionResetError("nobody reads any more")

    def write_eof(self) -> None:
        """Says that nothing more comes."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    def close(self) -> None:
        """Closes a socket both ways, a program's input alone."""
        if isinstance(self._writer.channel, asyncssh.SSHClientChannel):
            self.write_eof()
        else:
            self._writer.close()


class SSHSession(asyncssh.SSHClientProcess[bytes]):
    """The ssh session of one program, which tells when the program has ended.

    Attributes:
        ended: the exit code, as soon as it is known; None when the connection went first.
    """

    def __init__(self, released: Callable[[], None]) -> None:
        super().__init__()
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._released = released

    def exit_status_received(self, status: int) -> None:
        """The program ended by itself."""
        self._end(status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """A signal ended the program."""
        self._end(_signal_code(signal))

    def connection_lost(self, exc: Exception | None) -> None:
        """The session is closed, or the connection is gone."""
        super().connection_lost(exc)
        self._end(None)
        self._released()

    def _end(self, code: int | None) -> None:
        if not self.ended.done():
            self.ended.set_result(code)


class SSHChannel:
    """A program on the machine; see Channel.

    Args:
        session: its ssh session.
        host: the machine, for a person.
        group: its process group there.
        signal: sends a signal to a process group there.
    """

    def __init__(
        self, session: SSHSession, host: str, group: int, signal: Callable[[str, int], None]
    ) -> None:
        self.stdin = SSHByteWriter(session.stdin)
        self.stdout = SSHByteReader(session.stdout, host)
        self.stderr = SSHByteReader(session.stderr, host)
        self.group = group
        self._session = session
        self._host = host
        self._signal = signal
        self._killer: asyncio.TimerHandle | None = None

    @property
    def over(self) -> bool:
        """Whether the program has ended, or nobody will know."""
        return self._session.ended.done()

    async def wait(self) -> int:
        """Waits for the end; see Channel."""
        code = await asyncio.shield(self._session.ended)
        if code is None:
            raise lost(self._host, "")
        return code

    def close(self) -> None:
        """Closes stdin, asks the group to go, and kills it when it stays."""
        if self._killer is not None:
            return
        self.stdin.write_eof()
        self._killer = asyncio.get_running_loop().call_later(CLOSE_GRACE, self.kill)
        self._session.ended.add_done_callback(self._gone)
        if not self.over:
            self._signal("TERM", self.group)

    def kill(self) -> None:
        """Kills the whole group; nothing when it is gone."""
        if not self.over:
            self._signal("KILL", self.group)

    def drop(self) -> None:
        """Lets the session go, whatever still comes from it."""
        self._session.channel.close()

    def _gone(self, _: object) -> None:
        # Output that nobody reads would hold the session open for ever.
        assert self._killer is not None
        self._killer.cancel()
        self.drop()


def _signal_code(name: str) -> int:
    try:
        return 128 + signal.Signals[f"SIG{name.partition('@')[0]}"]
    except KeyError:
        return 255
