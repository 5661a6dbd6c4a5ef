"""The machine the host itself runs on, through asyncio subprocesses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.errors import NotFound
from studio_tui.machines.connection import CommandFailed, Completed, ConnectionLost
from studio_tui.settings.secrets import names_a_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STREAM_LIMIT = 1 << 20  # bytes that one pipe may hold back before its program has to wait
CLOSE_GRACE = 2.0  # seconds between asking a program to go and killing it
SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107, some systems 103


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """The host's environment without the studio's own secrets, and then `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith("STUDIO_") and names_a_secret(name))
    }
    return kept | dict(extra or {})


def _exit_code(returncode: int) -> int:
    return 128 - returncode if returncode < 0 else returncode


class LocalChannel:
    """A child process in a session of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("a channel needs all three pipes")
        self._process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.stderr = process.stderr
        self._killer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    async def wait(self) -> int:
        """Waits for the end; see Channel."""
        code = _exit_code(await self._process.wait())
        self.settle()
        return code

    def settle(self) -> bool:
        """Whether the program has ended; the pipes of one that was closed are given back then."""
        if self._process.returncode is None:
            return False
        if self._killer is not None:
            self._killer.cancel()
            self._release()
        return True

    def close(self) -> None:
        """Closes stdin, asks the group to go, and kills it when it stays."""
        if self._killer is not None:
            return
        with contextlib.suppress(OSError, RuntimeError):
            self.stdin.close()
        self.signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        self._killer = loop.call_later(CLOSE_GRACE, self._kill)

    def _kill(self) -> None:
        self.signal(signal.SIGKILL)
        # Closing all of it now would look for the exit code, and take it from who waits for it.
        for number in (0, 1, 2):
            pipe = self._process._transport.get_pipe_transport(number)  # type: ignore[attr-defined]
            if pipe is not None:
                pipe.close()

    def _release(self) -> None:
        # asyncio keeps a pipe in which more waits than its reader holds, and has no public way to
        # say that nobody will read it.
        self._process._transport.close()  # type: ignore[attr-defined]

    def signal(self, number: int) -> None:
        """Sends a signal to the whole group; nothing when it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


class LocalConnection:
    """This machine. Its children are owned: close() ends every channel.

    Args:
        root: folder for payload, jobs and terminals; made with mode 0700.
    """

    def __init__(self, root: Path | str) -> None:
        path = Path(root).expanduser().absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = str(path)
        self._channels: set[LocalChannel] = set()
        self._ended = asyncio.Event()

    async def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs one command to its end; see Connection."""
        process = await self._spawn(argv, cwd, env)
        try:
            stdout, stderr = await process.communicate(input)
        except BaseException:
            _kill_group(process)
            await process.wait()
            raise
        assert process.returncode is not None
        return Completed(tuple(argv), _exit_code(process.returncode), stdout, stderr)

    async def open(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> LocalChannel:
        """Starts a program to talk with; see Connection."""
        channel = LocalChannel(await self._spawn(argv, cwd, env))
        self._channels = {c for c in self._channels if not c.settle()}
        self._channels.add(channel)
        return channel

    async def connect(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects to a Unix socket; a path too long for the kernel goes by its folder."""
        folder: int | None = None
        try:
            reachable = path
            if len(os.fsencode(path)) > SOCKET_PATH_LIMIT and os.path.isdir("/proc/self/fd"):
                folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
                reachable = f"/proc/self/fd/{folder}/{os.path.basename(path)}"
            return await asyncio.open_unix_connection(reachable, limit=STREAM_LIMIT)
        except OSError as problem:
            raise NotFound(
                f"nothing answers at {path}: {problem.strerror or problem}",
                "the program behind it has ended, or was never started",
            ) from problem
        finally:
            if folder is not None:
                os.close(folder)

    async def put(self, source: Path, target: str) -> None:
        """Copies a file; see Connection."""
        await asyncio.to_thread(_copy, source, Path(target))

    async def get(self, source: str, target: Path) -> None:
        """Copies a file; see Connection."""
        await asyncio.to_thread(_copy, Path(source), target)

    async def forward(self, port: int, *, at: int = 0) -> int:
        """The port itself: this machine's loopback is the machine's."""
        return port

    async def unforward(self, port: int) -> None:
        """Nothing was opened; see Connection."""

    async def lost(self) -> str:
        """Returns once close() was called: this machine goes nowhere."""
        await self._ended.wait()
        return ""

    async def close(self) -> None:
        """Ends every channel and waits for it."""
        self._ended.set()
        channels, self._channels = self._channels, set()
        for channel in channels:
            channel.close()
        for channel in channels:
            await channel.wait()

    async def _spawn(
        self, argv: Sequence[str], cwd: str | None, env: Mapping[str, str] | None
    ) -> asyncio.subprocess.Process:
        if self._ended.is_set():
            raise ConnectionLost("this machine's connection is closed", "open the studio again")
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=cwd or self.root,
                env=_environment(env),
                start_new_session=True,
                limit=STREAM_LIMIT,
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # asyncio would end the program alone, and wait for ever if it had no pipes yet.
            starting.add_done_callback(_end_unwanted)
            raise
        except OSError as problem:
            missing = problem.filename or argv[0]
            raise CommandFailed(
                f"cannot start {argv[0]}: {missing}: {problem.strerror}",
                "check that the program and the folder exist on this machine",
            ) from problem


def _kill_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end_unwanted(starting: asyncio.Future[asyncio.subprocess.Process]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        _kill_group(starting.result())
        starting.result()._transport.close()  # type: ignore[attr-defined] # nobody waits for it


def _copy(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        shutil.copy(source, part)
        os.replace(part, target)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise CommandFailed(
            f"copying {source} to {target} failed: {problem.strerror}",
            "check that both folders exist, and that the disk is not full",
        ) from problem
