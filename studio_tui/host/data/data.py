"""Sources of data behind the studio's calls: looked at and copied with this computer's credentials.

Whoever may change the studio may use them, and nobody sees them. A viewer may do neither: what the
credentials open is more than the studio that a viewer was let into.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from studio_tui.data import copying, folders, preview
from studio_tui.data.source import PAGE, Address, Going, Source, parse
from studio_tui.data.sources import Sources
from studio_tui.host.calls import Method, Params, Result, command
from studio_tui.host.data.copies import Copies, Copy, FolderOrigin, FolderTarget, Loop
from studio_tui.host.data.tree import FolderTree
from studio_tui.host.files.folder import Folder

LOOKS = 8
"""Looks at sources at the same time: one that does not answer must not hold up the others."""
ANSWER_BYTES = 700_000
ROWS = 100
URL_CAP = 4096
NEWS_SECONDS = 2.0

Told = TypeVar("Told")


class Data:
    """What can be asked of sources of data.

    Args:
        folder: the studio's folder, where it is now.
        tasks: owns one task per copy.
    """

    def __init__(self, folder: Callable[[], Folder], tasks: asyncio.TaskGroup) -> None:
        self._folder = folder
        self._sources = Sources()
        self._copies = Copies(tasks)
        self._pool = ThreadPoolExecutor(LOOKS, thread_name_prefix="studio-tui data")

    def calls(self) -> list[Method]:
        """What can be asked of it: all of it is what an editor may do, see above."""
        return [
            command("data.sources", self._sources_call),
            command("data.list", self._list_call),
            command("data.stat", self._stat_call),
            command("data.head", self._head_call),
            command("data.get", self._get_call),
            command("data.put", self._put_call),
            command("data.link", self._link_call),
            command("data.copy", self._copy_call),
            command("data.copies", self._copies_call),
            command("data.stop", self._stop_call),
        ]

    async def _blocking(self, work: Callable[[], Told]) -> Told:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _find(self, params: Params) -> tuple[Source, Address]:
        address = parse(params.text("url", cap=URL_CAP))
        return await self._blocking(lambda: self._sources.find(address.source)), address

    # -- looking ------------------------------------------------------------------------------

    async def _sources_call(self, params: Params) -> Result:
        names = await self._blocking(self._sources.names)
        return {"sources": [{"name": name, "kind": kind} for name, kind in names.items()]}

    async def _list_call(self, params: Params) -> Result:
        source, address = await self._find(params)
        token = params.text("token", "", cap=1 << 14)
        flags = {key: params.values.get(key) is True for key in ("deep", "versions")}
        most = params.number("most", 1, PAGE, PAGE)

        def look() -> Result:
            nonlocal most
            while True:
                page = source.page(address.path, token, most=most, **flags)
                told = {"entries": [entry.plain() for entry in page.entries], "token": page.token}
                size = len(json.dumps(told))
                if most == 1 or size <= ANSWER_BYTES:
                    return told
                # Names may be too long together: then only as many are asked for as fit.
                most = max(1, len(page.entries) * ANSWER_BYTES // (size + size // 4))

        return await self._blocking(look)

    async def _stat_call(self, params: Params) -> Result:
        source, address = await self._find(params)
        version = params.text("version", "", 1024)
        return {"entry": (await self._blocking(lambda: source.stat(address.path, version))).plain()}

    async def _head_call(self, params: Params) -> Result:
        source, address = await self._find(params)
        rows, version = params.number("rows", 0, ROWS, 20), params.text("version", "", 1024)
        found = await self._blocking(lambda: preview.preview(source, address.path, rows, version))
        while found.rows and len(json.dumps(found.plain())) > ANSWER_BYTES:
            found = replace(found, rows=found.rows[: len(found.rows) // 2])
        return found.plain()

    async def _link_call(self, params: Params) -> Result:
        source, address = await self._find(params)
        seconds = params.number("seconds", 1, 7 * 24 * 3600, 3600)
        version = params.text("version", "", 1024)
        return {"link": await self._blocking(lambda: source.link(address.path, seconds, version))}

    # -- copying ------------------------------------------------------------------------------

    async def _get_call(self, params: Params) -> Result:
        source, address = await self._find(params)
        path, force = params.text("path"), params.values.get("force") is True
        version, loop = params.text("version", "", 1024), Loop(asyncio.get_running_loop())
        await self._folder().name(path)

        def target(name: str) -> FolderTarget:
            return FolderTarget(loop, self._folder, name, force=force)

        def work(going: Going) -> dict[str, Any]:
            if address.path.endswith("/") or not address.path:
                below = path.rstrip("/")
                put = lambda name: target(f"{below}/{name}")  # noqa: E731
                there = FolderTree(loop, self._folder(), path).origin
                return folders.fetch_all(source, address.path, put, there, going).plain()
            entry = source.stat(address.path, version)
            copying.check_name(entry, path)
            going.total = entry.size if entry.kind == "file" else None
            return copying.fetch(source, entry, target(path), going).plain()

        return (await self._begin(params, str(address), path, work)).plain()

    async def _begin(
        self, params: Params, url: str, path: str, work: Callable[[Going], dict[str, Any]]
    ) -> Copy:
        if params.values.get("patient") is True:
            await self._copies.turn(url, path)
        return self._copies.begin(url, path, params.sender.name, work)

    async def _put_call(self, params: Params) -> Result:
        source, address = await self._find(params)
        path, force = params.text("path"), params.values.get("force") is True
        loop, folder = Loop(asyncio.get_running_loop()), self._folder()

        def work(going: Going) -> dict[str, Any]:
            tree = FolderTree(loop, folder, path)
            if tree.is_folder():
                return folders.send_all(source, address.path, tree, going, force=force).plain()
            origin = FolderOrigin(loop, folder, path)
            going.total = origin.size()
            to = copying.named(address.path, path)
            return copying.send(source, to, origin, going, force=force).plain()

        return (await self._begin(params, str(address), path, work)).plain()

    async def _copy_call(self, params: Params) -> Result:
        copy = self._copies.find(params.text("copy", cap=64))
        await self._copies.news(copy, params.number("after", -1, 1 << 62, -1), NEWS_SECONDS)
        return copy.plain()

    async def _copies_call(self, params: Params) -> Result:
        return {"copies": [copy.plain() for copy in self._copies.known()[-20:]]}

    async def _stop_call(self, params: Params) -> Result:
        self._copies.find(params.text("copy", cap=64)).going.stop = True
        return {}
