"""A client's session with a relay: rooms joined over one link, calls to the studio's host."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from relay_server import wire
from relay_server.errors import InvalidUpdate, WireError
from studio_tui.document.replica import DocumentPoisoned
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync.link import Endpoint, Link, LinkState
from studio_tui.sync.room import Phase, Room

CHECK_EVERY = 15.0
CALL_TIMEOUT = 30.0
JOIN_TIMEOUT = 10.0


class Session:
    """Many rooms over one websocket.

    Use as an async context manager. Callbacks run on the event loop, one after another.

    Args:
        locate: finds the relay, see `Link`.
        name: display name to ask for; the relay may pin another one.
        role: role to ask for ("host" for a studio's host), "" for what the token grants.
    """

    def __init__(
        self, locate: Callable[[], Awaitable[Endpoint]], name: str = "", role: str = ""
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self.link = Link(locate, self._opened, self._received, self._lost)
        self.on_change: Callable[[], None] | None = None
        self._hello = json.dumps({"name": name, "as": role})
        self._token = ""
        self._call_ids = itertools.count(1)
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._moved = asyncio.Event()
        self.link.on_state = self._changed

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self.link.run(), name="relay link"),
            asyncio.create_task(self._check(), name="state-vector check"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for room in list(self.rooms.values()):
            room.closed()
        await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # -- rooms --------------------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """The link's state; a session whose socket is open but refused is still offline."""
        return self.link.state

    @property
    def unsaved(self) -> int:
        """Edits of this client, in all rooms, that the relay has not confirmed as durable."""
        return sum(room.unsaved for room in self.rooms.values())

    def room(self, name: str) -> Room:
        """The room `name`, joined in the background if it is not joined yet."""
        if name not in self.rooms:
            room = Room(
                name, lambda message: self.link.send(wire.encode(name, message)), self._hello
            )
            self.rooms[name] = room
            if self.state is LinkState.LIVE:
                room.opened(self._token)
        return self.rooms[name]

    async def join(self, name: str, timeout: float = JOIN_TIMEOUT) -> Room:
        """The room `name`, with the relay's content in it.

        Raises:
            Refused: the token does not open it.
            NotFound: the relay did not answer within `timeout` seconds.
        """
        room = self.room(name)
        try:
            async with asyncio.timeout(timeout):
                await self.until(lambda: room.phase in (Phase.LIVE, Phase.REFUSED))
        except TimeoutError:
            reason = self.link.reason or "no answer in time"
            raise NotFound(
                f"could not join {name}: {reason}", "is the studio running? see: studio-tui ls"
            ) from None
        if room.phase is Phase.REFUSED:
            raise Refused(
                f"the relay refused {name}: {room.refusal}", "ask its owner for an invite"
            )
        return room

    def leave(self, name: str) -> None:
        """Forget a room; its unconfirmed edits are lost with it, so look at `unsaved` first."""
        room = self.rooms.pop(name, None)
        if room is not None:
            room.closed()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds; looked at after everything that happens in the session.

        Raises:
            StudioError: the relay has closed this session for good.
        """
        while not condition():
            if self.link.failure is not None:
                raise self.link.failure
            self._moved.clear()
            await self._moved.wait()

    # -- calls --------------------------------------------------------------------------------

    async def call(
        self, room: str, method: str, params: dict[str, Any], *, changes: bool
    ) -> dict[str, Any]:
        """Ask the studio's host; returns the reply's JSON object.

        Args:
            changes: False for a query that any role may send, True for what changes something.

        Raises:
            StudioError: the host's own error; NotFound when it is away or does not answer.
        """
        if self.state is not LinkState.LIVE:
            raise NotFound(
                f"offline: {self.link.reason}", "it reconnects by itself; try again then"
            )
        call_id = next(self._call_ids)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[call_id] = reply
        try:
            body = json.dumps(params).encode()
            self.link.send(wire.encode(room, wire.Call(call_id, method, body, changes, None)))
            async with asyncio.timeout(CALL_TIMEOUT):
                return dict(json.loads(await reply))
        except TimeoutError:
            raise NotFound(f"the host did not answer {method} in {CALL_TIMEOUT:.0f} s") from None
        finally:
            del self._calls[call_id]

    def reply(self, room: str, call_id: int, result: dict[str, Any] | StudioError) -> None:
        """Answer a call that came in through `Room.on_call` (hosts only)."""
        if isinstance(result, StudioError):
            problem = {"message": result.message, "hint": result.hint, "code": result.exit_code}
            message = wire.Reply(call_id, False, json.dumps(problem).encode())
        else:
            message = wire.Reply(call_id, True, json.dumps(result).encode())
        self.link.send(wire.encode(room, message))

    def stream(self, room: str, stream: str, seq: int, data: bytes) -> None:
        """Send one frame of an ordered stream; lost when the link is down, never stored."""
        self.link.send(wire.encode(room, wire.Stream(stream, seq, data, None)))

    # -- what the link reports ----------------------------------------------------------------

    def _opened(self, token: str) -> None:
        self._token = token
        for room in self.rooms.values():
            room.opened(token)

    def _lost(self) -> None:
        for room in self.rooms.values():
            room.lost()
        for call in self._calls.values():
            if not call.done():
                call.set_exception(NotFound("the connection was lost before the host answered"))

    def _received(self, frame: bytes) -> None:
        try:
            name, message = wire.decode(frame)
        except WireError as problem:
            self.link.failure = StudioError(
                f"the relay sent what is not the protocol: {problem}", "are the versions alike?"
            )
        else:
            self._dispatch(name, message)
        self._changed()

    def _dispatch(self, name: str, message: wire.Message) -> None:
        if isinstance(message, wire.Ping):
            self.link.send(wire.encode(name, wire.Pong()))
        elif isinstance(message, wire.Pong):
            self.link.pong()
        elif isinstance(message, wire.Reply):
            self._answered(message)
        elif (room := self.rooms.get(name)) is not None:
            self._deliver(room, message)

    def _deliver(self, room: Room, message: wire.Message) -> None:
        try:
            room.received(message)
        except (InvalidUpdate, DocumentPoisoned) as problem:
            room.refusal = str(problem)
            room.phase = Phase.REFUSED
        if room.phase is Phase.LIVE:
            self.link.settled()

    def _answered(self, message: wire.Reply) -> None:
        call = self._calls.get(message.call_id)
        if call is None or call.done():
            return
        if message.ok:
            call.set_result(message.body)
        else:
            call.set_exception(read_problem(message.body))

    def _changed(self) -> None:
        self._moved.set()
        if self.on_change is not None:
            self.on_change()

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            for room in self.rooms.values():
                room.check()


def read_problem(body: bytes) -> StudioError:
    """The error that a failed call's body describes."""
    try:
        problem = json.loads(body)
        message, hint, code = problem["message"], problem.get("hint", ""), problem.get("code")
    except (ValueError, KeyError, TypeError, AttributeError):
        return StudioError("the host answered with an error that cannot be read")
    if code == "away":
        return NotFound("the studio's host is away", hint or "start it again: studio-tui open")
    kinds = {kind.exit_code: kind for kind in (NotFound, Refused)}
    return kinds.get(code, StudioError)(str(message), str(hint))
