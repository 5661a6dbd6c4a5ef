"""One websocket to a relay, kept alive: connect, notice silence, reconnect with jitter."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from relay_server import wire
from relay_server.errors import WireError
from studio_tui.document.presence import printable
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync.backoff import Backoff

PERMANENT = range(4400, 4500)
_RETRY_AFTER = re.compile(r"retry-after=(\d{1,4})\b").search
LOOPBACK = ("127.0.0.1", "::1", "localhost")
REASON_CAP = 200
BACKLOG = 64 << 20
"""Bytes that may wait to be sent before the relay counts as gone."""
SLOWEST = 64 << 10
"""Bytes per second of the thinnest line on which a large message still arrives."""


class LinkState(Enum):
    """What the top line shows: connecting (the first attempt), live, or offline (trying again)."""

    CONNECTING = "connecting"
    LIVE = "live"
    OFFLINE = "offline"


@dataclass(frozen=True)
class Endpoint:
    """Where a relay listens and what opens it. The token travels in a message, not in the URL.

    Attributes:
        tls: for a wss URL whose certificate the system does not know.
    """

    url: str
    token: str = field(repr=False)
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class Timing:
    """How patient a session is, in seconds.

    Attributes:
        probe_after: between two pings, which measure the round trip.
        dead_after: of silence until the relay counts as gone, whatever TCP thinks.
        open: for an attempt to connect.
        close: for what is still queued when the session ends, and again for the goodbye.
        check_every: between two comparisons of state vectors.
        answer: for the host's answer to a call.
    """

    probe_after: float = 2.0
    dead_after: float = 5.0
    open: float = 5.0
    close: float = 1.0
    check_every: float = 15.0
    answer: float = 30.0


class _Socket(ClientConnection):
    """A websocket that notes when bytes last came: half a message is a sign of life, too."""

    heard = 0.0
    unanswered = 0  # bytes sent since then

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.heard = self.loop.time()
        self.unanswered = 0
        super().data_received(data)


class Link:
    """Messages in, messages out, over a websocket that comes back by itself.

    Args:
        locate: finds the endpoint; asked again before every attempt, because a restarted host may
            listen elsewhere. Its StudioError is shown as the reason for being offline.
        on_open: called with the token when the socket is open.
        on_message: called with each message and its room.
        on_lost: called when the socket is gone.
        on_state: called after every change of `state`, `reason`, `round_trip` or `failure`.
        timing: how long things may take.
        draw: random numbers in [0, 1) for the waits between attempts.
    """

    def __init__(
        self,
        locate: Callable[[], Awaitable[Endpoint]],
        on_open: Callable[[str], None],
        on_message: Callable[[str, wire.Message], None],
        on_lost: Callable[[], None],
        on_state: Callable[[], None],
        timing: Timing,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.state = LinkState.CONNECTING
        self.reason = ""
        self.url = ""
        self.round_trip: float | None = None
        self.failure: StudioError | None = None
        self._locate = locate
        self._on_open = on_open
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_state = on_state
        self._timing = timing
        self._backoff = Backoff(draw)
        self._socket: _Socket | None = None
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._queued = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._pinged: float | None = None
        self._gave_up = ""

    # -- what the owner asks ------------------------------------------------------------------

    def send(self, room: str, message: wire.Message) -> None:
        """Queue one message; dropped while the link is down (rooms catch up when it is back).

        Raises:
            StudioError: it is larger than the relay takes.
        """
        frame = wire.encode(room, message)
        if len(frame) > wire.CAPS.message:
            raise StudioError(
                f"{len(frame) >> 10} KiB at once are more than the relay takes",
                f"send at most {wire.CAPS.message >> 10} KiB",
            )
        if self._socket is None:
            return
        self._queued += len(frame)
        self._outbox.put_nowait(frame)
        self._drained.clear()
        if self._queued > BACKLOG:
            self._give_up(self._socket, "the relay does not read")

    def settled(self) -> None:
        """A room has synchronised: the relay is healthy, so the next outage starts small."""
        self._backoff.reset()

    def fail(self, problem: StudioError) -> None:
        """Give up for good."""
        self.failure = problem
        if self._socket is not None:
            self._give_up(self._socket, problem.message)
        else:
            self._fell(problem.message)
            self._on_state()

    async def flush(self) -> None:
        """Wait until everything queued has been handed to the socket, or the link is down."""
        await self._drained.wait()

    async def run(self) -> None:
        """Stay connected until cancelled, or refused for good (`failure` says why)."""
        while self.failure is None:
            try:
                endpoint = await self._locate()
                self.url = endpoint.url
                connection = await dial(endpoint, self._timing)
            except (StudioError, OSError) as problem:
                self._fell(_reason(problem))
                self._on_state()
            else:
                try:
                    await self._live(connection, endpoint.token)
                finally:
                    await self._part(connection)
            if self.failure is None:
                await asyncio.sleep(self._backoff.next())

    # -- one connection -----------------------------------------------------------------------

    async def _live(self, connection: _Socket, token: str) -> None:
        """Serve an open websocket until it closes."""
        connection.heard = connection.loop.time()
        self._socket = connection
        self._outbox, self._queued = asyncio.Queue(), 0
        self._pinged, self._gave_up = None, ""
        try:
            self.state, self.reason = LinkState.LIVE, ""
            self._on_state()
            self._on_open(token)
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write(connection), name="relay link: write")
                watching = tasks.create_task(self._watch(connection), name="relay link: watch")
                await self._read(connection)
                writing.cancel()
                watching.cancel()
        finally:
            self._socket = None
            self._drained.set()
            self._closed(connection)

    async def _part(self, connection: _Socket) -> None:
        """Say goodbye; a relay that does not listen is not waited for."""
        try:
            async with asyncio.timeout(self._timing.close):
                await connection.close()
        except TimeoutError:
            pass
        finally:
            connection.transport.abort()

    def _closed(self, connection: _Socket) -> None:
        """Say why the websocket closed, and whether there is any use in another attempt."""
        code = connection.close_code
        reason = printable(connection.close_reason or "", REASON_CAP)
        if self.failure is None and code is not None and code in PERMANENT:
            self.failure = _refusal(code, reason)
        if code == wire.Close.RESTART and (hint := _RETRY_AFTER(reason)):
            self._backoff.spread(float(hint[1]))
        self._fell(self._gave_up or reason or "the connection to the relay was lost")
        self._on_lost()
        self._on_state()

    async def _read(self, connection: _Socket) -> None:
        try:
            while self.failure is None:
                self._take(await connection.recv(decode=False))
        except ConnectionClosed:
            return

    def _take(self, frame: bytes) -> None:
        try:
            room, message = wire.decode(frame)
        except WireError as problem:
            self.fail(
                StudioError(
                    f"what answers at {self.url} does not speak the relay's protocol: {problem}",
                    "is the address right, and are the versions alike?",
                )
            )
            return
        match message:
            case wire.Ping():
                self.send("", wire.Pong())
            case wire.Pong():
                self._ponged()
            case _:
                self._on_message(room, message)

    async def _write(self, connection: _Socket) -> None:
        outbox = self._outbox
        try:
            while True:
                frame = await outbox.get()
                connection.unanswered += len(frame)
                await connection.send(frame)
                self._queued -= len(frame)
                if outbox.empty():
                    self._drained.set()
        except ConnectionClosed:
            return

    async def _watch(self, connection: _Socket) -> None:
        """Ping now and then, and end a connection on which nothing has come for too long."""
        while True:
            silence = connection.loop.time() - connection.heard
            # An answer comes after all that was sent before the question, and no message is larger
            # than the cap: a thin line is given the time that it needs for one.
            sending = min(connection.unanswered, wire.CAPS.message) / SLOWEST
            left = self._timing.dead_after + sending - silence
            if left <= 0:
                self._give_up(connection, "the relay does not answer")
                return
            self._ping(connection)
            await asyncio.sleep(min(self._timing.probe_after, left))

    def _ping(self, connection: _Socket) -> None:
        if self._pinged is None:
            self._pinged = connection.loop.time()
            self.send("", wire.Ping())

    def _ponged(self) -> None:
        if self._pinged is not None and self._socket is not None:
            self.round_trip = self._socket.loop.time() - self._pinged
            self._pinged = None
            self._on_state()

    def _give_up(self, connection: _Socket, reason: str) -> None:
        self._gave_up = self._gave_up or reason
        connection.transport.abort()

    def _fell(self, reason: str) -> None:
        self.round_trip = None
        self.state, self.reason = LinkState.OFFLINE, reason


async def dial(endpoint: Endpoint, timing: Timing) -> _Socket:
    """An open websocket.

    Raises:
        NotFound: nothing answers there, or not in this protocol.
    """
    try:
        parts = urlsplit(endpoint.url)
        connection = await connect(
            endpoint.url,
            open_timeout=timing.open,
            close_timeout=timing.close,
            ping_interval=None,
            compression=None,
            max_size=wire.CAPS.state,
            user_agent_header=None,
            # No proxy leads back to this machine.
            proxy=None if parts.hostname in LOOPBACK else True,
            create_connection=_Socket,
            ssl=(endpoint.tls or True) if parts.scheme == "wss" else None,
        )
    except (OSError, WebSocketException, ValueError, ImportError) as problem:
        # ValueError: a port or a host name that cannot be. ImportError: a SOCKS proxy.
        raise NotFound(_reason(problem)) from problem
    assert isinstance(connection, _Socket)
    return connection


def _refusal(code: int, reason: str) -> StudioError:
    """The error for a close code that says "do not come back like this"."""
    if code in (wire.Close.TOKEN, wire.Close.REVOKED):
        return Refused(f"the relay closed the connection: {reason}", "ask for a new invite")
    return StudioError(
        f"the relay closed the connection: {reason or code}", "are the versions alike?"
    )


def _reason(problem: Exception) -> str:
    """Why there is no connection, in a few words for the top line."""
    if isinstance(problem, TimeoutError):
        return "the relay does not answer"
    if isinstance(problem, ssl.SSLCertVerificationError):
        why = printable(problem.verify_message, REASON_CAP)
        return f"its certificate is not trusted, {why}; login and attach take --ca FILE"
    if isinstance(problem, socket.gaierror | ssl.SSLError):
        return printable(problem.strerror or str(problem), REASON_CAP)
    if isinstance(problem, OSError) and problem.errno:
        return os.strerror(problem.errno).lower()
    return printable(str(problem), REASON_CAP) or type(problem).__name__
