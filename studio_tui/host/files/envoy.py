"""A program on the machine that does what it is asked: requests to it, and its replies.

The program is `payload/folder/service.py`, where the frames are described.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.files.disk import ChangedOnDisk, NotEditable
from studio_tui.machines.connection import CommandFailed, ConnectionLost

if TYPE_CHECKING:
    from studio_tui.machines.connection import ByteReader, Channel

log = logging.getLogger(__name__)

HELLO = b"studio-tui folder\n"
HEAD_LIMIT = 1 << 20
BODY_LIMIT = 1 << 24
MOST = 16
"""Requests at the same time; the program takes twice as many."""
NOISE_LINES = 1000
"""Lines that a login shell may print before the program says that it is there."""
START_SECONDS = 30.0
END_SECONDS = 5.0
RETRY_SECONDS = 1.0
"""For so long a program that could not be started is not tried again."""

Told = TypeVar("Told")

_LENGTHS = struct.Struct(">II")


class NotThere(NotFound):
    """The program says so; what cannot be asked may be there all the same."""


_KINDS: dict[str, type[StudioError]] = {
    "missing": NotThere,
    "refused": Refused,
    "usage": UsageFault,
    "uneditable": NotEditable,
    "changed": ChangedOnDisk,
}


class Reply(NamedTuple):
    """What the program answered: a JSON object, and bytes."""

    head: dict[str, Any]
    body: bytes

    def told(self, key: str, kind: type[Told]) -> Told:
        """The value under `key`. StudioError: there is none of that kind."""
        value = self.head.get(key)
        if not isinstance(value, kind):
            raise StudioError(
                f"the machine's files have the {key} {value!r:.80}", "is the payload on it whole?"
            )
        return value


class Envoy:
    """The program, started when it is first needed, and again when it has gone.

    Args:
        start: starts the program there.
    """

    def __init__(self, start: Callable[[], Awaitable[Channel]]) -> None:
        self._channel = start
        self._life: _Life | None = None
        self._starting = asyncio.Lock()
        self._places = asyncio.Semaphore(MOST)
        self._failure: tuple[float, StudioError] | None = None
        self._closed = False

    async def look(self, do: str, body: bytes = b"", **what: object) -> Reply:
        """Ask for something that changes nothing: asked again when the answer was lost.

        Raises:
            ConnectionLost: the machine cannot be reached.
            StudioError: the program cannot be started; or what it says to the request.
        """
        with contextlib.suppress(ConnectionLost):
            return await self._ask(do, body, what)
        return await self._ask(do, body, what)

    async def change(self, do: str, body: bytes = b"", **what: object) -> Reply:
        """Ask for something that must not be done twice.

        Raises:
            ConnectionLost: nobody knows whether it was done, or the machine cannot be reached.
            StudioError: as for `look`.
        """
        return await self._ask(do, body, what)

    async def _ask(self, do: str, body: bytes, what: dict[str, object]) -> Reply:
        async with self._places:
            reply = await (await self._alive()).ask({"do": do, **what}, body)
        if "error" in reply.head:
            error = _KINDS.get(str(reply.head["error"]), StudioError)
            raise error(str(reply.head.get("message")), str(reply.head.get("hint")))
        return reply

    async def _alive(self) -> _Life:
        async with self._starting:
            if self._closed:
                raise ConnectionLost("the studio has left this machine", "try again")
            if self._life is None or self._life.over:
                self._check_worth_trying()
                try:
                    self._life = await self._start()
                except StudioError as problem:
                    self._failure = asyncio.get_running_loop().time(), problem
                    raise
            return self._life

    def _check_worth_trying(self) -> None:
        """Many files at once must not each try what has just failed."""
        if self._failure is not None:
            at, problem = self._failure
            if asyncio.get_running_loop().time() < at + RETRY_SECONDS:
                raise problem

    async def _start(self) -> _Life:
        try:
            channel = await self._channel()
        except CommandFailed as problem:
            raise _unable(problem.message) from problem
        try:
            await _greeted(channel)
        except BaseException:
            channel.close()
            raise
        return _Life(channel)

    async def close(self) -> None:
        """End the program, which finishes what it has begun; nothing can be asked any more."""
        async with self._starting:
            self._closed = True
            if self._life is not None:
                await self._life.end()


async def _greeted(channel: Channel) -> None:
    """Wait until the program says that it is there. StudioError: it ends instead."""
    talking = True
    with contextlib.suppress(OSError, ValueError):  # too late, or a line that has no end
        async with asyncio.timeout(START_SECONDS):
            for _ in range(NOISE_LINES):
                line = await channel.stdout.readline()
                if line.endswith(HELLO):
                    return
                if not line:
                    talking = False
                    break
    if talking:
        await _hush(channel)
    said = await channel.stderr.read(4096)
    lines = said.decode("utf-8", "replace").strip().splitlines()
    raise _unable(lines[-1][:300] if lines else "the program that reads them does not start")


async def _hush(channel: Channel) -> None:
    """End the program and wait for that; a pipe that nobody reads to its end would stay open."""
    channel.close()
    with contextlib.suppress(OSError, StudioError):
        async with asyncio.timeout(END_SECONDS):
            while await channel.stdout.read(HEAD_LIMIT):
                pass


def _unable(why: str) -> StudioError:
    return StudioError(
        f"the machine's files cannot be reached: {why}", "install Python 3.8 or later on it"
    )


class _Life:
    """The program from one start to its end."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply | None]] = {}
        self._sending = asyncio.Lock()
        self.over = False
        self._reading = asyncio.create_task(self._read(), name="reading from an envoy")

    async def ask(self, what: dict[str, object], body: bytes) -> Reply:
        """Its answer, whatever that says. ConnectionLost: there will be none."""
        request = next(self._ids)
        head = json.dumps({"id": request, **what}).encode()
        if len(head) > HEAD_LIMIT or len(body) > BODY_LIMIT:
            raise StudioError("more than can be sent to the machine at once", "make it smaller")
        answer: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._waiting[request] = answer
        if self.over:
            answer.set_result(None)
        try:
            async with self._sending:
                self._channel.stdin.write(_LENGTHS.pack(len(head), len(body)) + head + body)
                await self._channel.stdin.drain()
            reply = await answer
        except OSError:
            reply = None
        finally:
            del self._waiting[request]
        if reply is None:
            raise ConnectionLost(
                "the connection to the machine's files was lost, and with it the answer",
                "look whether it was done before you try again",
            )
        return reply

    async def _read(self) -> None:
        try:
            while True:
                reply = await receive(self._channel.stdout)
                answer = self._waiting.get(reply.head["id"])
                if answer is not None and not answer.done():
                    answer.set_result(reply)
        except (asyncio.IncompleteReadError, OSError, ConnectionLost) as problem:
            log.info("the program for the machine's files has ended: %s", problem)
        except StudioError as problem:
            log.warning("the program for the machine's files sends %s", problem)
            await _hush(self._channel)
        finally:
            self.over = True
            self._channel.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_result(None)

    async def end(self) -> None:
        """Nobody waits for an answer any more, and the program has ended."""
        self._reading.cancel()
        await asyncio.wait((self._reading,))
        await _hush(self._channel)


async def receive(reader: ByteReader) -> Reply:
    """The next reply.

    Raises:
        StudioError: what comes is none.
        asyncio.IncompleteReadError: nothing comes any more.
    """
    head_length, body_length = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    if head_length > HEAD_LIMIT or body_length > BODY_LIMIT:
        raise StudioError(f"a frame of {head_length} and {body_length} bytes")
    head, body = await reader.readexactly(head_length), await reader.readexactly(body_length)
    try:
        told = json.loads(head)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("id"), int):
        raise StudioError(f"a frame with the head {head[:80]!r}")
    return Reply(told, body)
