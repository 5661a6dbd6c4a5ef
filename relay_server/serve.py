"""The relay as a process part: `async with serve(settings) as relay`, in anybody's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.metadata
import itertools
import json
import logging
import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from relay_server import health, wire
from relay_server.access import RELAY_CALLS, Grant, authorize
from relay_server.audit import Audit
from relay_server.connection import SLICE, Connection, Seat, framed
from relay_server.effects import Append, Broadcast, Effect, Effects, Expel, Reload, Send, Snapshot
from relay_server.errors import (
    AccessDenied,
    BadSetting,
    InvalidUpdate,
    PortTaken,
    RelayError,
    RoleChanged,
    StoreFailed,
)
from relay_server.fanout import Turns
from relay_server.invites import PREFIX, InviteBook
from relay_server.journal import journal_of
from relay_server.keys import Keys
from relay_server.limits import Addresses
from relay_server.lobby import Lobby
from relay_server.member import Member, display_name, distinct
from relay_server.places import ACCEPTS, QUEUE, memory_limit, memory_used, places
from relay_server.registrar import Asker, Registrar
from relay_server.replica import Broken
from relay_server.room import Room
from relay_server.validate import Walked
from relay_server.wire import CAPS, Close

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
        self.audit = Audit(settings.audit)
        self._registrar = Registrar(keys, InviteBook.beside(settings.key_path), self.audit)
        self._errands: set[asyncio.Task[None]] = set()
        self._walker = ThreadPoolExecutor(1, "walker")
        self._addresses = Addresses(settings.limits)
        self._places = places()
        self._memory = memory_limit()
        self._journal = journal
        self._lobby = Lobby(journal)
        self._connections: set[Connection] = set()
        self._seats: dict[int, Seat] = {}  # by member id
        self._numbers = itertools.count(1)
        self._loads: dict[Room, asyncio.Task[None]] = {}
        self._held: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._ticker: asyncio.TimerHandle | None = None
        self._closing = False
        self._heavy = False  # most of the memory that there is for it is used
        self._nobody = asyncio.Event()  # set when the last connection is gone

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
        most = min(self.settings.limits.connections, self._places)
        return self._closing or self._heavy or len(self._connections) > most

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Opens the journal and the port. Raises what `serve` raises."""
        await self._journal.open(self)
        try:
            await self._listen(self.settings.port, http_only=False)
            self.port = int(self._servers[0].sockets[0].getsockname()[1])
            if self.settings.metrics_port is not None:
                await self._listen(self.settings.metrics_port, http_only=True)
        except BaseException:
            await self._stop_listening()
            await self._journal.close()
            raise
        self.audit.note("relay started", url=self.url)
        self._tick()

    async def close(self) -> None:
        """Takes no more, keeps what it has, tells every client to come back, and ends."""
        self._closing = True
        log.info("relay closes, with %d connections", len(self._connections))
        if self._ticker is not None:
            self._ticker.cancel()
        for server in self._servers:
            server.close()
        self.turns.close()
        for task in self._loads.values():
            task.cancel()
        await asyncio.gather(*self._loads.values(), return_exceptions=True)
        await asyncio.gather(*self._errands, return_exceptions=True)
        self._walker.shutdown()
        # Clients that wait a random part of this come back one after another.
        wait = max(1, len(self._connections) // RETURNS)
        try:
            await self._journal.close()
        finally:
            self.turns.close()
            for connection in list(self._connections):
                connection.close(Close.RESTART, f"relay restarts; retry-after={wait}")
            await self._emptied()
            await self._stop_listening()
            self.turns.close()
            self.audit.note("relay stopped")
            self.audit.close()

    async def _emptied(self) -> None:
        with contextlib.suppress(TimeoutError):
            if self._connections:
                await asyncio.wait_for(self._nobody.wait(), GOODBYE)
        for connection in list(self._connections):
            connection.abort()

    async def _listen(self, port: int, *, http_only: bool) -> None:
        settings = self.settings
        try:
            server = await self.loop.create_server(
                lambda: Connection(self, next(self._numbers), http_only),
                settings.host,
                port,
                ssl=_tls(settings),
                backlog=ACCEPTS,
            )
            queue_connections(server)
        except socket.gaierror as error:
            raise BadSetting(
                f"no such address: {settings.host}", "--host 127.0.0.1, or 0.0.0.0 for all"
            ) from error
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {settings.host}:{port}: {_why(error)}",
                "stop what listens there, or choose another with --port (0 takes a free one)",
            ) from error
        self._servers.append(server)

    async def _stop_listening(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    def _tick(self) -> None:
        now = self.loop.time()
        self._ticker = self.loop.call_later(TICK, self._tick)
        self.keys.refresh()
        self.audit.follow()
        self._addresses.forget(now)
        self._weigh()
        for connection in list(self._connections):
            connection.watch(now)
            self._check_grants(connection)
        for room in self._lobby.rooms.values():
            self._perform(room, room.rest(now))
        for room in self._lobby.cold(now, self.settings.linger):
            if room not in self._loads:
                self._forget(room)

    def _weigh(self) -> None:
        heavy = memory_used() > self._memory
        if heavy and not self._heavy:
            log.warning("memory is short; nobody else is let in until it is not")
        self._heavy = heavy

    def _check_grants(self, connection: Connection) -> None:
        for grant in {seat.grant for seat in connection.seats.values()}:
            try:
                self.keys.check(grant)
            except RoleChanged as error:
                connection.close(Close.ROLE_CHANGED, error.message)
            except AccessDenied as error:
                connection.close(Close.REVOKED, error.message)

    def _forget(self, room: Room) -> None:
        self._perform(room, room.flush())
        self._perform(room, room.snapshot())
        if room not in self._loads:
            self.turns.forget(room)
            self._lobby.forget(room)

    # ------------------------------------------------------------ connections

    def opened(self, connection: Connection) -> None:
        """A socket is here."""
        self.counters.connections += 1
        self._connections.add(connection)
        self._nobody.clear()
        connection.welcome = self._addresses.enter(connection.address, connection.heard)
        if len(self._connections) > self._places + ACCEPTS:
            connection.abort()  # an answer to each of a flood would cost what is left

    def lost(self, connection: Connection) -> None:
        """A socket is gone."""
        self._connections.discard(connection)
        self._held.discard(connection)
        self._addresses.leave(connection.address)
        if not self._connections:
            self._nobody.set()

    def dropped(self, connection: Connection, code: int, reason: str) -> None:
        """A connection is ended by the relay, or not let in; a close code or an HTTP status."""
        self.counters.closed[code] += 1
        if code != Close.RESTART:
            source = connection.address
            log.info("connection %d of %s: %d, %s", connection.number, source, code, reason)

    def answer(self, path: str) -> health.Answer | None:
        """The response to a plain GET."""
        self.counters.quarantined = self._lobby.quarantined
        self.counters.audit_lost = self.audit.lost
        gauges = health.Gauges(
            version=_version(),
            connections=len(self._connections),
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
            grant = self._grant(connection, name, message.token)
            hello = _hello(message.hello)
            role = grant.assume(hello.get("as", ""))
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
        if hello.get("history", history) not in ("", history):
            return wire.History(history)
        shown = grant.name or display_name(hello.get("name", ""))
        member = Member(
            id=next(self._numbers),
            connection=connection.number,
            name=display_name(shown),
            role=role,
            grant_id=grant.jti,
            own=bool(message.hello),
            pinned=bool(shown),
            vouched=grant.name is not None,
            told=bool(address),
        )
        member.name = distinct(member, room.members.values())
        if member.vouched:
            for other in room.members.values():
                other.name = distinct(other, [member])
        prefix = wire.write_string(address) if address else None
        seat = Seat(connection, member.id, room, grant, prefix)
        connection.seats[address] = seat
        self._seats[member.id] = seat
        writes = authorize(role, wire.Update(b""), room.policy)
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
            role=role,
            id=grant.jti,
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

        self._run_errand(errand, lambda answer: connection.exchanged(address, answer))

    def walk(self, update: bytes, done: Callable[[Walked | InvalidUpdate], None]) -> None:
        """Has a large update walked off the loop, one at a time."""

        def errand() -> Walked | InvalidUpdate:
            try:
                return Walked(update)
            except InvalidUpdate as error:
                return error

        self._run_errand(errand, done, self._walker)

    def _run_errand(
        self,
        errand: Callable[[], T],
        done: Callable[[T], None],
        thread: ThreadPoolExecutor | None = None,
    ) -> None:
        """Has something done that takes time, and goes on when it is."""

        async def run() -> None:
            done(await self.loop.run_in_executor(thread, errand))

        task = self.loop.create_task(run(), name="errand")
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _grant(self, connection: Connection, room: str, token: str) -> Grant:
        if not room or len(room) > CAPS.room or not room.isprintable():
            raise AccessDenied("a room's name is empty, too long or not printable")
        if len(connection.seats) >= CAPS.rooms:
            raise AccessDenied(f"{CAPS.rooms} rooms are joined already", "leave some")
        grant = self.keys.verify(token)
        if not grant.covers(room):
            raise AccessDenied("the token is not good for this room")
        return grant

    def leave(self, connection: Connection, address: str) -> None:
        """A connection leaves one of its rooms, if it is in it."""
        seat = connection.seats.pop(address, None)
        if seat is not None:
            connection.left(seat)
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
            self._held.add(seat.connection)
            seat.connection.hold(True)

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
            url=self.settings.public_url or seat.connection.reached or self.url,
        )
        self._run_errand(
            lambda: self._registrar.answer(asker, call), lambda reply: self._answered(seat, reply)
        )
        return True

    def _answered(self, seat: Seat, reply: wire.Reply) -> None:
        if seat.member in self._seats:
            seat.send(reply)
        for connection in list(self._connections):
            self._check_grants(connection)

    # ------------------------------------------------------------ the journal's word

    def durable(self, room: str, ticket: int) -> None:
        """See `journal.Listener`."""
        self.counters.acks.safe(ticket, self.loop.time())
        found = self._lobby.rooms.get(room)
        if found is not None:
            self._perform(found, found.durable(ticket))
        if self._held and self._journal.backlog < self.settings.limits.backlog_bytes // 2:
            held, self._held = self._held, set()
            for connection in held:
                connection.hold(False)

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
                seat.connection.send(blob)

    def _expel(self, member: int, code: int, reason: str) -> None:
        seat = self._seats.get(member)
        if seat is not None:
            seat.connection.close(code, reason)


def calm_collector() -> None:
    """Spares a process that is a relay and nothing else most of the garbage collector's pauses.

    What was made to start up stays, and what messages leave behind is freed without it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def queue_connections(server: asyncio.Server) -> None:
    """Lets more connections wait than are accepted in one turn, the two being one to asyncio."""
    for listening in server.sockets:
        with socket.socket(fileno=os.dup(listening.fileno())) as same:
            same.listen(QUEUE)


def _why(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _version() -> str:
    try:
        return importlib.metadata.version("studio-tui")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _hello(text: str) -> dict[str, str]:
    """What one of our own clients says of itself; nothing when it is not what was agreed."""
    try:
        hello = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(hello, dict):
        return {}
    return {key: value for key, value in hello.items() if isinstance(value, str)}


def _tls(settings: RelaySettings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(
            f"certificate {settings.tls_cert} cannot be used: {error}", "give PEM files"
        ) from error
    return context
