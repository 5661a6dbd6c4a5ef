"""A job of the studio, followed live: state, log by offset, metrics."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from relay_server import wire
from studio_tui.client.logtail import LogTail, split_lines
from studio_tui.document.entries import JobEntry
from studio_tui.errors import NotFound

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.sync.room import Room

CHUNK = 256 * 1024
OFFSET_BYTES = 8
Curves = dict[str, list[tuple[int, float]]]


class Job:
    """A job, running or over.

    Args:
        studio: the studio it belongs to.
        id: the job's id.
        room: its joined room; being in it is what subscribes to the log and the metrics.
    """

    def __init__(self, studio: Studio, id: str, room: Room) -> None:
        self.studio = studio
        self.id = id
        self.room = room
        self.metrics: Curves = {}
        self.on_metrics: Callable[[], None] | None = None
        self._listeners: set[asyncio.Queue[tuple[int, bytes]]] = set()
        self._metrics_stale = asyncio.Event()
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

    async def chunks(self, offset: int = 0, *, follow: bool = True) -> AsyncIterator[bytes]:
        """The log from byte `offset` on, as it grows, until the job is over and all was given.

        Args:
            follow: False for what is there now, and no more.
        """
        tail = LogTail(offset)
        queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                over = self.entry.over
                async for data in self._stored(tail):
                    yield data
                if not follow or (over and queue.empty()):
                    return
                async for data in self._live(tail, queue):
                    yield data
        finally:
            self._listeners.discard(queue)

    async def _stored(self, tail: LogTail) -> AsyncIterator[bytes]:
        """What the host has and we have not."""
        while True:
            answer = await self.studio.query(
                "jobs.log", job=self.id, offset=tail.offset, length=CHUNK
            )
            fresh = tail.feed(int(answer["offset"]), base64.b64decode(answer["data"]))
            if fresh:
                yield fresh
            if tail.offset >= int(answer["size"]) or not fresh:
                return

    async def _live(
        self, tail: LogTail, queue: asyncio.Queue[tuple[int, bytes]]
    ) -> AsyncIterator[bytes]:
        """What is streamed, until something is missing or the job is over."""
        while not self.entry.over:
            getter = asyncio.ensure_future(queue.get())
            over = asyncio.ensure_future(self.studio.until(lambda: self.entry.over))
            try:
                await asyncio.wait((getter, over), return_when=asyncio.FIRST_COMPLETED)
                if not getter.done():
                    over.result()
                    return
                fresh = tail.feed(*getter.result())
            finally:
                getter.cancel()
                over.cancel()
            if fresh:
                yield fresh
            if tail.missing is not None:
                return

    async def logs(self) -> AsyncIterator[str]:
        """The log's lines from the start, as they come, until the job is over."""
        rest = b""
        async for data in self.chunks():
            lines, rest = split_lines(rest, data)
            for line in lines:
                yield line.decode(errors="replace")
        if rest:
            yield rest.decode(errors="replace")

    async def wait(self) -> int:
        """Wait for the end; returns the exit code, 128 + n for signal n, 75 when it was lost."""
        await self.studio.until(lambda: self.entry.over)
        await self.load_metrics()
        entry = self.entry
        if entry.state == "lost":
            return 75
        if entry.state == "stopped" and not entry.exit_code:
            return 143
        return entry.exit_code or 0

    async def stop(self) -> None:
        """Stop the job and everything it started; returns when the host has asked for it."""
        await self.studio.command("jobs.stop", job=self.id)

    async def load_metrics(self) -> Curves:
        """Fetch the curves so far: metric name -> [(step, value)]."""
        answer = await self.studio.query("jobs.metrics", job=self.id)
        self.metrics = _curves(answer["metrics"])
        return self.metrics

    def _streamed(self, message: wire.Stream) -> None:
        if message.stream == "log":
            offset = int.from_bytes(message.data[:OFFSET_BYTES], "big")
            for queue in self._listeners:
                queue.put_nowait((offset, message.data[OFFSET_BYTES:]))
        elif message.stream == "metrics" and self.on_metrics is not None:
            self.on_metrics()


def _curves(value: Any) -> Curves:
    """Curves out of a reply: anything that is not a step and a number is left out."""
    if not isinstance(value, dict):
        return {}
    return {
        str(name): [(int(step), float(number)) for step, number in points]
        for name, points in value.items()
    }
