"""A node of a Slurm cluster, held by a batch job and reached through srun on the login node."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines.cluster import Cluster, last_words
from studio_tui.machines.connection import CommandFailed, Completed, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from studio_tui.machines.allocation import Job, Request
    from studio_tui.machines.cluster import Progress
    from studio_tui.machines.connection import ByteReader, ByteWriter, Channel, Connection

PIECE = 1 << 16  # bytes that are passed on at a time
CLOSE_GRACE = 3.0  # seconds for a program to go; the holder kills it after two
WATCH = 20.0  # seconds between two looks whether the allocation still is

# Without --unbuffered, srun keeps back what does not end in a newline. With it, the step's stdout
# is a terminal without any processing: every byte passes, and at once. Quiet twice, srun adds no
# line of its own to the program's stderr when that fails.
_STEP = ("--overlap", "--nodes=1", "--ntasks=1")
_SILENT = ("--unbuffered", "--quiet", "--quiet")


class FrameWriter:
    """The writing end of a pipe or socket in the allocation, over srun's stdin.

    Args:
        stdin: srun's; its end is the caller's, see `payload/allocation.py`.
        whole: whether close() ends the conversation, and not this direction alone.
    """

    def __init__(self, stdin: ByteWriter, *, whole: bool) -> None:
        self._stdin = stdin
        self._whole = whole
        self._ended = False
        self.drain = stdin.drain

    def write(self, data: bytes) -> None:
        """Hands data over without waiting; see ByteWriter."""
        if data and not self._ended:
            self._stdin.write(_frame(data))

    def write_eof(self) -> None:
        """Says that nothing more comes."""
        if not self._ended:
            self._ended = True
            self._stdin.write(_frame(b""))

    def close(self) -> None:
        """Closes the pipe, or both directions of the socket."""
        self.write_eof()
        if self._whole:
            self.leave()

    def leave(self) -> None:
        """Ends the conversation: a program is asked to go, a socket is closed."""
        self._ended = True
        self._stdin.close()


class SlurmChannel:
    """A program in the allocation, with its three pipes; see Channel."""

    def __init__(self, channel: Channel, connection: SlurmConnection) -> None:
        self._channel = channel
        self._connection = connection
        self._closer: asyncio.TimerHandle | None = None
        self._code: int | None = None
        self.stdin = FrameWriter(channel.stdin, whole=False)
        self.stdout = channel.stdout
        self.stderr = channel.stderr

    @property
    def over(self) -> bool:
        """Whether its end is known."""
        return self._code is not None

    async def wait(self) -> int:
        """Waits for the end; see Channel."""
        if self._code is None:
            code = await self._channel.wait()
            if self._closer is not None:
                self._closer.cancel()
            if code:
                await self._connection.check()
            self._code = code
        return self._code

    def close(self) -> None:
        """Ends the program: the holder asks it to go, and kills it when it stays; see Channel."""
        if self._closer is None:
            with contextlib.suppress(OSError, RuntimeError):
                self.stdin.leave()
            loop = asyncio.get_running_loop()
            self._closer = loop.call_later(CLOSE_GRACE, self._channel.close)


class SlurmConnection:
    """A running allocation, see Connection. Owns the login node's connection.

    Files go by the login node, which has the node's file system; everything else by one srun for
    each, that asks the allocation's holder (`payload/allocation.py`).

    Args:
        cluster: the login node and its Slurm.
        job: the allocation; it must run.
        program: the path of what holds it.
    """

    def __init__(self, cluster: Cluster, job: Job, program: str) -> None:
        self.root = cluster.root
        self.job = job
        self._cluster = cluster
        self._login = cluster.login
        self._step = ["srun", f"--jobid={job.id}", *_STEP]
        self._enter = [*self._step, *_SILENT, "python3", program, "enter"]
        self._forwards: dict[int, asyncio.Server] = {}
        self._passing: set[asyncio.Task[Any]] = set()
        self._channels: set[SlurmChannel] = set()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watching = asyncio.create_task(self._watch(), name=f"allocation {job.id}")

    @classmethod
    async def begin(
        cls, login: Connection, name: str, request: Request, progress: Progress
    ) -> SlurmConnection:
        """Connects to the machine's allocation; asks for one and waits when there is none.

        Args:
            progress: told in words why it has to wait.

        Raises:
            StudioError: the cluster refuses it, or Slurm is not there.
        """
        cluster = Cluster(login, name, request)
        job = await cluster.allocate(progress)
        return cls(cluster, job, await cluster.program(job))

    @classmethod
    async def join(cls, login: Connection, name: str, request: Request) -> SlurmConnection:
        """Connects to the allocation that the machine has.

        Raises:
            ConnectionLost: it waits for its turn.
            StudioError: there is none, or Slurm is not there.
        """
        cluster = Cluster(login, name, request)
        job = await cluster.held()
        await cluster.make_root()
        return cls(cluster, job, await cluster.program(job))

    async def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs one command in the allocation to its end; see Connection."""
        request = self._program(argv, cwd, env) | {"whole": True}
        channel, answer = await self._ask(request)
        if answer != b"ok":
            raise _not_started(argv, answer)
        try:
            stdout, stderr, _ = await asyncio.gather(
                _all_of(channel.stdout),
                _all_of(channel.stderr),
                _feed(input, FrameWriter(channel.stdin, whole=False)),
            )
            await channel.wait()
        except BaseException:
            channel.close()
            raise
        output, _, code = stdout.rpartition(b"\n")
        if not code.isdigit():
            raise await self._shut()
        return Completed(tuple(argv), int(code), output, stderr)

    async def open(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> SlurmChannel:
        """Starts a program in the allocation to talk with; see Connection."""
        channel, answer = await self._ask(self._program(argv, cwd, env))
        if answer != b"ok":
            raise _not_started(argv, answer)
        opened = SlurmChannel(channel, self)
        self._channels = {c for c in self._channels if not c.over} | {opened}
        return opened

    async def connect(self, path: str) -> tuple[ByteReader, ByteWriter]:
        """Connects to a Unix socket on the node; see Connection."""
        return await self._join({"path": path}, path)

    async def put(self, source: Path, target: str) -> None:
        """Copies a file by way of the login node; see Connection."""
        await self._login.put(source, target)

    async def get(self, source: str, target: Path) -> None:
        """Copies a file by way of the login node; see Connection."""
        await self._login.get(source, target)

    async def forward(self, port: int, *, at: int = 0) -> int:
        """Returns a port on this computer's loopback that reaches `port` on the node's."""
        if port not in self._forwards:

            async def passing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._pass(port, reader, writer)

            try:
                server = await asyncio.start_server(passing, "127.0.0.1", at)
            except OSError:
                server = await asyncio.start_server(passing, "127.0.0.1", 0)
            self._forwards[port] = server
        return int(self._forwards[port].sockets[0].getsockname()[1])

    async def unforward(self, port: int) -> None:
        """Listens no more; see Connection."""
        if (server := self._forwards.pop(port, None)) is not None:
            server.close()

    async def check(self) -> None:
        """Raises ConnectionLost, with the reason, when the allocation is over."""
        if (over := await self._cluster.over(self.job.id)) is not None:
            self._end(over.message)
            raise over

    async def lost(self) -> str:
        """Returns once the allocation or the login node's connection has ended; see Connection."""
        return await asyncio.shield(self._lost)

    async def release(self) -> None:
        """Gives the allocation back, which ends everything in it, and closes the connection."""
        self._end("")
        await self._cluster.release(self.job.id)
        await self.close()

    async def close(self) -> None:
        """Ends every channel. The allocation goes on, and all that was left in it."""
        self._end("")
        self._watching.cancel()
        for server in self._forwards.values():
            server.close()
        self._forwards.clear()
        for task in self._passing:
            task.cancel()
        channels, self._channels = self._channels, set()
        for channel in channels:
            channel.close()
        for channel in channels:
            with contextlib.suppress(NotFound):
                await channel.wait()
        await asyncio.wait([self._watching, *self._passing])
        await self._login.close()

    # -- inside -------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Notices an end that no call would, since nothing is called."""
        away = asyncio.ensure_future(self._login.lost())
        try:
            while not self._lost.done():
                await asyncio.wait([away], timeout=WATCH)
                if away.done():
                    self._end(away.result())
                else:
                    with contextlib.suppress(StudioError):
                        await self.check()
        finally:
            away.cancel()

    def _end(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    def _program(
        self, argv: Sequence[str], cwd: str | None, env: Mapping[str, str] | None
    ) -> dict[str, Any]:
        return {"argv": list(argv), "cwd": cwd or self.root, "env": dict(env or {})}

    async def _ask(self, request: dict[str, Any]) -> tuple[Channel, bytes]:
        """A channel into the allocation, and the answer: b"ok", or b"no" and a reason."""
        channel = await self._login.open(self._enter)
        try:
            # On stdin: every user sees what stands on a command line, such as a secret in env.
            channel.stdin.write(_frame(json.dumps(request).encode()))
            with contextlib.suppress(ConnectionError):  # the missing answer says it
                await channel.stdin.drain()
            answer = (await channel.stdout.readline()).rstrip(b"\n")
            if answer != b"ok" and not answer.startswith(b"no "):
                raise await self._shut()
        except BaseException:
            channel.close()
            raise
        if answer != b"ok":
            channel.close()
        return channel, answer

    async def _shut(self) -> ConnectionLost:
        """Why nothing came back from the allocation."""
        await self.check()
        tried = await self._login.run([*self._step, "true"])
        reason = last_words(tried.stderr) if not tried.ok else "it is there again"
        return ConnectionLost(
            f"the allocation {self.job.id} could not be entered: {reason}",
            "it still runs: try again, or try srun on the login node",
        )

    async def _join(self, request: dict[str, Any], what: str) -> tuple[ByteReader, ByteWriter]:
        channel, answer = await self._ask(request)
        if answer != b"ok":
            raise NotFound(
                f"nothing answers at {what}: {_reason(answer)}",
                "the program behind it has ended, or was never started",
            )
        return channel.stdout, FrameWriter(channel.stdin, whole=True)

    async def _pass(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            source, sink = await self._join({"port": port}, f"port {port}")
            try:
                await asyncio.gather(_copy(reader, sink), _copy(source, writer))
            finally:
                sink.close()
        except (NotFound, CommandFailed):
            pass  # a port where nobody listens closes what comes
        finally:
            self._passing.discard(task)
            writer.close()


async def _feed(data: bytes, sink: ByteWriter) -> None:
    with contextlib.suppress(ConnectionError):  # the program ended without reading it
        for at in range(0, len(data), PIECE):
            sink.write(data[at : at + PIECE])
            await sink.drain()
        sink.write_eof()
        await sink.drain()


async def _all_of(source: ByteReader) -> bytes:
    pieces = []
    while piece := await source.read(PIECE):
        pieces.append(piece)
    return b"".join(pieces)


async def _copy(source: ByteReader, sink: ByteWriter) -> None:
    """Passes bytes on until their end; a peer that has gone is that as well."""
    with contextlib.suppress(ConnectionError):
        while data := await source.read(PIECE):
            sink.write(data)
            await sink.drain()
        sink.write_eof()


def _frame(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _reason(answer: bytes) -> str:
    return answer.removeprefix(b"no ").decode("utf-8", "replace")


def _not_started(argv: Sequence[str], answer: bytes) -> CommandFailed:
    return CommandFailed(
        f"cannot start {argv[0]}: {_reason(answer)}",
        "check that the program and the folder exist on the node",
    )
