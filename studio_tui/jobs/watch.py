"""Follows a running job: every byte of its log and metrics once, and its state."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.errors import NotFound, StudioError
from studio_tui.jobs.launch import JobState
from studio_tui.machines.connection import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from studio_tui.jobs.launch import Supervisor
    from studio_tui.machines.connection import Channel

READ_SIZE = 256 * 1024
HEADER_LIMIT = 256  # bytes of a frame's first line
LINE_LIMIT = 1 << 20  # bytes of a metrics row that are held back until its end comes
PATIENCE = 6  # followers that may die in a row without a byte


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Bytes of the log, cut anywhere; `offset` counts from the log's start."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class MetricRows:
    """Whole JSON lines; only the very last of an ended job may be cut."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StateChange:
    """The job's state; when state.ended, this is the last event, and all bytes came before."""

    state: JobState
    exit_code: int | None


Event = LogChunk | MetricRows | StateChange


class FrameError(StudioError):
    """What came is not what a follower sends next."""


class FrameParser:
    """Turns a follower's output into events, however it is cut. No I/O.

    Args:
        log, metrics: the offsets that the follower was asked to begin at.
    """

    def __init__(self, log: int, metrics: int) -> None:
        self._offsets = {"log": log, "metrics": metrics}
        self._buffer = bytearray()
        self._stream = ""  # of the frame whose bytes are coming
        self._missing = 0  # of its bytes
        self.ended = False

    def feed(self, data: bytes) -> list[Event]:
        """Takes bytes, returns what they complete. Parts of a frame count at once.

        Raises:
            FrameError: a frame is malformed or does not begin where the last one ended.
            NotFound: the machine has no such job.
        """
        self._buffer += data
        events: list[Event] = []
        while self._buffer and not self.ended:
            event = self._body() if self._missing else self._header()
            if event is not None:
                events.append(event)
            elif not self._missing:
                break  # the header is not whole yet
        return events

    def _body(self) -> Event:
        piece = bytes(self._buffer[: self._missing])
        del self._buffer[: len(piece)]
        offset = self._offsets[self._stream]
        self._offsets[self._stream] += len(piece)
        self._missing -= len(piece)
        kind = LogChunk if self._stream == "log" else MetricRows
        return kind(offset, piece)

    def _header(self) -> Event | None:
        end = self._buffer.find(b"\n", 0, HEADER_LIMIT)
        if end < 0:
            if len(self._buffer) >= HEADER_LIMIT:
                raise _fault(bytes(self._buffer[:HEADER_LIMIT]))
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return self._opened(line.decode("ascii").split())
        except ValueError as problem:
            raise _fault(line) from problem

    def _opened(self, words: list[str]) -> Event | None:
        match words:
            case ["F", stream, offset, length]:
                if self._offsets.get(stream) != int(offset) or int(length) < 1:
                    raise ValueError(stream)
                self._stream, self._missing = stream, int(length)
                return None
            case ["E", "missing", *_]:
                raise NotFound("this machine has no such job", "list the jobs that it has")
            case ["H" | "E" as kind, state, code, _, _]:
                self.ended = kind == "E"
                return StateChange(JobState(state), None if code == "-" else int(code))
        raise ValueError(words)


class Follower:
    """A job's log and metrics from given offsets on, over as many connections as it takes.

    Args:
        log_offset, metrics_offset: bytes that are known already.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        job_id: str,
        *,
        log_offset: int = 0,
        metrics_offset: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._supervisor = supervisor
        self._job_id = job_id
        self._sleep = sleep
        self._torn = b""  # the beginning of a metrics row whose end has not come
        self.log_offset = log_offset
        self.metrics_offset = metrics_offset

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yields until the job has ended. Call it again after ConnectionLost: it goes on.

        A follower that dies is replaced from the last offsets. Close the iterator when you stop
        early (contextlib.aclosing).

        Raises:
            ConnectionLost: the machine is gone, or followers die there without a byte.
            NotFound: the machine has no such job.
        """
        barren = 0
        while True:
            before = (self.log_offset, self.metrics_offset)
            channel = await self._open()
            try:
                async for event in self._events_of(channel):
                    yield event
                    if isinstance(event, StateChange) and event.state.ended:
                        return
            finally:
                channel.close()
            barren = 0 if before != (self.log_offset, self.metrics_offset) else barren + 1
            if barren >= PATIENCE:
                raise ConnectionLost(
                    f"job {self._job_id} cannot be followed: the follower ends at once",
                    "check that the machine's payload folder is whole",
                )
            await self._sleep(min(0.05 * 2**barren, 2.0))

    async def _open(self) -> Channel:
        """Asks for what comes after the last whole metrics row."""
        self._torn = b""
        supervisor = self._supervisor
        script = f"{supervisor.payload}/supervise.sh"
        argv = [supervisor.shell, script, "follow", supervisor.folder, self._job_id]
        argv += [str(self.log_offset), str(self.metrics_offset)]
        return await supervisor.connection.open(argv, env={"STUDIO_SH": supervisor.shell})

    async def _events_of(self, channel: Channel) -> AsyncIterator[Event]:
        parser = FrameParser(self.log_offset, self.metrics_offset)
        while not parser.ended:
            data = await channel.stdout.read(READ_SIZE)
            if not data:
                return
            for event in parser.feed(data):
                for counted in self._counted(event):
                    yield counted

    def _counted(self, event: Event) -> list[Event]:
        if isinstance(event, MetricRows):
            return self._rows(event.data)
        if isinstance(event, LogChunk):
            self.log_offset = event.offset + len(event.data)
        elif event.state.ended:
            return [*self._rows(b"", rest=True), event]
        return [event]

    def _rows(self, data: bytes, *, rest: bool = False) -> list[Event]:
        data = self._torn + data
        end = data.rfind(b"\n") + 1
        if rest or (not end and len(data) > LINE_LIMIT):
            end = len(data)
        self._torn = data[end:]
        if not end:
            return []
        rows = MetricRows(self.metrics_offset, data[:end])
        self.metrics_offset += end
        return [rows]


def _fault(line: bytes) -> FrameError:
    return FrameError(
        f"the machine's follower sent something else: {line[:80]!r}",
        "another version of the payload may be in its place; install it again",
    )
