"""What can be asked of a studio's files as a whole: searched, git's marks, the trash."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.files.repository import Repository
from studio_tui.host.files.search import Search
from studio_tui.host.files.trash import Trash

if TYPE_CHECKING:
    from studio_tui.host.files.files import Files


class Project:
    """Answers for all files together; each open one is `Files`' affair.

    Args:
        files: the studio's files.
    """

    def __init__(self, files: Files) -> None:
        self._search = Search(lambda: files.folder, files.save_all)
        self._repository = Repository(lambda: files.folder)
        self._trash = Trash(lambda: files.folder)

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("files.search", self._search.call),
            query("files.status", self._repository.call),
            query("files.trash", self._trash_call),
            command("files.restore", self._restore_call),
            command("files.empty_trash", self._empty_call),
        ]

    async def _trash_call(self, _params: Params) -> Result:
        return {"deleted": [asdict(deleted) for deleted in await self._trash.listed()]}

    async def _restore_call(self, params: Params) -> Result:
        moved = await self._trash.restore(params.text("id", cap=64), params.text("to", ""))
        return {"path": moved.new}

    async def _empty_call(self, _params: Params) -> Result:
        return {"deleted": await self._trash.empty()}
