"""Relays that can be stopped and started again, lines that can be cut, and sessions on them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from relay_server.keys import Keys
from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from studio_tui.sync.link import Endpoint, Timing
from studio_tui.sync.session import Session

ROOM = "calm-otter"
QUICK = Timing(probe_after=0.05, dead_after=4.0, open=4.0, close=1.0, check_every=0.1, answer=10.0)


class RelayPlace:
    """A relay with a port and a key of its own, whether or not it runs.

    Args:
        folder: for the key and the store.
        stored: whether it keeps documents on disk.
    """

    def __init__(self, folder: Path, stored: bool) -> None:
        self.port = 0
        self.store = f"sqlite:///{folder / 'relay.sqlite'}" if stored else "memory:"
        self.key_path = folder / "relay.key"
        self.relay: Relay | None = None
        self._stack = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def token(self, role: str = "editor", name: str | None = None, room: str = ROOM) -> str:
        return Keys.load(self.key_path).mint(room=room, role=role, name=name)

    async def start(self) -> None:
        settings = RelaySettings(port=self.port, store=self.store, key_path=self.key_path)
        self.relay = await self._stack.enter_async_context(serve(settings))
        self.port = self.relay.port

    async def stop(self) -> None:
        await self._stack.aclose()
        self.relay = None


class Line:
    """A TCP line to a port, which can go silent or be cut.

    Silent: both ends stay open and nothing passes, as when a laptop changes its network.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0

    async def __aenter__(self) -> Line:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    def silence(self) -> None:
        self._passing.clear()

    def heal(self) -> None:
        self._passing.set()

    async def cut(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                there = await asyncio.open_connection("127.0.0.1", self._target)
                try:
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._pump(reader, there[1]))
                        tasks.create_task(self._pump(there[0], writer))
                finally:
                    there[1].transport.abort()
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._passing.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


Attach = Callable[..., Awaitable[Session]]
OpenLine = Callable[[int], Awaitable[Line]]


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[RelayPlace]:
    """A relay that keeps nothing."""
    place = RelayPlace(tmp_path, stored=False)
    await place.start()
    yield place
    await place.stop()


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[RelayPlace]:
    """A relay with a store."""
    place = RelayPlace(tmp_path, stored=True)
    await place.start()
    yield place
    await place.stop()


@pytest.fixture
async def line() -> AsyncIterator[OpenLine]:
    """`await line(port)`: a line to that port."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(port: int) -> Line:
            return await stack.enter_async_context(Line(port))

        yield make


@pytest.fixture
def quick() -> Timing:
    """A session's patience, in the time that a test has."""
    return QUICK


@pytest.fixture
async def attach() -> AsyncIterator[Attach]:
    """`await attach(url, token)`: a session, ended with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(
            url: str, token: str, name: str = "", role: str = "", timing: Timing = QUICK
        ) -> Session:
            async def locate() -> Endpoint:
                return Endpoint(url, token)

            return await stack.enter_async_context(Session(locate, name, role, timing))

        yield make
