"""A client's session with a relay: rooms joined over one link, calls to the studio's host."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from relay_server import wire
from studio_tui.document.presence import printable
from studio_tui.errors import Away, NotFound, Refused, StudioError, UsageFault
from studio_tui.sync.link import Endpoint, Link, LinkState, Timing
from studio_tui.sync.room import Phase, Room

JOIN_TIMEOUT = 10.0
TEXT_CAP = 1000
PATIENT = Timing()

Outcome = wire.Reply | StudioError


class Session:
    """Many rooms over one websocket.

    Use as an async context manager, once. Callbacks run on the event loop, one after another; an
    error in one ends the session and comes out of its context.

    Args:
        locate: finds the relay, see `Link`.
        name: display name to ask for.
        role: role to ask for ("host" for a studio's host), "" for what the token grants.
        timing: how long things may take.
    """

    def __init__(
        self,
        locate: Callable[[], Awaitable[Endpoint]],
        name: str = "",
        role: str = "",
        timing: Timing = PATIENT,
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self.link = Link(locate, self._opened, self._received, self._lost, self._changed, timing)
        self.on_change: Callable[[], None] | None = None
        self._timing = timing
        self._hello = json.dumps({"name": name, "as": role})
        self._hosts = role == "host"
        self._token = ""
        self._call_ids = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Outcome]] = {}
        self._task: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._over: StudioError | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="relay session")
        self._task.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for room in list(self.rooms.values()):
            room.closed()
        self.on_change = None
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.close):
                    await self.link.flush()
        finally:
            self._over = self.link.failure or StudioError("the session is over", "attach again")
            self._moved.set()
            await self._end()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run(), name="relay link")
            tasks.create_task(self._check(), name="state-vector check")

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A bug, ours or a callback's, ended the session: whoever waits hears of it."""
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            while isinstance(problem, BaseExceptionGroup):
                problem = problem.exceptions[0]
            self.link.fail(StudioError(f"the session broke: {problem!r}", "please report this"))

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and (problem := task.exception()) is not None:
                raise problem

    # -- rooms --------------------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """The link's state. Live is an open socket; whether a room is joined, its phase says."""
        return self.link.state

    @property
    def failure(self) -> StudioError | None:
        """Why this session is over; None while it is connected or tries to be."""
        return self._over or self.link.failure

    @property
    def unsaved(self) -> int:
        """Edits of this client, in all rooms, that the relay has not confirmed as durable."""
        return sum(room.unsaved for room in self.rooms.values())

    def room(self, name: str) -> Room:
        """The room `name`, joined in the background if it is not joined yet."""
        if name not in self.rooms:
            send = functools.partial(self.link.send, name)
            room = Room(name, send, self._hello, restores=self._hosts)
            room.on_edit = self._changed
            self.rooms[name] = room
            if self.state is LinkState.LIVE:
                room.opened(self._token, self.link.url)
        return self.rooms[name]

    async def join(self, name: str, timeout: float = JOIN_TIMEOUT) -> Room:
        """The room `name`, with the relay's content in it.

        Raises:
            Refused: the token does not open it.
            NotFound: the relay did not answer within `timeout` seconds.
            StudioError: its document is broken, or the session is over.
        """
        room = self.room(name)
        try:
            async with asyncio.timeout(timeout):
                await self.until(lambda: room.phase in (Phase.LIVE, Phase.REFUSED, Phase.BROKEN))
        except TimeoutError:
            reason = self.link.reason or "no answer in time"
            # There is no address yet while nobody could say where the studio is.
            where = f" at {self.link.url}" if self.link.url else ""
            raise NotFound(
                f"could not join {name}{where}: {reason}",
                "do the studio and its relay run? see: studio-tui ls",
            ) from None
        if room.phase is not Phase.LIVE and room.problem is not None:
            raise room.problem
        return room

    def leave(self, name: str) -> None:
        """Forget a room; its unconfirmed edits are lost with it, so look at `unsaved` first."""
        room = self.rooms.pop(name, None)
        if room is not None:
            room.closed()
            self._changed()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds; looked at after everything that happens in the session.

        That is: every message, every edit made here, every change of the link. Between looking
        and waiting nothing else runs, so nothing is missed; what happens in one turn of the event
        loop wakes once.

        Raises:
            StudioError: the session is over, see `failure`.
        """
        while not condition():
            if self.failure is not None:
                raise self.failure.with_traceback(None)
            self._moved.clear()
            await self._moved.wait()

    # -- calls --------------------------------------------------------------------------------

    async def call(
        self, room: str, method: str, params: dict[str, Any], *, changes: bool
    ) -> dict[str, Any]:
        """Ask the studio's host; returns the reply's JSON object.

        Args:
            room: a room that this session has joined and the host too.
            method: what to do.
            params: anything that JSON holds.
            changes: False for a query that any role may send, True for what changes something.

        Raises:
            StudioError: the host's own error; NotFound when it is away or does not answer.
        """
        self._check_callable(room)
        call_id = next(self._call_ids)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._calls[call_id] = answer
        try:
            body = json.dumps(params).encode()
            self.link.send(room, wire.Call(call_id, method, body, changes))
            async with asyncio.timeout(self._timing.answer):
                return read_reply(method, await answer)
        except TimeoutError:
            raise NotFound(
                f"the host did not answer {method} in {self._timing.answer:.0f} s",
                "it may be busy; try again",
            ) from None
        finally:
            del self._calls[call_id]

    def _check_callable(self, room: str) -> None:
        if self.failure is not None:
            raise self.failure.with_traceback(None)
        if self.state is not LinkState.LIVE:
            reason = self.link.reason or "not connected yet"
            raise Away(f"offline: {reason}", "it reconnects by itself; try again then")
        asked = self.rooms.get(room)
        if asked is not None and asked.phase in (Phase.REFUSED, Phase.BROKEN) and asked.problem:
            raise asked.problem

    def reply(self, room: str, call_id: int, result: dict[str, Any] | StudioError) -> None:
        """Answer a call that came in through `Room.on_call` (hosts only)."""
        try:
            self.link.send(room, _reply(call_id, result))
        except StudioError as problem:
            self.link.send(room, _reply(call_id, problem))

    def stream(self, room: str, stream: str, seq: int, data: bytes) -> None:
        """Send one frame of an ordered stream; lost when the link is down, never stored.

        Raises:
            StudioError: it is larger than the relay takes.
        """
        self.link.send(room, wire.Stream(stream, seq, data))

    # -- what the link reports ----------------------------------------------------------------

    def _opened(self, token: str) -> None:
        self._token = token
        for room in list(self.rooms.values()):
            room.opened(token, self.link.url)

    def _lost(self) -> None:
        for room in list(self.rooms.values()):
            room.lost()
        for call in self._calls.values():
            problem = NotFound(
                "the connection was lost before the host answered",
                "look whether it was done before you try again",
            )
            _settle(call, problem)

    def _received(self, name: str, message: wire.Message) -> None:
        if isinstance(message, wire.Reply):
            if (call := self._calls.get(message.call_id)) is not None:
                _settle(call, message)
        elif (room := self.rooms.get(name)) is not None:
            room.received(message)
            if room.phase is Phase.LIVE:
                self.link.settled()
        self._changed()

    def _changed(self) -> None:
        self._moved.set()
        if self.on_change is not None:
            self.on_change()

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(self._timing.check_every)
            for room in list(self.rooms.values()):
                room.check()


def _settle(call: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not call.done():
        call.set_result(outcome)


def _reply(call_id: int, result: dict[str, Any] | StudioError) -> wire.Reply:
    if isinstance(result, StudioError):
        problem = {"message": result.message, "hint": result.hint, "code": result.exit_code}
        return wire.Reply(call_id, False, json.dumps(problem).encode())
    return wire.Reply(call_id, True, json.dumps(result).encode())


def read_reply(method: str, outcome: Outcome) -> dict[str, Any]:
    """The JSON object that answers a call of `method`.

    Raises:
        StudioError: the host's error, or why there is no answer.
    """
    if isinstance(outcome, StudioError):
        raise outcome
    answer = _read_object(outcome.body)
    if answer is None:
        raise StudioError(f"the host's answer to {method} cannot be read", "is it another version?")
    if not outcome.ok:
        raise read_problem(answer)
    return answer


def read_problem(problem: dict[str, Any]) -> StudioError:
    """The error that a failed call's reply describes: {"message", "hint", "code"}."""
    message, hint = (printable(str(problem.get(key, "")), TEXT_CAP) for key in ("message", "hint"))
    match problem.get("code"):
        case "away":
            return Away("the studio's host is away", "start it again: studio-tui open")
        case "refused" | Refused.exit_code:
            kind: type[StudioError] = Refused
        case NotFound.exit_code:
            kind = NotFound
        case UsageFault.exit_code:
            kind = UsageFault
        case _:
            kind = StudioError
    return kind(message or "the host answered with an error that it does not explain", hint)


def _read_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
