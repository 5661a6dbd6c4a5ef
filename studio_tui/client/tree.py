"""The studio's folder as a tree: found in, made, moved and deleted; for everybody at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.client.answer import Answer

if TYPE_CHECKING:
    from studio_tui.client.services import Services

FOUND = 100


@dataclass(frozen=True)
class Piece:
    """A piece of a file on the disk: its bytes, the size of the whole, and whether it is text."""

    data: bytes
    size: int
    binary: bool


class Tree:
    """Files and folders of the studio, as they are on the machine's disk.

    Args:
        studio: the studio.
    """

    def __init__(self, studio: Services) -> None:
        self._studio = studio

    async def find(self, query: str, limit: int = FOUND) -> list[str]:
        """Paths of files with `query` in their names, the best first, at most `limit`."""
        answer = await self._studio.query("files.find", query=query, limit=limit)
        return [str(path) for path in Answer("files.find", answer).items("paths")]

    async def piece(self, path: str, offset: int, length: int) -> Piece:
        """Up to `length` bytes of a file from byte `offset` on; `Studio.read` gives all of it.

        Raises:
            NotFound: there is no such file. Refused: it is outside of the studio's folder.
        """
        params = {"path": path, "offset": offset, "length": length}
        answer = Answer("files.read", await self._studio.query("files.read", **params))
        return Piece(answer.data("data"), answer.count("size"), answer.flag("binary"))

    async def create(self, path: str, *, folder: bool = False) -> None:
        """Make an empty file, or a folder; folders on the way are made, too.

        Raises:
            StudioError: there is something of that name. Refused: it is outside of the studio's.
        """
        kind = "dir" if folder else "file"
        await self._studio.command("files.create", path=path, kind=kind)

    async def rename(self, path: str, to: str) -> None:
        """Rename or move a file or folder; who has it open goes along.

        Raises:
            NotFound: there is no `path`. StudioError: there is a `to` already.
        """
        await self._studio.command("files.rename", path=path, to=to)

    async def delete(self, path: str) -> None:
        """Delete a file, or a folder with everything in it.

        Raises:
            NotFound: there is no such thing. Refused: it is outside of the studio's folder.
        """
        await self._studio.command("files.delete", path=path)
