"""A data step of a pipeline: what its source has now, and the host's copy, waited for."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol

from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Result
from studio_tui.pipelines.transfer import Transfer

ABSENT = "nothing"


class Ask(Protocol):
    """Makes a call of this host, as a client would."""

    def __call__(self, method: str, params: dict[str, Any], by: str = "host") -> Awaitable[Result]:
        """What it answers, to somebody of that name; raises StudioError."""
        ...


class CopyStopped(StudioError):
    """Somebody stopped the copy of a step."""


class Transfers:
    """Copies between sources of data and the studio's folder, by the host's own calls.

    Args:
        ask: makes calls of this host.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def sources(self) -> list[str]:
        """The names of the sources that this host knows."""
        return [source["name"] for source in (await self._ask("data.sources", {}))["sources"]]

    async def mark(self, transfer: Transfer) -> str:
        """What changes whenever anything at the URL does; "" where the source tells too little.

        Raises:
            NotFound: nothing is there that could be fetched.
        """
        found = hashlib.sha256()
        try:
            async for entry in self._entries(transfer.url):
                if not entry["tag"] and entry["modified"] is None:
                    return ""
                tag = entry["tag"] or entry["modified"]
                found.update(json.dumps([entry["name"], entry["size"], tag]).encode())
        except NotFound:
            if not transfer.out:
                raise
            return ABSENT
        return found.hexdigest()

    async def _entries(self, url: str) -> AsyncIterator[dict[str, Any]]:
        """The file, or every file in the folder."""
        if not url.endswith("/"):
            yield (await self._ask("data.stat", {"url": url}))["entry"]
            return
        token = ""
        while True:
            page = await self._ask("data.list", {"url": url, "token": token, "deep": True})
            for entry in page["entries"]:
                yield entry
            token = page["token"]
            if not token:
                return

    async def carry(self, transfer: Transfer, by: str) -> str:
        """Copy, in its turn; what is there already is replaced. Returns what became of it.

        Cancelled, the copy is stopped; the next one goes on where it was.

        Raises:
            CopyStopped: somebody stopped it.
            StudioError: it failed.
        """
        given = {"url": transfer.url, "path": transfer.path, "force": True, "patient": True}
        copy = await self._ask("data.put" if transfer.out else "data.get", given, by)
        try:
            while copy["state"] == "running":
                copy = await self._ask("data.copy", {"copy": copy["copy"], "after": copy["done"]})
        except asyncio.CancelledError:
            with contextlib.suppress(StudioError):
                await self._ask("data.stop", {"copy": copy["copy"]})
            raise
        if copy["state"] != "done":
            kind = CopyStopped if copy["state"] == "stopped" else StudioError
            raise kind(copy["message"], copy["hint"])
        return told(copy["result"])


def told(result: dict[str, Any]) -> str:
    """What became of a copy, in a line: files, bytes, rows, checksum, what was passed over."""
    if "files" not in result:  # it was sent: the entry that it has become
        return f"{result['size']} bytes" + f", tag {result['tag']}" * bool(result["tag"])
    files, rows, passed = result["files"], result["rows"], result["passed_over"]
    parts = [f"{files} file{'s' * (files != 1)}", f"{result['bytes']} bytes"]
    parts += [f"{rows} rows"] if rows is not None else []
    parts += [f"{result['checked']} agrees"] if result["checked"] else []
    parts += [f"{passed} passed over: {result['skipped'][0]}"] if passed else []
    return ", ".join(parts)
