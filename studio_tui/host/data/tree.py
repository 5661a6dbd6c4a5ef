"""A folder below the studio's that is copied into a source of data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from studio_tui.data.local import Leaf, leaves
from studio_tui.errors import Refused, UsageFault
from studio_tui.host.data.copies import FolderOrigin, Loop
from studio_tui.host.files.disk import NotEditable
from studio_tui.host.files.folder import Folder


class FolderTree:
    """See `studio_tui.data.local.Tree`; links are treated as by `LocalTree`.

    Args:
        path: where in the studio's folder.

    Raises:
        NotFound: there is nothing.
        Refused: it is out of the folder, or may hold secrets.
    """

    def __init__(self, loop: Loop, folder: Folder, path: str) -> None:
        self._loop = loop
        self._folder = folder
        self._real = loop.do(folder.name(path))

    def is_folder(self) -> bool:
        """Whether there is a folder and not a file. NotFound: there is nothing."""
        try:
            self._loop.do(self._folder.size(self._real))
        except NotEditable:
            return True
        return False

    def leaves(self) -> Iterator[Leaf]:
        """See `Tree`. StudioError: a folder in it cannot be read."""
        return leaves(self._listed)

    def _listed(self, below: str) -> Iterator[tuple[str, Leaf | None]]:
        after = b""
        while True:
            page = self._folder.page(self._at(below), after)
            entries, after = self._loop.do(page)
            for entry in entries:
                name = below + entry["name"]
                is_folder = entry["kind"] == "dir" and not entry.get("link")
                yield name, None if is_folder else self._leaf(name, entry)
            if not after:
                return

    def _at(self, name: str) -> str:
        return f"{self._real}/{name}".strip("/")

    def _leaf(self, name: str, entry: dict[str, Any]) -> Leaf:
        if entry.get("link") and not self._leads_below(name):
            return Leaf(name, why="a link out of the folder")
        if entry["kind"] != "file":
            return Leaf(name, why="no regular file that may be read here")
        return Leaf(name, int(entry["size"]))

    def _leads_below(self, name: str) -> bool:
        try:
            real = self._loop.do(self._folder.name(self._at(name)))
        except (Refused, UsageFault):
            return False
        return real.startswith(f"{self._real}/".lstrip("/"))

    def origin(self, name: str) -> FolderOrigin:
        """See `Tree`."""
        return FolderOrigin(self._loop, self._folder, self._at(name))
