"""A studio's files as a whole: found by name, searched, replaced in, deleted and brought back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from studio_tui.client.answer import Answer
from studio_tui.document.entries import read_as
from studio_tui.document.merge import joined
from studio_tui.document.pattern import Pattern, edited

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

MOST_EDITS = 2000


@dataclass(frozen=True)
class Piece:
    """A piece of a file on the disk: its bytes, the size of the whole, and whether it is binary."""

    data: bytes
    size: int
    binary: bool


@dataclass(frozen=True)
class Hit:
    """A line in which something was found; of a long one the part around the first place.

    Attributes:
        line: its number, from 1.
        spans: [start, end] of each place, in code points of `text`.
    """

    path: str = ""
    line: int = 0
    text: str = ""
    spans: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True)
class Hits:
    """What a search found; `truncated` when there is more."""

    hits: list[Hit]
    truncated: bool

    @property
    def paths(self) -> list[str]:
        """The files in which something was found."""
        return list(dict.fromkeys(hit.path for hit in self.hits))


@dataclass(frozen=True)
class Marks:
    """What git says: "M", "A", "?", "D" or "U" by path, and the paths that it ignores."""

    marks: dict[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    @cached_property
    def _folders(self) -> frozenset[str]:
        """Every folder in which something has changed."""
        return frozenset(above for path in self.marks for above in _above(path))

    def letter(self, path: str) -> str:
        """How a file stands, "" when nothing has changed; a folder with changes in it is "M"."""
        if path in self.marks:
            return self.marks[path]
        if path in self._folders:
            return "M"
        return "?" if any(self.marks.get(above) == "?" for above in _above(path)) else ""

    def ignores(self, path: str) -> bool:
        """Whether git ignores what is at `path`, or a folder above it."""
        return path in self.ignored or any(above in self.ignored for above in _above(path))


@dataclass(frozen=True)
class Deleted:
    """Something in the trash: where it was, who deleted it and when, in Unix seconds."""

    id: str = ""
    path: str = ""
    by: str = ""
    time: float = 0.0


class Project:
    """All files of one studio. Paths are relative to the studio's folder.

    Every method raises NotFound when the host is away, and Refused for a viewer who changes.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def find(self, wanted: str = "", limit: int = 50) -> list[str]:
        """Files whose paths have `wanted` in them, or something like it; the best first."""
        told = await self._studio.query("files.find", query=wanted, limit=limit)
        return [str(path) for path in Answer("files.find", told).items("paths")]

    async def piece(self, path: str, offset: int, length: int) -> Piece:
        """Up to `length` bytes of a file from byte `offset` on; `Studio.read` gives all of it.

        Raises:
            NotFound: there is no such file. Refused: it is outside of the studio's folder.
        """
        params = {"path": path, "offset": offset, "length": length}
        answer = Answer("files.read", await self._studio.query("files.read", **params))
        return Piece(answer.data("data"), answer.count("size"), answer.flag("binary"))

    async def search(self, pattern: Pattern, limit: int = 2000) -> Hits:
        """The lines that have the pattern in them, by path. A newer search ends this one.

        Files that git ignores, large and binary ones are not searched.

        Raises:
            UsageFault: the pattern makes no sense. StudioError: looking takes too long.
        """
        told = await self._studio.query("files.search", **asdict(pattern), limit=limit)
        answer = Answer("files.search", told)
        hits = [read_as(Hit, item) for item in answer.items("hits") if isinstance(item, dict)]
        return Hits([hit for hit in hits if hit.path], answer.flag("truncated"))

    async def stop_search(self) -> None:
        """End this person's search that is under way."""
        await self._studio.query("files.search", query="")

    async def replace(
        self, pattern: Pattern, template: str, paths: Iterable[str]
    ) -> dict[str, int]:
        """Put `template` wherever the pattern stands in these files; small edits of shared texts.

        Returns:
            How many places were replaced, by path; files without any are left out.

        Raises:
            StudioError: a file cannot be edited. Those before it are replaced in.
        """
        pattern.check()
        counts = {}
        for path in paths:
            was_open = self._studio.is_open(path)
            file = await self._studio.file(path)
            text = str(file)
            edits = pattern.replacements(text, template)
            if edits:
                file.check(edited(text, edits))
                file.text.edit(joined(edits, text, MOST_EDITS))
                counts[path] = len(edits)
                if not was_open:
                    await file.flush()
        return counts

    async def marks(self) -> Marks:
        """What git says of the files; nothing where it knows none."""
        answer = Answer("files.status", await self._studio.query("files.status"))
        told: Any = answer.values.get("marks")
        marks = told if isinstance(told, dict) else {}
        ignored = frozenset(str(path) for path in answer.items("ignored"))
        return Marks({str(path): str(mark)[:1] for path, mark in marks.items()}, ignored)

    async def create(self, path: str, kind: str = "file") -> None:
        """Make an empty file, or a folder ("dir"), and the folders above it.

        Raises:
            UsageFault: something is there already.
        """
        await self._studio.command("files.create", path=path, kind=kind)

    async def rename(self, path: str, to: str) -> None:
        """Give a file or folder another name or place; open files go along.

        Raises:
            UsageFault: something else has the new name.
        """
        await self._studio.command("files.rename", path=path, to=to)

    async def delete(self, path: str) -> str:
        """Move a file or folder into the trash; the id by which `restore` brings it back.

        What is in the trash already is gone for good, and has none.
        """
        answer = Answer("files.delete", await self._studio.command("files.delete", path=path))
        return answer.text("id")

    async def trash(self) -> list[Deleted]:
        """What can be brought back, the newest first; after 30 days it is gone."""
        answer = Answer("files.trash", await self._studio.query("files.trash"))
        items = (item for item in answer.items("deleted") if isinstance(item, dict))
        found = [read_as(Deleted, item) for item in items]
        return [deleted for deleted in found if deleted.id]

    async def restore(self, id: str, to: str = "") -> str:
        """Bring something back to where it was, or to `to`; the path that it has now.

        Raises:
            NotFound: it is not in the trash. UsageFault: something else has its name now.
        """
        told = await self._studio.command("files.restore", id=id, to=to)
        return Answer("files.restore", told).text("path")

    async def empty_trash(self) -> int:
        """Delete all of it for good; how many things that were."""
        told = await self._studio.command("files.empty_trash")
        return Answer("files.empty_trash", told).count("deleted")


def _above(path: str) -> list[str]:
    """The folders that a path is in, from the inside out."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
