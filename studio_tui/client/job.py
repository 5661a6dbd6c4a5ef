"""A job of the studio, followed live: state, log by offset, metrics."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from studio_tui.client import moving
from studio_tui.client.answer import Answer
from studio_tui.client.joblog import JobLog
from studio_tui.client.logtail import Lines, LogTail
from studio_tui.client.marks import Mark, marks_of_moves, read_marks
from studio_tui.client.ranks import Rank, read_ranks
from studio_tui.document.entries import JobEntry, JobMove
from studio_tui.errors import NotFound
from studio_tui.sync import Stream

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment
    from studio_tui.sync.room import Room

READ_SIZE = 256 * 1024
WAITING_CHUNKS = 64
"""Streamed chunks that wait for a slow reader; those it loses are read from the stored log."""
OFFSET_BYTES = 8
LOST = 75
Curves = dict[str, list[tuple[int, float]]]
_Chunks = deque[tuple[int, bytes]]


class Job:
    """A job, running or over.

    Args:
        studio: the studio it belongs to.
        id: the job's id.
        room: its joined room; being in it is what subscribes to the log and the metrics.
    """

    def __init__(self, studio: Attachment, id: str, room: Room) -> None:
        self.studio = studio
        self.id = id
        self.room = room
        self.metrics: Curves = {}
        self.marks: list[Mark] = []
        self.precision = ""
        self.ranks: list[Rank] = []
        self.on_metrics: Callable[[], None] | None = None
        self._feeds: list[_Chunks] = []
        self._metric_rows = 0
        room.on_stream = self._streamed

    @property
    def entry(self) -> JobEntry:
        """The job as the studio document has it.

        Raises:
            NotFound: it was removed.
        """
        entry = self.studio.document.jobs.get(self.id)
        if entry is None:
            raise NotFound(f"job {self.id} was removed", f"see: studio-tui job ls {self.studio.id}")
        return entry

    @property
    def code(self) -> int | None:
        """The exit code: that of `entry`, but 75 when its end was not seen; None until the end."""
        entry = self.entry
        match entry.state:
            case "succeeded":
                return 0
            case "failed":
                return entry.exit_code or 1
            case "stopped":
                return entry.exit_code
            case "lost":
                return LOST
        return None

    # -- the log ------------------------------------------------------------------------------

    @property
    def log(self) -> JobLog:
        """The log from anywhere in it, and the pins on its lines."""
        return JobLog(self)

    async def chunks(self, offset: int = 0, *, follow: bool = True) -> AsyncIterator[bytes]:
        """The log from byte `offset` on, as it grows, until the job is over and all was given.

        Every byte comes once, in order, whatever happens to the link or the host meanwhile.

        Args:
            follow: False for what is there now, and no more.

        Raises:
            NotFound: the job was removed; without `follow`, also when the host is away.
        """
        tail, arrived = LogTail(offset), _Chunks(maxlen=WAITING_CHUNKS)
        self._feeds.append(arrived)
        try:
            while True:
                last = self.entry.over or not follow
                async for data in self._stored(tail, follow):
                    yield data
                if last:
                    return
                async for data in self._live(tail, arrived):
                    yield data
        finally:
            self._feeds = [feed for feed in self._feeds if feed is not arrived]

    async def _stored(self, tail: LogTail, patient: bool) -> AsyncIterator[bytes]:
        """What the host has and we have not."""
        ask = self.studio.ask if patient else self.studio.query
        while True:
            params = {"job": self.id, "offset": tail.offset, "length": READ_SIZE}
            answer = Answer("jobs.log", await ask("jobs.log", **params))
            tail.skip(answer.count("offset"))
            fresh = tail.feed(answer.count("offset"), answer.data("data"))
            if fresh:
                yield fresh
            if not fresh or tail.offset >= answer.count("size"):
                return

    async def _live(self, tail: LogTail, arrived: _Chunks) -> AsyncIterator[bytes]:
        """What is streamed, until something of it was missed or nothing more comes."""
        while True:
            await self.studio.until(
                lambda: bool(arrived) or self.entry.over or not self.studio.reachable
            )
            if not arrived:
                return
            fresh = tail.feed(*arrived.popleft())
            if fresh is None:
                return
            if fresh:
                yield fresh

    async def logs(self) -> AsyncIterator[str]:
        """The log's lines from the start, as they come, until the job is over."""
        lines = Lines()
        async for data in self.chunks():
            for line in lines.feed(data):
                yield line
        for line in lines.rest():
            yield line

    # -- its end ------------------------------------------------------------------------------

    async def wait(self) -> int:
        """Wait for the end and load the metrics; returns the exit code, see `code`.

        Raises:
            NotFound: it was removed before its end.
        """
        await self.studio.until(lambda: self.entry.over)
        code = self.code
        # The code is known whether or not anybody is there to tell the metrics.
        with contextlib.suppress(NotFound):
            await self.load_metrics()
        return LOST if code is None else code

    async def stop(self) -> None:
        """Stop the job and everything it started; returns when the host has done it."""
        await self.studio.command("jobs.stop", job=self.id)

    async def move(self, machine: str, *, precision: str = "", restart: bool = False) -> JobMove:
        """Take the running job to another machine; returns once it goes on there.

        It is held at a checkpoint, carried with the studio's files, and resumed: one job, one log,
        one curve. Whatever goes wrong, it runs on where it was, or `notes` say how to go on.

        Args:
            precision: what it goes on with; unchanged when empty.
            restart: also where no checkpoint can be asked for: what is not in one is lost.

        Raises:
            NotFound: there is no such machine.
            StudioError: it was not moved; the message says why, and what became of it.
        """
        return await moving.move(self, machine, precision, restart)

    async def stay(self) -> None:
        """Leave the job where it is, although somebody is about to move it.

        Raises:
            StudioError: nobody is.
        """
        await self.studio.command("jobs.stay", job=self.id)

    async def remove(self) -> None:
        """Forget the job with its log and metrics, for everybody.

        Raises:
            StudioError: it still runs.
        """
        await self.studio.command("jobs.remove", job=self.id)

    async def leave(self) -> None:
        """Follow it no more; it runs on."""
        self.studio.forget(self)

    def release(self) -> None:
        """Stop taking what is streamed; called when the room is left."""
        self.room.on_stream = None

    # -- metrics ------------------------------------------------------------------------------

    async def load_metrics(self) -> Curves:
        """Fetch the curves so far: metric name -> [(step, value)]; `metrics` keeps them.

        `marks` keeps the steps at which the job went on after a break, and `precision` what
        Lightning made of what was asked for, once it has said so.
        """
        return self._measured(await self.studio.query("jobs.metrics", job=self.id))

    def _measured(self, told: dict[str, Any]) -> Curves:
        answer = Answer("jobs.metrics", told)
        self.marks = read_marks(answer.values.get("marks")) + marks_of_moves(self.entry)
        self.metrics = read_curves(answer.values.get("metrics"))
        if isinstance(resolved := answer.values.get("precision"), str) and resolved:
            self.precision = resolved
        return self.metrics

    async def load_ranks(self) -> list[Rank]:
        """Fetch where each rank of a running job is; `ranks` keeps them. Empty once it is over."""
        answer = Answer("jobs.ranks", await self.studio.query("jobs.ranks", job=self.id))
        self.ranks = read_ranks(answer.values.get("ranks"))
        return self.ranks

    async def curves(self, every: float = 1.0) -> AsyncIterator[Curves]:
        """The curves each time they have grown, until the job is over.

        Args:
            every: seconds between two of them, at least.
        """
        while True:
            last, seen = self.entry.over, self._metric_rows
            yield self._measured(await self.studio.ask("jobs.metrics", job=self.id))
            if last:
                return
            await asyncio.sleep(every)
            await self.studio.until(partial(self._grown, seen))

    def _grown(self, seen: int) -> bool:
        return self._metric_rows > seen or self.entry.over or not self.studio.reachable

    def _streamed(self, message: Stream) -> None:
        if message.stream == "log" and len(message.data) >= OFFSET_BYTES:
            offset = int.from_bytes(message.data[:OFFSET_BYTES], "big")
            for feed in self._feeds:
                feed.append((offset, message.data[OFFSET_BYTES:]))
        elif message.stream == "metrics":
            self._metric_rows += 1
            if self.on_metrics is not None:
                self.on_metrics()


def read_curves(value: Any) -> Curves:
    """Curves out of a reply; what is not a whole step with a finite number is left out."""
    if not isinstance(value, dict):
        return {}
    curves = {
        str(name): [(point[0], float(point[1])) for point in points if _is_point(point)]
        for name, points in value.items()
        if isinstance(points, list)
    }
    return {name: points for name, points in curves.items() if points}


def _is_point(value: Any) -> bool:
    match value:
        case [int(step), int(number) | float(number)]:
            return not isinstance(step, bool) and abs(number) <= sys.float_info.max
    return False
