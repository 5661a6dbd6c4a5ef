"""One websocket to a relay, kept alive: connect, notice silence, reconnect with jitter."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from relay_server import wire
from studio_tui.errors import Refused, StudioError
from studio_tui.sync.backoff import Backoff

PROBE_AFTER = 2.0
DEAD_AFTER = 5.0
OPEN_TIMEOUT = 5.0
PERMANENT = range(4400, 4500)


class LinkState(Enum):
    """What the top line shows: connecting (never been up yet), live, or offline (trying again)."""

    CONNECTING = "connecting"
    LIVE = "live"
    OFFLINE = "offline"


@dataclass(frozen=True)
class Endpoint:
    """Where a relay listens and what opens it. The token travels in a message, not in the URL."""

    url: str
    token: str


class Link:
    """Frames in, frames out, over a websocket that comes back by itself.

    Args:
        locate: finds the endpoint; asked again before every attempt, because a restarted host may
            listen elsewhere. Its StudioError is shown as the reason for being offline.
        on_open: called with the token when the socket is open.
        on_frame: called with each frame.
        on_lost: called when the socket is gone.
    """

    def __init__(
        self,
        locate: Callable[[], Awaitable[Endpoint]],
        on_open: Callable[[str], None],
        on_frame: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.state = LinkState.CONNECTING
        self.reason = ""
        self.url = ""
        self.round_trip: float | None = None
        self.failure: StudioError | None = None
        self.on_state: Callable[[], None] | None = None
        self.tls: ssl.SSLContext | None = None
        self._locate = locate
        self._on_open = on_open
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._backoff = Backoff(random.random)
        self._socket: ClientConnection | None = None
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._heard = 0.0
        self._pinged: float | None = None

    def send(self, frame: bytes) -> None:
        """Queue one frame; dropped when the link is down (rooms send again when it is back)."""
        if self._socket is not None:
            self._outbox.put_nowait(frame)

    def settled(self) -> None:
        """A room has synchronised: the relay is healthy, so the next outage starts small."""
        self._backoff.reset()

    async def run(self) -> None:
        """Stay connected until cancelled, or refused for good (`failure` says why)."""
        while self.failure is None:
            try:
                endpoint = await self._locate()
                self.url = endpoint.url
                await self._connected(endpoint)
            except StudioError as problem:
                self._fell(problem.message)
            except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as problem:
                self._fell(str(problem) or type(problem).__name__)
            if self.failure is None:
                await asyncio.sleep(self._backoff.next())

    async def _connected(self, endpoint: Endpoint) -> None:
        async with connect(
            endpoint.url,
            ssl=self.tls if endpoint.url.startswith("wss:") else None,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=1,
            ping_interval=None,
            compression=None,
            max_size=wire.CAPS.state,
            user_agent_header=None,
        ) as socket:
            self._socket = socket
            self._outbox = asyncio.Queue()
            self._heard = time.monotonic()
            self._pinged = None
            try:
                self._enter(LinkState.LIVE, "")
                self._on_open(endpoint.token)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._write(socket))
                    tasks.create_task(self._watch(socket))
                    await self._read(socket)
                    raise _Ended
            except* _Ended:
                self._ended(socket)
            finally:
                self._socket = None
                self._on_lost()

    def _ended(self, socket: ClientConnection) -> None:
        code = socket.close_code or 1006
        reason = socket.close_reason or "the connection to the relay was lost"
        if code in PERMANENT:
            kind = Refused if code in (4401, 4403) else StudioError
            self.failure = kind(
                f"the relay closed the connection: {reason}", "ask for a new invite"
            )
        self._fell(reason)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            while True:
                frame = await socket.recv(decode=False)
                self._heard = time.monotonic()
                self._on_frame(frame)
        except ConnectionClosed:
            return

    async def _write(self, socket: ClientConnection) -> None:
        try:
            while True:
                await socket.send(await self._outbox.get())
        except ConnectionClosed:
            return

    async def _watch(self, socket: ClientConnection) -> None:
        """Measure the round trip every 2 s; a relay silent for 5 s is gone, whatever TCP thinks."""
        while True:
            await asyncio.sleep(PROBE_AFTER)
            if time.monotonic() - self._heard > DEAD_AFTER:
                socket.transport.abort()
                return
            self._pinged = time.monotonic()
            self.send(wire.encode("", wire.Ping()))

    def pong(self) -> None:
        """The relay answered the last ping."""
        if self._pinged is not None:
            self.round_trip = time.monotonic() - self._pinged
            self._pinged = None
            self._tell()

    def _fell(self, reason: str) -> None:
        self.round_trip = None
        self._enter(LinkState.OFFLINE, reason)

    def _enter(self, state: LinkState, reason: str) -> None:
        self.state, self.reason = state, reason
        self._tell()

    def _tell(self) -> None:
        if self.on_state is not None:
            self.on_state()


class _Ended(Exception):
    """The socket is closed; ends the connection's task group."""
