"""Ports of the studio's machines: forwarded to here, looked after, and led on to people."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable, Set
from dataclasses import dataclass, replace

from relay_server.wire import Sender, Stream
from studio_tui.document.entries import JobEntry, PortEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, command
from studio_tui.host.ids import is_id
from studio_tui.host.jobs.serving import FAILING, STARTING, UP, health
from studio_tui.host.machines.sites import Sites
from studio_tui.jobs.spec import LAST_PORT
from studio_tui.sync.session import Session
from studio_tui.sync.tunnel import STREAM, Ends, Tunnel

log = logging.getLogger(__name__)

FORWARDS = 32
TUNNELS = 32
LOOK_SECONDS = 0.5
WELL_SECONDS = 15.0
"""So often is a server looked at that answers."""
AWAY = "away"


@dataclass(frozen=True)
class _Led:
    """A tunnel to one person: which port of which machine, whose, and its room."""

    port: str
    machine: str
    owner: Sender
    tunnel: Tunnel
    room: str


class Ports:
    """Every forwarded port of one studio.

    Args:
        sites: the studio's machines.
        document: the studio document; the servers among its jobs have their ports forwarded.
        session: the host's session with the relay.
        studio: the studio's id.
        tasks: owns one task per server, which looks how it is.

    Attributes:
        on_use: called with the machine whose port somebody has just used.
    """

    def __init__(
        self,
        sites: Sites,
        document: StudioDocument,
        session: Session,
        studio: str,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._sites = sites
        self._document = document
        self._session = session
        self._studio = studio
        self._tasks = tasks
        self._servers: dict[str, asyncio.Task[None]] = {}
        self._led: dict[str, _Led] = {}
        self._joining = 0
        self._seq = itertools.count(1)
        self._moved = asyncio.Event()
        self.on_use: Callable[[str], None] = lambda machine: None

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            command("ports.open", self._open),
            command("ports.close", self._close),
            command("ports.lead", self._lead),
            command("ports.leave", self._leave),
        ]

    async def resume(self) -> None:
        """Look after the servers that run; what an earlier host forwarded is opened when used."""
        for entry in list(self._document.ports.values()):
            if entry.job or not _is_sound(entry):
                self._document.ports.remove(entry.id)
        self._document.jobs.observe(lambda _: self._look())
        self._look()

    # -- servers ------------------------------------------------------------------------------

    def _look(self) -> None:
        """Begin with the servers that have started, and end with those that are over."""
        self._moved.set()
        for job in self._document.jobs.values():
            if len(self._servers) >= FORWARDS:
                return
            if _is_server(job) and job.id not in self._servers:
                serving = self._serve(job)
                task = self._tasks.create_task(serving, name=f"server {job.id}")
                self._servers[job.id] = task

    async def _serve(self, job: JobEntry) -> None:
        """Tell how a server is until its job is over, or goes on elsewhere."""
        entry = PortEntry(
            _id(job.machine, job.port or 0), job.machine, job.port or 0, 0, STARTING,
            job=job.id, by=job.by,
        )  # fmt: skip
        try:
            while self._serves(entry):
                entry = await self._looked_at(entry, job.health)
                if not self._serves(entry):
                    break
                self._document.ports.put(entry)
                await self._pause(entry, WELL_SECONDS if entry.state == UP else LOOK_SECONDS)
        finally:
            self._servers.pop(job.id, None)
        await self._forget(entry)
        self._look()

    async def _pause(self, entry: PortEntry, seconds: float) -> None:
        """Until it is time to look again, or nothing serves there any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._serves(entry):
                    self._moved.clear()
                    await self._moved.wait()

    def _serves(self, entry: PortEntry) -> bool:
        """Whether the job of a port runs, on that machine."""
        job = self._document.jobs.get(entry.job)
        return job is not None and not job.over and job.machine == entry.machine

    async def _looked_at(self, entry: PortEntry, path: str) -> PortEntry:
        try:
            local = await self._forwarded(entry)
        except StudioError as problem:
            return replace(entry, state=AWAY, note=problem.message)
        state, note = await health(local, path)
        if state == STARTING and entry.state != STARTING:
            state, note = FAILING, "nothing answers there any more"
        return replace(entry, local=local, state=state, note=note)

    async def _forwarded(self, entry: PortEntry) -> int:
        """The port of this computer that reaches it; the same each time, if it can be."""
        site = await self._sites.at(entry.machine)
        return await site.connection.forward(entry.port, at=entry.local)

    async def _forget(self, entry: PortEntry) -> None:
        self._document.ports.remove(entry.id)
        for led in [led for led in self._led.values() if led.port == entry.id]:
            self._end(led)
        with contextlib.suppress(StudioError):
            site = await self._sites.at(entry.machine)
            await site.connection.unforward(entry.port)

    # -- calls --------------------------------------------------------------------------------

    async def _open(self, params: Params) -> Result:
        machine = params.text("machine", "", 256) or self._sites.here
        port = params.number("port", 1, LAST_PORT)
        known = self._sound(_id(machine, port))
        if known is not None:
            return known.plain()
        if len(self._document.ports) >= FORWARDS:
            raise StudioError(f"{FORWARDS} ports are forwarded", "close one: studio-tui port close")
        await self._sites.at(machine, wanted=True)
        entry = PortEntry(_id(machine, port), machine, port, by=params.sender.name)
        entry = replace(entry, local=await self._forwarded(entry))
        self._document.ports.put(entry)
        return entry.plain()

    async def _close(self, params: Params) -> Result:
        entry = self._known(params)
        if entry.job:
            name = self._document.jobs[entry.job].name if self._serves(entry) else entry.job
            raise StudioError(f"port {entry.port} is that of {name}, which runs", "stop the job")
        await self._forget(entry)
        return {}

    async def _lead(self, params: Params) -> Result:
        """Open a tunnel for the caller, through a room whose name only the caller is told."""
        entry = self._known(params)
        if len(self._led) + self._joining >= TUNNELS:
            raise StudioError(f"{TUNNELS} tunnels are open", "close one of them first")
        name = f"{self._studio}/port/{secrets.token_hex(16)}"
        self._joining += 1  # counted before anything is waited for: others may ask meanwhile
        try:
            room = await self._session.join(name)
        finally:
            self._joining -= 1

        def send(data: bytes) -> None:
            self._session.stream(name, STREAM, next(self._seq), data)

        async def dial() -> Ends:
            local = await self._forwarded(self._sound(entry.id) or entry)
            return await asyncio.open_connection("127.0.0.1", local)

        led = self._led[name] = _Led(
            entry.id, entry.machine, params.sender, Tunnel(send, dial), name
        )
        room.on_stream = lambda message: self._came(led, message)
        return {"room": name}

    async def _leave(self, params: Params) -> Result:
        led = self._led.get(params.text("room", cap=600))
        if led is not None and led.owner.connection == params.sender.connection:
            self._end(led)
        return {}

    def _known(self, params: Params) -> PortEntry:
        id = params.text("id", cap=300)
        entry = self._sound(id)
        if entry is None:
            raise NotFound(f"port {id} is not forwarded", f"see: studio-tui port ls {self._studio}")
        return entry

    def _sound(self, id: str) -> PortEntry | None:
        """The forwarded port of that id; what no host wrote there is forgotten."""
        entry = self._document.ports.get(id)
        if entry is None or _is_sound(entry):
            return entry
        log.warning("forgetting port %r, which no host has forwarded", id)
        self._document.ports.remove(id)
        return None

    # -- tunnels ------------------------------------------------------------------------------

    def _came(self, led: _Led, message: Stream) -> None:
        """A frame of the tunnel; from anybody but its owner it counts for nothing."""
        sender = message.sender
        if sender is None or sender.connection != led.owner.connection:
            return
        self.on_use(led.machine)
        try:
            led.tunnel.received(message.data)
        except StudioError as problem:
            log.warning("a tunnel of %r ends: %s", led.owner.name, problem)
            self._end(led)

    def present(self, connections: Set[int]) -> None:
        """End the tunnels of people who have left."""
        for led in [led for led in self._led.values() if led.owner.connection not in connections]:
            self._end(led)

    def _end(self, led: _Led) -> None:
        led.tunnel.close()
        self._led.pop(led.room, None)
        self._session.leave(led.room)


def _id(machine: str, port: int) -> str:
    return f"{machine}:{port}"


def _is_server(job: JobEntry) -> bool:
    """Whether a job has a port to be looked after; every editor can write what is none."""
    serves = job.port is not None and 0 < job.port <= LAST_PORT
    return serves and job.state == "running" and is_id(job.id)


def _is_sound(entry: PortEntry) -> bool:
    """Whether a host may have written `entry`; every editor can."""
    ports_exist = 0 < entry.port <= LAST_PORT and 0 <= entry.local <= LAST_PORT
    return ports_exist and entry.id == _id(entry.machine, entry.port)
