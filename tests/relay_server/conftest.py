"""Real clients on loopback, and updates as the document library writes them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from pycrdt import Doc, Text
from websockets.asyncio.client import ClientConnection, connect

from relay_server import wire
from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings

M = TypeVar("M")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A relay's command line sends what is logged to its stderr, for good."""
    root = logging.getLogger()
    library = logging.getLogger("websockets")
    handlers, level, library_level = root.handlers[:], root.level, library.level
    yield
    library.setLevel(library_level)
    root.handlers[:] = handlers
    root.setLevel(level)


@dataclass
class Peer:
    """A client that speaks one room of the Hocuspocus framing by hand."""

    socket: ClientConnection
    room: str
    doc: Doc = field(default_factory=Doc)
    seen: list[wire.Message] = field(default_factory=list)

    @property
    def text(self) -> Text:
        return self.doc.get("text", type=Text)

    async def send(self, message: wire.Message) -> None:
        await self.socket.send(wire.encode(self.room, message))

    async def receive(self) -> wire.Message:
        data = await self.socket.recv(decode=False)
        room, message = wire.decode(bytes(data))
        assert room in (self.room, "")
        self.seen.append(message)
        if isinstance(message, wire.Update | wire.Step2):
            self._merge(message.update)
        return message

    def _merge(self, update: bytes) -> None:
        """As our own client does: what does not fit is dropped, what it was waiting for is not."""
        for _ in range(2):
            with contextlib.suppress(RuntimeError):
                self.doc.apply_update(update)
                return

    async def expect(self, kind: type[M], wanted: Callable[[M], bool] = lambda _: True) -> M:
        """The next message of a kind; others are kept in `seen`."""
        async with asyncio.timeout(10):
            while True:
                message = await self.receive()
                if isinstance(message, kind) and wanted(message):
                    return message

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await self.receive()

    async def type(self, text: str, at: int | None = None) -> None:
        """Types at the end, and sends the update."""
        before = self.doc.get_state()
        self.text.insert(len(self.text) if at is None else at, text)
        await self.send(wire.Update(self.doc.get_update(before)))

    async def sync(self) -> None:
        await self.send(wire.Step1(self.doc.get_state()))
        await self.expect(wire.Step2)
        asked = await self.expect(wire.Step1)
        await self.send(wire.Step2(self.doc.get_update(asked.state_vector)))

    async def closed(self) -> int:
        """Waits for the close; its code."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(10):
                while True:
                    await self.receive()
        assert self.socket.close_code is not None
        return self.socket.close_code

    def abort(self) -> None:
        self.socket.transport.abort()


Join = Callable[..., Awaitable[Peer]]


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with serve(RelaySettings(port=0)) as running:
        yield running


@pytest.fixture
async def join(relay: Relay) -> AsyncIterator[Join]:
    """Joins a room: `join(room, role, name, own=True)`."""
    peers: list[Peer] = []

    async def make(
        room: str = "calm-otter",
        role: str = "editor",
        name: str | None = None,
        *,
        own: bool = True,
        token: str | None = None,
        url: str | None = None,
        synced: bool = True,
        history: str = "",
        doc: Doc | None = None,
    ) -> Peer:
        socket = await connect(url or relay.url, compression=None, max_size=None)
        peer = Peer(socket, room, doc or Doc())
        peers.append(peer)
        if token is None:
            token = relay.keys.mint(room="*", role=role, name=name)
        said = {"name": name or "", "as": "", "history": history}
        hello = json.dumps(said) if own else ""
        await peer.send(wire.Token(token, "1", hello))
        if synced:
            await peer.expect(wire.Granted)
            await peer.sync()
        return peer

    yield make
    for peer in peers:
        peer.abort()
        await peer.socket.wait_closed()


@pytest.fixture
def typed() -> Callable[[str], list[bytes]]:
    """The updates of somebody who types a text, one per character."""

    def updates(text: str) -> list[bytes]:
        doc: Doc = Doc()
        root = doc.get("text", type=Text)
        out = []
        for character in text:
            before = doc.get_state()
            root += character
            out.append(doc.get_update(before))
        return out

    return updates
