"""A pattern looked for in all files of a studio, on its machine; one search a person at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from studio_tui import payload
from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.calls import Params, Result

if TYPE_CHECKING:
    from studio_tui.host.files.folder import Folder
    from studio_tui.machines.connection import Channel

PATIENCE = 20.0
"""Seconds that a search may take; what was found by then is the answer."""
MOST = 2000
ANSWER_BYTES = 512 * 1024
AT_ONCE = 8
"""Searches that may be under way; further ones wait."""


class Turn:
    """One person's search, from when it is asked for until a newer one is."""

    def __init__(self) -> None:
        self.over = False
        self._channel: Channel | None = None

    def begin(self, channel: Channel) -> None:
        """It runs in `channel`, unless it was ended before."""
        self._channel = channel
        if self.over:
            channel.close()

    def end(self) -> None:
        """A newer one is asked for."""
        self.over = True
        if self._channel is not None:
            self._channel.close()


class Search:
    """Answers `files.search`.

    Args:
        folder: gives the studio's folder, wherever that is now.
        settle: has open texts written to the disk, where the search looks.
    """

    def __init__(self, folder: Callable[[], Folder], settle: Callable[[], Awaitable[None]]) -> None:
        self._folder = folder
        self._settle = settle
        self._turns: dict[int, Turn] = {}
        self._few = asyncio.Semaphore(AT_ONCE)

    async def call(self, params: Params) -> Result:
        """Look for `query`; an empty one only ends the person's search that is under way.

        Returns:
            {"hits": [{"path", "line", "text", "spans"}], "truncated"}, by path and line.
        """
        person = params.sender.connection
        if (earlier := self._turns.pop(person, None)) is not None:
            earlier.end()
        query = params.text("query", cap=1000)
        if not query:
            return {"hits": [], "truncated": False}
        options = {key: params.values.get(key) is True for key in ("regex", "case", "word")}
        most = params.number("limit", 1, MOST, MOST)
        request = json.dumps({"query": query, **options, "most": most}).encode()
        turn = self._turns[person] = Turn()
        try:
            async with self._few:
                hits, truncated = ([], True) if turn.over else await self._found(turn, request)
        finally:
            if self._turns.get(person) is turn:
                del self._turns[person]
        if truncated and not hits and not turn.over:
            said = f"looking for {query!r:.60} took too long, and found nothing"
            raise StudioError(said, "make the expression simpler")
        shown = await self._may_be_shown(hits)
        shown.sort(key=lambda hit: (hit["path"], hit["line"]))
        return {"hits": shown, "truncated": truncated}

    async def _found(self, turn: Turn, request: bytes) -> tuple[list[dict[str, Any]], bool]:
        """What there is, and whether there is more."""
        await self._settle()
        hits: list[dict[str, Any]] = []
        async with self._started(turn, request) as channel:
            try:
                async with asyncio.timeout(PATIENCE):
                    truncated = await _read(channel, hits)
            except TimeoutError:
                truncated = True
        return hits, truncated

    @asynccontextmanager
    async def _started(self, turn: Turn, request: bytes) -> AsyncIterator[Channel]:
        folder = self._folder()
        site = await folder.site()
        searched = site.folder, *folder.private
        argv = payload.program(site.python, site.payload, "folder.search", *searched)
        channel = await site.connection.open(argv)
        try:
            channel.stdin.write(request)
            channel.stdin.write_eof()
            turn.begin(channel)
            yield channel
        finally:
            channel.close()

    async def _may_be_shown(self, hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those in files that may be opened: no secrets, and nothing behind a link that leads out.

        The program that serves the folder says which they are. The one that searches has left
        them out already, or its "truncated" would tell of them.
        """
        paths = sorted({hit["path"] for hit in hits})
        stamps = await self._folder().stamps(paths) if paths else []
        sound = {path for path, stamp in zip(paths, stamps, strict=True) if stamp is not None}
        return [hit for hit in hits if hit["path"] in sound]


async def _read(channel: Channel, hits: list[dict[str, Any]]) -> bool:
    """Add the lines that are found to `hits`; whether there are more of them.

    Raises:
        UsageFault: the pattern makes no sense.
    """
    size = 0
    while (line := await channel.stdout.readline()) and size < ANSWER_BYTES:
        size += len(line)
        told = json.loads(line)
        if "error" in told:
            raise UsageFault(f"that is no regular expression: {told['error']}", "correct it")
        if "truncated" in told:
            return bool(told["truncated"])
        hits.append(told)
    # Too many, or it was ended: by a newer search of this person, or with the connection.
    return True
