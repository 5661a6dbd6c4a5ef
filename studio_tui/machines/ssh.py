"""A machine reached by ssh: one connection, every verb a channel of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shlex
from typing import TYPE_CHECKING

import asyncssh

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines.connection import CommandFailed, Completed, ConnectionLost
from studio_tui.machines.ssh_channel import (
    CHUNK,
    PACKET,
    WINDOW,
    SSHByteReader,
    SSHByteWriter,
    SSHChannel,
    SSHSession,
    lost,
)
from studio_tui.machines.ssh_command import Command
from studio_tui.machines.ssh_sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from studio_tui.machines.ssh_login import Login, Transport
    from studio_tui.machines.ssh_sessions import Kind

ROOT = "~/.studio-tui"
CLOSE_SECONDS = 5.0
GIVEN_UP_SECONDS = 10.0
"""So long the start of a command that nobody waits for any more may hold its session."""
"""How long programs may take to end: longer than killing them takes where the machine answers."""
_PUT = 'umask 077; part=$1.$$; cat >"$part" && chmod "$2" "$part" && mv -f "$part" "$1" || exit 1'


async def connect(login: Login, root: str = ROOT) -> SSHConnection:
    """Logs in and makes the machine's root.

    Args:
        root: the folder there for payload, jobs and terminals; `~` is the user's home. Made with
            mode 0700.

    Raises:
        ConnectionLost: the host cannot be reached now.
        Refused: it does not let us in, or its key is not trusted.
        StudioError: the root cannot be made there.
    """
    transport = await login.connect()
    try:
        control = await Control.open(transport)
        return SSHConnection(transport, control, await control.make_root(root))
    except BaseException:
        await transport.close()
        raise


class Control:
    """A shell on the machine that is always there: what ends programs waits for no session.

    sshd refuses to send signals for some users, and lets a program run on whose channel closes.
    """

    def __init__(self, session: SSHSession, host: str) -> None:
        self._in = SSHByteWriter(session.stdin)
        self._out = SSHByteReader(session.stdout, host)
        self._host = host

    @classmethod
    async def open(cls, transport: Transport) -> Control:
        """Starts the shell.

        Raises:
            ConnectionLost, CommandFailed: it cannot be started.
        """
        session = await _session(transport, "exec /bin/sh", lambda: None)
        return cls(session, transport.route.label)

    async def make_root(self, root: str) -> str:
        """Makes the folder, and returns its absolute path."""
        mark = secrets.token_hex(12)
        home, rest = ('"$HOME"/', root[2:]) if root.startswith("~/") else ("", root)
        self._in.write(
            f"root={home}{shlex.quote(rest)}; echo; echo {mark}\n"
            '(umask 077; mkdir -p -- "$root" && chmod 700 -- "$root" && cd -- "$root" && pwd) 2>&1'
            f" || echo\necho {mark}\n".encode()
        )
        try:
            await self._out.readuntil(f"{mark}\n".encode())
            said = (await self._out.readuntil(f"{mark}\n".encode())).splitlines()[:-1]
        except asyncio.IncompleteReadError as end:
            raise Command(("/bin/sh",), mark, root).silent(end.partial) from None
        path = os.fsdecode(said[-1]) if said else ""
        if not path.startswith("/"):
            reason = b" ".join(said).decode("utf-8", "replace").strip()
            raise StudioError(
                f"the folder {root} cannot be made on {self._host}: {reason}",
                "check the disk and the home folder there",
            )
        return path

    def signal(self, name: str, group: int) -> None:
        """Sends a signal to a process group on the machine, or to the process of that number."""
        line = f"kill -s {name} -- -{group} 2>/dev/null || kill -s {name} {group} 2>/dev/null\n"
        self._in.write(line.encode())


class SSHConnection:
    """A machine reached by ssh; see Connection. Made by connect().

    Needs nothing there but sshd and a POSIX shell. A session is the scarce thing: callers of run,
    open, put and get wait for one when all are taken; sockets and ports take none.
    """

    def __init__(self, transport: Transport, control: Control, root: str) -> None:
        self.root = root
        self.host = transport.route.label
        self._transport = transport
        self._control = control
        self._sessions = Sessions()
        self._channels: set[SSHChannel] = set()
        self._listeners: dict[int, asyncssh.SSHListener] = {}

    async def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs one command to its end; see Connection."""
        async with self._command(argv, cwd, env) as channel:
            out, err, _ = await asyncio.gather(
                channel.stdout.read(), channel.stderr.read(), _feed(channel.stdin, input)
            )
            return Completed(tuple(argv), await channel.wait(), out, err)

    async def open(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> SSHChannel:
        """Starts a program to talk with; see Connection."""
        channel = await self._start(argv, cwd, env, "long")
        self._channels = {c for c in self._channels if not c.over}
        self._channels.add(channel)
        return channel

    async def connect(self, path: str) -> tuple[SSHByteReader, SSHByteWriter]:
        """Connects to a Unix socket on the machine; see Connection."""
        self._check()
        try:
            reader, writer = await self._transport.link.open_unix_connection(
                path, encoding=None, window=WINDOW
            )
        except (asyncssh.Error, OSError) as problem:
            self._check()
            raise NotFound(
                f"nothing answers at {path} on {self.host}: {problem}",
                "the program behind it has ended, or was never started",
            ) from problem
        return SSHByteReader(reader, self.host), SSHByteWriter(writer)

    async def put(self, source: Path, target: str) -> None:
        """Copies one local file to the machine, with its mode; whole or not at all."""
        deed = f"copying {source} to {target}"
        with _copying(deed), await asyncio.to_thread(source.open, "rb") as file:
            mode = f"{os.fstat(file.fileno()).st_mode & 0o777:o}"
            argv = ["/bin/sh", "-c", _PUT, "sh", target, mode]
            async with self._command(argv, None, None) as channel:
                with contextlib.suppress(ConnectionError):  # its end says why
                    while data := await asyncio.to_thread(file.read, 4 * CHUNK):
                        await _feed_part(channel.stdin, data)
                channel.stdin.write_eof()
                (await _completed(channel, argv)).check(deed)

    async def get(self, source: str, target: Path) -> None:
        """Copies one file of the machine here; whole or not at all."""
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        argv = ["cat", "--", source]
        deed = f"copying {source} to {target}"
        with _copying(deed):
            try:
                async with self._command(argv, None, None) as channel:
                    channel.stdin.write_eof()
                    with await asyncio.to_thread(part.open, "wb") as file:
                        while data := await channel.stdout.read(4 * CHUNK):
                            await asyncio.to_thread(file.write, data)
                    (await _completed(channel, argv)).check(deed)
                await asyncio.to_thread(os.replace, part, target)
            finally:
                part.unlink(missing_ok=True)

    async def forward(self, port: int, *, at: int = 0) -> int:
        """Returns a port on this computer's loopback that reaches `port` on the machine."""
        self._check()
        if port not in self._listeners:
            try:
                self._listeners[port] = await self._listen(port, at)
            except OSError:
                self._listeners[port] = await self._listen(port, 0)
        return self._listeners[port].get_port()

    async def unforward(self, port: int) -> None:
        """Listens no more; see Connection."""
        if (listener := self._listeners.pop(port, None)) is not None:
            listener.close()

    async def lost(self) -> str:
        """Returns once the connection has ended: why, or "" when it was closed from here."""
        return await asyncio.shield(self._transport.lost)

    async def close(self) -> None:
        """Ends every channel, and then the connection; a machine that is silent is left."""
        channels, self._channels = self._channels, set()
        for channel in channels:
            channel.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for channel in channels:
                    with contextlib.suppress(ConnectionLost):
                        await channel.wait()
        await self._transport.close()

    async def _listen(self, port: int, at: int) -> asyncssh.SSHListener:
        link = self._transport.link
        return await link.forward_local_port("127.0.0.1", at, "localhost", port)

    @contextlib.asynccontextmanager
    async def _command(
        self, argv: Sequence[str], cwd: str | None, env: Mapping[str, str] | None
    ) -> AsyncIterator[SSHChannel]:
        """A program that is killed when the block is left before its end."""
        channel = await self._start(argv, cwd, env, "short")
        try:
            yield channel
        finally:
            channel.kill()
            channel.drop()

    async def _start(
        self,
        argv: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        kind: Kind,
    ) -> SSHChannel:
        command = Command.of(argv, secrets.token_hex(12), cwd or self.root, env)
        session = await self._open_session(command, kind)
        starting = asyncio.ensure_future(self._start_in(session, command))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # sshd lets a program run on whose channel closes: it is killed once its group is known.
            starting.add_done_callback(_end_unwanted)
            asyncio.get_running_loop().call_later(GIVEN_UP_SECONDS, session.channel.close)
            raise
        except BaseException:
            session.channel.close()
            raise

    async def _start_in(self, session: SSHSession, command: Command) -> SSHChannel:
        """Has the session's shell become the command."""
        SSHByteWriter(session.stdin).write(command.script)
        mark = command.mark.encode()
        out = SSHByteReader(session.stdout, self.host)
        try:
            await out.readuntil(mark)
        except asyncio.IncompleteReadError as end:
            raise command.silent(end.partial) from None
        group = command.started(await out.readline())
        await SSHByteReader(session.stderr, self.host).readuntil(mark)
        return SSHChannel(session, self.host, group, self._control.signal)

    async def _open_session(self, command: Command, kind: Kind) -> SSHSession:
        """A session as soon as one is free; the server may allow fewer than it is known for."""
        while True:
            self._check()
            turn = await self._sessions.take(kind)
            try:
                session = await _session(self._transport, command.line, turn.give)
            except asyncssh.ChannelOpenError:
                (turn.give if self._transport.lost.done() else turn.refused)()
            except OSError as problem:  # the socket broke just now: nobody else knows it yet
                turn.give()
                raise lost(self.host, str(problem)) from problem
            else:
                turn.opened()
                return session

    def _check(self) -> None:
        """Raises ConnectionLost when the connection has ended."""
        if self._transport.lost.done():
            raise lost(self.host, self._transport.lost.result())


def _end_unwanted(starting: asyncio.Future[SSHChannel]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().kill()
        starting.result().drop()


async def _session(transport: Transport, line: str, released: Callable[[], None]) -> SSHSession:
    """Opens a session; one that comes after its caller was cancelled is closed again."""
    opening = asyncio.ensure_future(
        transport.link.create_session(
            lambda: SSHSession(released), line, encoding=None, window=WINDOW, max_pktsize=PACKET
        )
    )

    def unwanted(opened: asyncio.Future[Any]) -> None:
        if opened.cancelled() or opened.exception() is not None:
            released()
        else:
            opened.result()[0].close()

    try:
        _, session = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(unwanted)
        raise
    assert isinstance(session, SSHSession)
    return session


async def _feed(stdin: SSHByteWriter, data: bytes) -> None:
    with contextlib.suppress(OSError):  # a program need not read all it is given
        await _feed_part(stdin, data)
    stdin.write_eof()


async def _feed_part(stdin: SSHByteWriter, data: bytes) -> None:
    view = memoryview(data)
    for start in range(0, len(view), CHUNK):
        stdin.write(bytes(view[start : start + CHUNK]))
        await stdin.drain()


async def _completed(channel: SSHChannel, argv: Sequence[str]) -> Completed:
    complaint = await channel.stderr.read()
    return Completed(tuple(argv), await channel.wait(), b"", complaint)


@contextlib.contextmanager
def _copying(deed: str) -> Iterator[None]:
    """What goes wrong with the file on this side is the deed's failure."""
    try:
        yield
    except OSError as problem:
        raise CommandFailed(
            f"{deed} failed: {problem.strerror or problem}",
            "check that both folders exist, and that the disk is not full",
        ) from problem
