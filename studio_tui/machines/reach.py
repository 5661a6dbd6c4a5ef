"""Keeps one machine reached: a connection that comes back, and in words what it is doing now."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from studio_tui.errors import Refused, StudioError
from studio_tui.machines.connection import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from studio_tui.machines.connection import (
        ByteReader,
        ByteWriter,
        Channel,
        Completed,
        Connection,
    )

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
STEADY_SECONDS = 30.0
"""A connection that lasted this long was a good one: the next loss begins anew."""
REFUSALS = 3
"""A machine that let us in before may refuse this often: it may still be starting."""


class Phase(StrEnum):
    """What a machine's connection is doing."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"  # tried again by itself
    FAILED = "failed"  # a person has to do something first
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ReachState:
    """The phase, and why.

    Attributes:
        reason: why it is down or failed; "" otherwise.
        hint: what a person can do about it.
        until: when the next attempt begins, seconds since 1970; None when none is planned.
    """

    phase: Phase
    reason: str = ""
    hint: str = ""
    until: float | None = None


class Course:
    """Decides what a machine's connection does next. No I/O.

    Args:
        clock: seconds since 1970.
        draw: returns a number in [0, 1).
    """

    def __init__(self, clock: Callable[[], float], draw: Callable[[], float]) -> None:
        self.state = ReachState(Phase.CONNECTING)
        self._clock = clock
        self._draw = draw
        self._ceiling = FIRST_SECONDS
        self._up_since: float | None = None
        self._was_up = False
        self._refusals = 0

    def connected(self) -> None:
        """The machine is reached."""
        self._up_since, self._was_up, self._refusals = self._clock(), True, 0
        self.state = ReachState(Phase.UP)

    def lost(self, reason: str) -> None:
        """The connection has ended."""
        if self._up_since is not None and self._clock() - self._up_since >= STEADY_SECONDS:
            self._ceiling = FIRST_SECONDS
        self._up_since = None
        self._down(reason or "the connection was lost", "it is tried again by itself")

    def missed(self, problem: StudioError) -> None:
        """An attempt failed: for now, or for good."""
        if isinstance(problem, ConnectionLost):
            self._down(problem.message, problem.hint)
        elif type(problem) is Refused and self._was_up and self._refusals < REFUSALS:
            self._refusals += 1
            self._down(problem.message, problem.hint)
        else:
            self.state = ReachState(Phase.FAILED, problem.message, problem.hint)

    def again(self) -> None:
        """The next attempt begins, because its time has come or somebody asked for it."""
        self.state = ReachState(Phase.CONNECTING)

    def closed(self) -> None:
        """Nobody wants the machine any more."""
        self.state = ReachState(Phase.CLOSED)

    def _down(self, reason: str, hint: str) -> None:
        # Full jitter, but never at once: what broke the connection needs a moment, too.
        wait = self._ceiling * (1 + self._draw()) / 2
        self._ceiling = min(self._ceiling * 2, LONGEST_SECONDS)
        self.state = ReachState(Phase.DOWN, reason, hint, self._clock() + wait)


class Reach:
    """One machine, kept reached, with the verbs of a Connection.

    A verb raises ConnectionLost while the machine is not reached; whoever calls it again goes on
    from its own offset once it is. Forwarded ports keep their number. Owned by whoever awaits
    `run_until_closed()`.

    Args:
        name: the machine, for a person.
        dial: connects anew; a StudioError that is not ConnectionLost ends the attempts until
            `retry()`.
        clock: seconds since 1970.
        draw: returns a number in [0, 1).
    """

    def __init__(
        self,
        name: str,
        dial: Callable[[], Awaitable[Connection]],
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._dial = dial
        self._clock = clock
        self._course = Course(clock, draw)
        self._connection: Connection | None = None
        self._root: str | None = None
        self._ports: dict[int, int] = {}
        self._watchers: list[Callable[[ReachState], None]] = []
        self._moved = asyncio.Event()
        self._asked = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def state(self) -> ReachState:
        """What it is doing now."""
        return self._course.state

    def watch(self, watcher: Callable[[ReachState], None]) -> None:
        """Calls `watcher` with the state now and at every change."""
        self._watchers.append(watcher)
        watcher(self.state)

    async def retry(self) -> None:
        """Begins an attempt now, also after a failure that a person has put right."""
        while self.state.phase in (Phase.DOWN, Phase.FAILED):
            self._asked.set()
            await self._moved.wait()

    async def up(self) -> Connection:
        """Waits until the machine is reached, and returns its connection.

        Raises:
            ConnectionLost: it failed, or is closed.
        """
        # A loss that nobody has noticed yet is noticed before a caller tries again.
        await asyncio.sleep(0)
        while self.state.phase in (Phase.CONNECTING, Phase.DOWN):
            await self._moved.wait()
        return self.current()

    async def tried(self) -> Connection:
        """Waits for the end of the attempt that is under way, and returns the connection.

        Raises:
            ConnectionLost: the machine is not reached; the message says why.
        """
        while self.state.phase is Phase.CONNECTING:
            await self._moved.wait()
        return self.current()

    def current(self) -> Connection:
        """The connection as it is now.

        Raises:
            ConnectionLost: the machine is not reached; the message says why.
        """
        if self._connection is None:
            raise ConnectionLost(self._words(), self.state.hint or "it is tried again by itself")
        return self._connection

    async def run_until_closed(self) -> None:
        """Connects, and again whenever the connection is lost, until close()."""
        try:
            while not self._ended.is_set():
                await self._attempt()
                if self._connection is not None:
                    await self._hold(self._connection)
                if not self._ended.is_set():
                    await self._pause()
        finally:
            connection, self._connection = self._connection, None
            self._course.closed()
            self._tell()
            if connection is not None:
                await connection.close()

    async def _attempt(self) -> None:
        self._course.again()
        self._tell()
        try:
            self._connection = await self._dial()
            self._root = self._connection.root
            self._course.connected()
        except StudioError as problem:
            self._course.missed(problem)
        self._tell()

    async def _hold(self, connection: Connection) -> None:
        """Waits for the connection's end, or for ours."""
        for port, at in list(self._ports.items()):
            with contextlib.suppress(StudioError):  # whoever uses it finds out
                self._ports[port] = await connection.forward(port, at=at)
        lost = asyncio.ensure_future(connection.lost())
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait([lost, ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            reason = lost.result() if lost.done() and not lost.cancelled() else ""
            for task in (lost, ended):
                task.cancel()
        if not self._ended.is_set():
            self._connection = None
            self._course.lost(reason)
            self._tell()
            await connection.close()

    async def _pause(self) -> None:
        """Waits for the next attempt's time, or until somebody asks for it."""
        until = self.state.until
        self._asked.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(0, until - self._clock())):
                await self._asked.wait()

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
        for watcher in self._watchers:
            watcher(self.state)

    def _words(self) -> str:
        state = self.state
        match state.phase:
            case Phase.DOWN:
                seconds = max(0, round((state.until or 0) - self._clock()))
                return f"{self.name} is down: {state.reason}; next attempt in {seconds} s"
            case Phase.FAILED:
                return f"{self.name} cannot be reached: {state.reason}"
            case Phase.CLOSED:
                return f"{self.name} is not used any more"
        return f"{self.name} is being connected"

    # -- the verbs of a Connection --------------------------------------------------------------

    @property
    def root(self) -> str:
        """The machine's root, also while it is not reached.

        Raises:
            ConnectionLost: it was never reached.
        """
        return self._root or self.current().root

    async def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs one command to its end; see Connection."""
        return await self.current().run(argv, input=input, cwd=cwd, env=env)

    async def open(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Channel:
        """Starts a program to talk with; see Connection."""
        return await self.current().open(argv, cwd=cwd, env=env)

    async def connect(self, path: str) -> tuple[ByteReader, ByteWriter]:
        """Connects to a Unix socket on the machine; see Connection."""
        return await self.current().connect(path)

    async def put(self, source: Path, target: str) -> None:
        """Copies one local file to the machine; see Connection."""
        await self.current().put(source, target)

    async def get(self, source: str, target: Path) -> None:
        """Copies one file of the machine here; see Connection."""
        await self.current().get(source, target)

    async def forward(self, port: int, *, at: int = 0) -> int:
        """Returns a port here that reaches the machine's, the same after a loss if possible."""
        self._ports[port] = await self.current().forward(port, at=at or self._ports.get(port, 0))
        return self._ports[port]

    async def unforward(self, port: int) -> None:
        """Gives a forwarded port back, and does not forward it again after a loss."""
        self._ports.pop(port, None)
        if self._connection is not None:
            await self._connection.unforward(port)

    async def lost(self) -> str:
        """Returns once close() was called: losses in between are made good."""
        await self._ended.wait()
        return ""

    async def close(self) -> None:
        """Lets the machine go. `run_until_closed` ends the connection and returns; cancel it to
        wait for no attempt that is under way.
        """
        self._ended.set()
        self._asked.set()
