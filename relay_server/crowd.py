"""The crowd: every connection of a relay, and whether there is a place for another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from relay_server.limits import Addresses
from relay_server.places import ACCEPTS, memory_limit, memory_used, places
from relay_server.wire import Close

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay_server.health import Counters
    from relay_server.limits import Limits
    from relay_server.seat import Client

log = logging.getLogger(__name__)


class Crowd:
    """Who is connected.

    Args:
        limits: how many are too many.
        counters: are told who came, and who was sent away and why.
    """

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self._limits = limits
        self._counters = counters
        self._addresses = Addresses(limits)
        self._places = places()
        self._memory = memory_limit()
        self._heavy = False  # most of the memory that there is for the process is used
        self._clients: set[Client] = set()
        self._nobody = asyncio.Event()  # set when the last one is gone

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        """Those who are here now; they may go meanwhile."""
        return iter(list(self._clients))

    @property
    def full(self) -> bool:
        """Whether there is no place for those who are here, the last one among them."""
        return self._heavy or len(self._clients) > min(self._limits.connections, self._places)

    def enter(self, client: Client) -> bool:
        """A socket is here; False when it is one too many from its address."""
        self._counters.connections += 1
        self._clients.add(client)
        self._nobody.clear()
        if len(self._clients) > self._places + ACCEPTS:
            client.abort()  # an answer to each of a flood would cost what is left
        return self._addresses.enter(client.address, client.heard)

    def leave(self, client: Client) -> None:
        """A socket is gone."""
        self._clients.discard(client)
        self._addresses.leave(client.address)
        if not self._clients:
            self._nobody.set()

    def dropped(self, client: Client, code: int, reason: str) -> None:
        """A connection is ended by the relay, or not let in; a close code or an HTTP status."""
        self._counters.closed[code] += 1
        if code != Close.RESTART:
            log.info("connection %d of %s: %d, %s", client.number, client.address, code, reason)

    def look(self, now: float) -> None:
        """Looks for who is gone, and at the memory; call every second or so."""
        self._addresses.forget(now)
        self._weigh()
        for client in self:
            client.watch(now)

    def _weigh(self) -> None:
        heavy = memory_used() > self._memory
        if heavy and not self._heavy:
            log.warning("memory is short; nobody else is let in until it is not")
        self._heavy = heavy

    async def emptied(self, patience: float) -> None:
        """Waits until nobody is left, and ends those who are after `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            if self._clients:
                await asyncio.wait_for(self._nobody.wait(), patience)
        for client in self:
            client.abort()
