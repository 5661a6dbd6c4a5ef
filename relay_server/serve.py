"""The relay as a process part: `async with serve(settings) as relay`, in anybody's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.metadata
import itertools
import logging
from typing import TYPE_CHECKING, Final, TypeVar

from relay_server import health, wire
from relay_server.access import RELAY_CALLS, authorize
from relay_server.admission import admit
from relay_server.audit import Audit
from relay_server.connection import SLICE, Connection
from relay_server.crowd import Crowd
from relay_server.effects import Append, Broadcast, Effect, Effects, Expel, Reload, Send, Snapshot
from relay_server.errands import Errands
from relay_server.errors import (
    AccessDenied,
    RelayError,
    RoleChanged,
    StoreFailed,
)
from relay_server.fanout import Turns
from relay_server.invites import PREFIX, InviteBook
from relay_server.journal import journal_of
from relay_server.keys import Keys
from relay_server.lobby import Lobby
from relay_server.member import tell_apart
from relay_server.places import memory_used
from relay_server.ports import Ports
from relay_server.registrar import Asker, Registrar
from relay_server.replica import Broken
from relay_server.room import Room
from relay_server.seat import Seat, framed
from relay_server.wire import CAPS, Close

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay_server.journal import Journal
    from relay_server.settings import RelaySettings

T = TypeVar("T")

log = logging.getLogger(__name__)

TICK: Final = 0.5  # seconds between looks at silence, revoked tokens and cold rooms
GOODBYE: Final = 2.0  # seconds clients have to leave when the relay closes
RETURNS: Final = 200  # clients that may come back to a restarted relay in a second


@contextlib.asynccontextmanager
async def serve(settings: RelaySettings) -> AsyncIterator[Relay]:
    """Runs a relay while the context is open; then it keeps what it has and says goodbye (1012).

    Raises:
        BadSetting, PortTaken, StoreFailed: it cannot start.
        StoreFailed: on the way out, when something not yet acknowledged could not be written.
    """
    settings.check()
    relay = Relay(settings, Keys.load(settings.key_path), journal_of(settings.store))
    await relay.start()
    try:
        yield relay
    finally:
        await relay.close()


class Relay:
    """Sockets, rooms and the journal put together; made by `serve`.

    Attributes:
        port: what it listens on.
        url: where clients connect, `ws://HOST:PORT` or `wss://`.
        keys: mints and revokes tokens.
        counters: what happened so far.
    """

    def __init__(self, settings: RelaySettings, keys: Keys, journal: Journal) -> None:
        self.settings = settings
        self.keys = keys
        self.counters = health.Counters()
        self.loop = asyncio.get_running_loop()
        self.turns = Turns(self.loop, settings.window, self._flush)
        self.inbox = memoryview(bytearray(SLICE))  # where connections read to, one at a time
        self.port = settings.port
        self.crowd = Crowd(settings.limits, self.counters)
        self.errands = Errands(self.loop)
        self.audit = Audit(settings.audit)
        self._registrar = Registrar(keys, InviteBook.beside(settings.key_path), self.audit)
        self._journal = journal
        self._lobby = Lobby(journal)
        self._seats: dict[int, Seat] = {}  # by member id
        self._numbers = itertools.count(1)
        self._loads: dict[Room, asyncio.Task[None]] = {}
        self._behind = False  # the store is, and somebody is not read because of it
        self._ports = Ports(settings)
        self._ticker: asyncio.TimerHandle | None = None
        self._closing = False

    @property
    def url(self) -> str:
        """Where clients connect."""
        host = self.settings.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
        host = f"[{host}]" if ":" in host else host
        return f"{'wss' if self.settings.tls_cert else 'ws'}://{host}:{self.port}"

    @property
    def full(self) -> bool:
        """Whether there is no place for another connection."""
        return self._closing or self.crowd.full

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Opens the journal and the port. Raises what `serve` raises."""
        await self._journal.open(self)
        try:
            self.port = await self._ports.open(
                self.settings.port, lambda: Connection(self, next(self._numbers))
            )
            if self.settings.metrics_port is not None:
                await self._ports.open(
                    self.settings.metrics_port,
                    lambda: Connection(self, next(self._numbers), http_only=True),
                )
        except BaseException:
            await self._ports.close()
            await self._journal.close()
            raise
        self.audit.note("relay started", url=self.url)
        self._tick()

    async def close(self) -> None:
        """Takes no more, keeps what it has, tells every client to come back, and ends."""
        self._closing = True
        log.info("relay closes, with %d connections", len(self.crowd))
        if self._ticker is not None:
            self._ticker.cancel()
        self._ports.shut()
        self.turns.close()
        for task in self._loads.values():
            task.cancel()
        await asyncio.gather(*self._loads.values(), return_exceptions=True)
        await self.errands.settle()
        # Clients that wait a random part of this come back one after another.
        wait = max(1, len(self.crowd) // RETURNS)
        try:
            await self._journal.close()
        finally:
            self.turns.close()
            for client in self.crowd:
                client.close(Close.RESTART, f"relay restarts; retry-after={wait}")
            await self.crowd.emptied(GOODBYE)
            await self._ports.close()
            self.turns.close()
            self.audit.note("relay stopped")
            self.audit.close()

    def _tick(self) -> None:
        now = self.loop.time()
        self._ticker = self.loop.call_later(TICK, self._tick)
        self.keys.refresh()
        self.audit.follow()
        self.crowd.look(now)
        self._check_grants()
        for room in self._lobby.rooms.values():
            self._perform(room, room.rest(now))
        for room in self._lobby.cold(now, self.settings.linger):
            if room not in self._loads:
                self._forget(room)

    def _check_grants(self) -> None:
        for client in self.crowd:
            for grant in {seat.grant for seat in client.seats.values()}:
                try:
                    self.keys.check(grant)
                except RoleChanged as error:
                    client.close(Close.ROLE_CHANGED, error.message)
                except AccessDenied as error:
                    client.close(Close.REVOKED, error.message)

    def _forget(self, room: Room) -> None:
        self._perform(room, room.flush())
        self._perform(room, room.snapshot())
        if room not in self._loads:
            self.turns.forget(room)
            self._lobby.forget(room)

    # ------------------------------------------------------------ connections

    def answer(self, path: str) -> health.Answer | None:
        """The response to a plain GET."""
        self.counters.quarantined = self._lobby.quarantined
        self.counters.audit_lost = self.audit.lost
        gauges = health.Gauges(
            version=_version(),
            connections=len(self.crowd),
            rooms=len(self._lobby.rooms),
            members=len(self._seats),
            backlog_bytes=self._journal.backlog,
            lag=self.counters.acks.lag(self.loop.time()),
            memory=memory_used(),
            store_failing=self._journal.failing,
            full=self.full,
            closing=self._closing,
        )
        return health.answer(path, self.counters, gauges)

    def join(
        self, connection: Connection, address: str, name: str, message: wire.Token
    ) -> Seat | wire.Denied | wire.History:
        """Lets a connection into a room, or says why not; the room is made when it is new.

        Returns:
            The room's history when the client's copy is of another; it has not joined then.
        """
        try:
            admission = admit(self.keys, name, message, len(connection.seats))
        except AccessDenied as error:
            self.audit.note(
                "refused",
                room=name[: CAPS.room],
                connection=connection.number,
                source=connection.address,
                reason=error.message,
            )
            return wire.Denied(error.message)
        self.leave(connection, address)
        room = self._lobby.room(name)
        history = self._lobby.history(name)
        if admission.history not in ("", history):
            return wire.History(history)
        member = admission.member(next(self._numbers), connection.number, told=bool(address))
        tell_apart(member, room.members.values())
        prefix = wire.write_string(address) if address else None
        seat = Seat(connection, connection.outbox, member.id, room, admission.grant, prefix)
        connection.seats[address] = seat
        self._seats[member.id] = seat
        writes = authorize(member.role, wire.Update(b""), room.policy)
        seat.send(wire.Granted("read-write" if writes else "readonly"))
        if member.own:
            seat.send(wire.History(history))
        self._perform(room, room.join(member))
        if not room.restored:
            self._load(room)
        self.audit.note(
            "joined",
            room=name,
            connection=connection.number,
            name=member.shown_name,
            role=member.role,
            id=member.grant_id,
            source=connection.address,
        )
        return seat

    def exchange(self, connection: Connection, address: str, room: str, token: str) -> None:
        """Answers an invite's code with a token, or with Denied and the end of the connection."""

        def errand() -> wire.Issued | wire.Denied:
            try:
                code = token.removeprefix(PREFIX)
                return wire.Issued(self._registrar.exchange(code, room, connection.address))
            except RelayError as error:
                return wire.Denied(error.message)

        self.errands.run(errand, lambda answer: connection.exchanged(address, answer))

    def leave(self, connection: Connection, address: str) -> None:
        """A connection leaves one of its rooms, if it is in it."""
        seat = connection.seats.pop(address, None)
        if seat is not None:
            self._seats.pop(seat.member, None)
            self._perform(seat.room, seat.room.leave(seat.member))
            self.audit.note("left", room=seat.room.name, connection=connection.number)

    def receive(self, seat: Seat, message: wire.Message) -> None:
        """A message of a member."""
        if self._closing:
            return  # not acknowledged, so the client sends it again to the next relay
        if type(message) is wire.Update:
            self.update(seat, message.update)
            return
        if type(message) is wire.Call and self._call(seat, message):
            return
        self._perform(seat.room, seat.room.receive(seat.member, message))
        self._hold_back(seat)

    def update(self, seat: Seat, update: bytes) -> None:
        """The update of a member's Update message."""
        if self._closing:
            return
        self.counters.updates += 1
        room = seat.room
        effects = room.update(seat.member, update)
        if effects:
            self._perform(room, effects)
        else:
            self.turns.flush_soon(room)
        self._hold_back(seat)

    def _hold_back(self, seat: Seat) -> None:
        """Reads a client no more while the store is far behind."""
        if self._journal.backlog > self.settings.limits.backlog_bytes:
            self._behind = True
            seat.client.hold("store")

    def _call(self, seat: Seat, call: wire.Call) -> bool:
        """Notes a call that changes something; True when it is the relay's own to answer."""
        member = seat.room.members[seat.member]
        granted = authorize(member.role, call, seat.room.policy)
        own = call.method.startswith(RELAY_CALLS)
        if call.changes or own or not granted:
            self.audit.note(
                "call",
                room=seat.room.name,
                method=call.method,
                connection=member.connection,
                name=member.shown_name,
                role=member.role,
                granted=granted,
            )
        if not (own and granted):
            return False  # what is not granted, the room refuses
        asker = Asker(
            room=seat.room.name,
            connection=member.connection,
            name=member.shown_name,
            role=member.role,
            expires=seat.grant.expires,
            url=self.settings.public_url or seat.client.reached or self.url,
        )
        self.errands.run(
            lambda: self._registrar.answer(asker, call), lambda reply: self._answered(seat, reply)
        )
        return True

    def _answered(self, seat: Seat, reply: wire.Reply) -> None:
        if seat.member in self._seats:
            seat.send(reply)
        self._check_grants()

    # ------------------------------------------------------------ the journal's word

    def durable(self, room: str, ticket: int) -> None:
        """See `journal.Listener`."""
        self.counters.acks.safe(ticket, self.loop.time())
        found = self._lobby.rooms.get(room)
        if found is not None:
            self._perform(found, found.durable(ticket))
        if self._behind and self._journal.backlog < self.settings.limits.backlog_bytes // 2:
            self._behind = False
            for client in self.crowd:
                client.release("store")

    def failed(self, room: str, ticket: int) -> None:
        """See `journal.Listener`."""
        found = self._lobby.rooms.get(room)
        if found is not None:
            self._perform(found, found.failed(ticket))

    def _load(self, room: Room) -> None:
        if room not in self._loads:
            self._loads[room] = self.loop.create_task(self._fill(room), name="load")

    async def _fill(self, room: Room) -> None:
        try:
            effects = await self._lobby.load(room)
        except (StoreFailed, Broken) as error:
            log.error("room %s: %s", room.name, error.message)
            for member in list(room.members):
                self._expel(member, Close.INTERNAL, "the room cannot be loaded now")
            self.turns.forget(room)
            self._lobby.forget(room)
            return
        finally:
            del self._loads[room]
        self._perform(room, effects)  # which may be to load it again

    # ------------------------------------------------------------ effects

    def _flush(self, room: Room) -> None:
        self._perform(room, room.flush())

    def _perform(self, room: Room, effects: Effects) -> None:
        run: list[wire.Message] = []  # broadcasts to the same members, which go out together
        skip: frozenset[int] = frozenset()
        for effect in effects:
            if type(effect) is Broadcast:
                if run and effect.skip != skip:
                    self._broadcast(room, run, skip)
                    run = []
                run.append(effect.message)
                skip = effect.skip
                continue
            if run:
                self._broadcast(room, run, skip)
                run = []
            if type(effect) is Append:
                self.counters.appended += 1
                self.counters.acks.wait(effect.ticket, self.loop.time())
                self._journal.append(room.name, effect.ticket, effect.update, effect.awaited)
            else:
                self._perform_rare(room, effect)
        if run:
            self._broadcast(room, run, skip)
        if room.due:
            self.turns.flush_soon(room)

    def _perform_rare(self, room: Room, effect: Effect) -> None:
        match effect:
            case Send(member, message):
                seat = self._seats.get(member)
                if seat is not None:
                    seat.send(message)
            case Snapshot(state):
                self._journal.snapshot(room.name, state)
            case Reload():
                self._load(room)
            case Expel(member, code, reason):
                self._expel(member, code, reason)

    def _broadcast(self, room: Room, messages: list[wire.Message], skip: frozenset[int]) -> None:
        """Builds each frame once per way of addressing, and joins those that go out together."""
        spared = sum(member in room.members for member in skip)
        self.counters.deliveries += len(messages) * (len(room.members) - spared)
        bodies = [wire.encode_body(message) for message in messages]
        blobs: dict[bytes | None, bytes] = {}
        seats = self._seats
        for member in room.members:
            if member in skip:
                continue
            seat = seats[member]
            blob = blobs.get(seat.prefix)
            if blob is None:
                frames = [framed(seat.prefix, *pair) for pair in zip(bodies, messages, strict=True)]
                blob = blobs[seat.prefix] = b"".join(filter(None, frames))
            if blob:
                seat.outbox.send(blob)

    def _expel(self, member: int, code: int, reason: str) -> None:
        seat = self._seats.get(member)
        if seat is not None:
            seat.client.close(code, reason)


def calm_collector() -> None:
    """Spares a process that is a relay and nothing else most of the garbage collector's pauses.

    What was made to start up stays, and what messages leave behind is freed without it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _version() -> str:
    try:
        return importlib.metadata.version("studio-tui")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
