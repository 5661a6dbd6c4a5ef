"""Ports of the studio's machines, led to this computer's loopback through the relay."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Self

from studio_tui.client.answer import Answer
from studio_tui.document.entries import JobEntry, PortEntry
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync.tunnel import STREAM, Tunnel

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment
    from studio_tui.client.job import Job
    from studio_tui.sync import Stream

LOOPBACK = "127.0.0.1"
AGAIN_SECONDS = 0.5


class Ports:
    """The ports that reach the host's computer: those of servers, and those somebody asked for.

    Args:
        studio: the studio.
    """

    def __init__(self, studio: Attachment) -> None:
        self._studio = studio

    def list(self) -> list[PortEntry]:
        """Every port that is forwarded, by machine and number."""
        return sorted(self._studio.document.ports.values(), key=lambda p: (p.machine, p.port))

    async def open(self, port: int, machine: str | None = None) -> PortEntry:
        """Have a port of a machine reach the host's computer; `local` of the result is its port.

        Args:
            port: where something listens on that machine's loopback.
            machine: the studio's machine when None.

        Raises:
            NotFound: there is no such machine, or it cannot be reached.
            Refused: a viewer.
        """
        where = {"machine": machine} if machine else {}
        return PortEntry.read(await self._studio.command("ports.open", port=port, **where))

    async def close(self, port: int, machine: str | None = None) -> None:
        """Give a forwarded port back, for everybody.

        Raises:
            NotFound: it is not forwarded. StudioError: it is that of a job that runs.
        """
        await self._studio.command("ports.close", id=self.find(port, machine).id)

    def find(self, port: int, machine: str | None = None) -> PortEntry:
        """The forwarded port of that number; on the studio's machine first.

        Raises:
            NotFound: there is none.
        """
        here = machine or self._studio.document.info.machine
        found = [p for p in self.list() if p.port == port and machine in (None, p.machine)]
        if not found:
            hint = f"forward it: studio-tui port forward {self._studio.id} {port}"
            raise NotFound(f"port {port} is not forwarded", hint)
        return min(found, key=lambda p: p.machine != here)

    async def forward(self, port: int, *, machine: str | None = None, at: int = 0) -> Forward:
        """Have a port of a machine listen on this computer's loopback, as long as one likes.

        Each connection goes through the relay to the host, and from there to the machine.

        Args:
            port: where something listens on that machine's loopback.
            machine: the studio's machine when None.
            at: the port that is wished for here; one that is free when 0.

        Raises:
            NotFound: there is no such machine, or it cannot be reached.
            Refused: a viewer.
            StudioError: `at` is taken here.
        """
        with contextlib.suppress(NotFound):
            return await Forward.begun(self._studio, self.find(port, machine), at)
        return await Forward.begun(self._studio, await self.open(port, machine), at)


class Forward:
    """A port of a machine on this computer's loopback, and nowhere else.

    When the link or the host is lost its connections end; new ones work once they are back.

    Args:
        studio: the studio.
        entry: which port.
    """

    def __init__(self, studio: Attachment, entry: PortEntry) -> None:
        self.entry = entry
        self.port = 0
        self._studio = studio
        self._tunnel: Tunnel | None = None
        self._task: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None
        self._seq = itertools.count(1)

    @classmethod
    async def begun(cls, studio: Attachment, entry: PortEntry, at: int) -> Self:
        """See Ports.forward."""
        made = cls(studio, entry)
        room = await made._led()
        try:
            made._server = await asyncio.start_server(made._accepted, LOOPBACK, at)
        except OSError as problem:
            await made._left(room)
            raise StudioError(
                f"port {at} of this computer cannot be had: {problem.strerror}", "choose another"
            ) from problem
        made.port = int(made._server.sockets[0].getsockname()[1])
        made._task = asyncio.create_task(made._keep(room), name=f"forwarding {entry.id}")
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Where a browser finds it on this computer."""
        return f"http://{LOOPBACK}:{self.port}"

    async def wait(self) -> None:
        """Wait until it is of no use any more: the port was given back, or the studio was left.

        Raises:
            StudioError: why.
        """
        if self._task is not None:
            await asyncio.shield(self._task)

    async def close(self) -> None:
        """Listen no more, and end its connections."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._tunnel is None:
            writer.transport.abort()
        else:
            self._tunnel.accepted(reader, writer)

    async def _keep(self, room: str) -> None:
        """Have a tunnel whenever the host can be reached."""
        try:
            while True:
                await self._until_lost(room)
                room = await self._led_again()
        finally:
            if self._server is not None:
                self._server.close()
            with contextlib.suppress(StudioError):
                await self._left(room)

    async def _until_lost(self, name: str) -> None:
        studio, host = self._studio, self._studio.host_connection
        room = studio.session.room(name)

        def send(data: bytes) -> None:
            studio.session.stream(name, STREAM, next(self._seq), data)

        tunnel, broken = Tunnel(send), False

        def came(message: Stream) -> None:
            nonlocal broken
            try:
                tunnel.received(message.data)
            except StudioError:
                broken = True

        def lost() -> bool:
            return broken or self._gone or studio.host_connection != host or not studio.reachable

        self._tunnel, room.on_stream = tunnel, came
        try:
            await studio.until(lost)
        finally:
            self._tunnel = room.on_stream = None
            await tunnel.closed()
            studio.session.leave(name)

    async def _led_again(self) -> str:
        """Another tunnel, once the host is back; it may be another host, which opens it anew."""
        while True:
            await self._studio.until(lambda: self._studio.reachable)
            try:
                return await self._led()
            except Refused:
                raise
            except NotFound:
                if self._studio.reachable and self._gone:
                    raise
                await asyncio.sleep(AGAIN_SECONDS)

    @property
    def _gone(self) -> bool:
        """Whether the port was given back; a new host lists that of a server a little later."""
        document, entry = self._studio.document, self.entry
        job = document.jobs.get(entry.job)
        return entry.id not in document.ports and (job is None or job.over)

    async def _led(self) -> str:
        answer = Answer("ports.lead", await self._studio.command("ports.lead", id=self.entry.id))
        name = answer.text("room")
        if not name.startswith(f"{self._studio.id}/port/"):
            raise Refused(f"{name} is a room outside of this studio", "ask whoever hosts it")
        await self._studio.session.join(name)
        return name

    async def _left(self, room: str) -> None:
        self._studio.session.leave(room)
        if self._studio.reachable:
            await self._studio.command("ports.leave", room=room)


async def answering(studio: Attachment, job: Job) -> PortEntry:
    """The port of a job's server, once it is well.

    Raises:
        StudioError: the job ended before.
    """
    await studio.until(lambda: job.entry.over or _up(studio, job.entry) is not None)
    entry = _up(studio, job.entry)
    if entry is None:
        raise StudioError(
            f"{job.entry.name} {job.entry.state} before it answered",
            f"its log says why: studio-tui job logs {studio.id} {job.id}",
        )
    return entry


def _up(studio: Attachment, job: JobEntry) -> PortEntry | None:
    ports = studio.document.ports.values()
    return next((p for p in ports if p.job == job.id and p.state == "up" and not job.over), None)
