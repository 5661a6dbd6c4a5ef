"""Sources of data as an attached studio reaches them: by its host, with the host's credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from studio_tui.client.answer import Answer
from studio_tui.document.entries import read_as
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment

ROWS = 20


@dataclass(frozen=True)
class DataEntry:
    """One thing in a source of data.

    Attributes:
        url: where it is; that of a folder ends with "/".
        name: what a listing calls it.
        kind: folder, file or table.
        size: bytes; None where the source does not tell.
        modified: Unix time in seconds; None where the source does not tell.
        tag: changes whenever the content does.
        version: of a source that keeps earlier ones.
        note: what else is worth a word.
    """

    url: str = ""
    name: str = ""
    kind: str = "file"
    size: int | None = None
    modified: float | None = None
    tag: str = ""
    version: str = ""
    note: str = ""


@dataclass(frozen=True)
class DataPage:
    """Some of a folder; `token` fetches the next page, "" after the last."""

    entries: list[DataEntry]
    token: str


@dataclass(frozen=True)
class DataPreview:
    """What a file or table looks like; see `studio_tui.data.preview`.

    Attributes:
        kind: text, table, image or binary.
        columns: [name, type] of each column of a table; `rows` its first rows.
        total: how many rows it has; None where nobody has counted.
        pixels: of an image, rows of "rrggbb" one after the other.
    """

    entry: DataEntry = DataEntry()
    kind: str = "binary"
    text: str = ""
    columns: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    total: int | None = None
    width: int = 0
    height: int = 0
    pixels: list[str] = field(default_factory=list)
    note: str = ""


def numeric(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns of a preview's rows that hold numbers alone: digits stand under digits there."""
    across = max(map(len, rows), default=0)
    columns = ([row[at] for row in rows if at < len(row) and row[at]] for at in range(across))
    return {at for at, cells in enumerate(columns) if cells and all(map(_is_number, cells))}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class DataCopy:
    """A copy, as far as it is.

    Attributes:
        state: running, done, stopped or failed.
        done, total: bytes; a total of None is not known.
        result: what became of it: files, bytes, rows, checked (by which checksum), skipped.
    """

    copy: str = ""
    url: str = ""
    path: str = ""
    by: str = ""
    state: str = "running"
    done: int = 0
    total: int | None = None
    text: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    hint: str = ""


class Data:
    """What is at a URL, such as `s3://bucket/folder/` or `databricks://catalog/schema/`.

    Everybody who may change the studio uses the credentials of the host's computer, and nobody
    sees them; a viewer is refused. Every method raises StudioError with what is wrong: NotFound
    for what is not there or cannot be reached, Refused for credentials and roles.
    """

    def __init__(self, studio: Attachment, url: str) -> None:
        self._studio = studio
        self.url = url

    async def sources(self) -> dict[str, str]:
        """The sources that the studio's host knows of, whatever the URL: name to kind."""
        told = Answer("data.sources", await self._studio.command("data.sources"))
        found = (item for item in told.items("sources") if isinstance(item, dict))
        return {str(item.get("name")): str(item.get("kind")) for item in found}

    async def copies(self) -> list[DataCopy]:
        """The newest 20 copies of everybody in the studio, whatever the URL; the last one last."""
        told = Answer("data.copies", await self._studio.command("data.copies"))
        items = (item for item in told.items("copies") if isinstance(item, dict))
        found = [read_as(DataCopy, item) for item in items]
        return [copy for copy in found if copy.copy]

    async def page(
        self, token: str = "", *, most: int = 1000, deep: bool = False, versions: bool = False
    ) -> DataPage:
        """One page of the folder.

        Args:
            token: of the page before; "" for the first.
            most: how many entries it may have, up to 1000.
            deep: every file below it, instead of files and folders.
            versions: earlier versions, too.
        """
        given = {"token": token, "most": most, "deep": deep, "versions": versions}
        told = Answer("data.list", await self._ask("data.list", **given))
        scheme = self.url.partition("://")[0]
        return DataPage(
            [_entry(scheme, item) for item in told.items("entries")], told.text("token")
        )

    async def entries(
        self, *, deep: bool = False, versions: bool = False
    ) -> AsyncIterator[DataEntry]:
        """Everything in the folder, page by page."""
        token = ""
        while True:
            page = await self.page(token, deep=deep, versions=versions)
            for entry in page.entries:
                yield entry
            token = page.token
            if not token:
                return

    async def stat(self, version: str = "") -> DataEntry:
        """The file or table itself: its size, and the tag of its content."""
        told = await self._ask("data.stat", version=version)
        return _entry(self.url.partition("://")[0], told.get("entry"))

    async def head(self, rows: int = ROWS, version: str = "") -> DataPreview:
        """A look at the file or table: its first rows or characters, or a small picture."""
        told = await self._ask("data.head", rows=rows, version=version)
        entry = _entry(self.url.partition("://")[0], told.get("entry"))
        return replace(read_as(DataPreview, told), entry=entry)

    async def link(self, seconds: int = 3600, version: str = "") -> str:
        """A link to the file that needs no credentials for so long."""
        told = await self._ask("data.link", seconds=seconds, version=version)
        return Answer("data.link", told).text("link")

    async def get(
        self,
        path: str,
        *,
        version: str = "",
        force: bool = False,
        on_progress: Callable[[DataCopy], None] | None = None,
    ) -> DataCopy:
        """Copy it to `path` in the studio's folder; a folder, whose URL ends with "/", whole.

        Cancelled, the copy is stopped; the next one goes on where it was.

        Args:
            force: whether it may take the place of a file that is there.
            on_progress: called with what is known, several times a second.
        """
        given = {"path": path, "version": version, "force": force}
        return await self._copied(await self._ask("data.get", **given), on_progress)

    async def put(
        self,
        path: str,
        *,
        force: bool = False,
        on_progress: Callable[[DataCopy], None] | None = None,
    ) -> DataCopy:
        """Copy the file or folder at `path` in the studio's folder to the URL.

        A file comes below a URL that ends with "/"; so do the files of a folder, whose URL has to.
        What arrived before is not sent again. As `get` otherwise.
        """
        given = {"path": path, "force": force}
        return await self._copied(await self._ask("data.put", **given), on_progress)

    async def _copied(
        self, begun: dict[str, Any], on_progress: Callable[[DataCopy], None] | None
    ) -> DataCopy:
        copy = read_as(DataCopy, begun)
        try:
            while copy.state == "running":
                if on_progress is not None:
                    on_progress(copy)
                given = {"copy": copy.copy, "after": copy.done}
                copy = read_as(DataCopy, await self._studio.command("data.copy", **given))
        except BaseException:
            await self._stop(copy)
            raise
        if copy.state != "done":
            raise StudioError(copy.message or "the copy ended", copy.hint)
        return copy

    async def _stop(self, copy: DataCopy) -> None:
        try:
            await self._studio.command("data.stop", copy=copy.copy)
        except StudioError:
            return  # nobody is there to be told

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._studio.command(method, url=self.url, **params)


def _entry(source: str, item: Any) -> DataEntry:
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        raise StudioError("the host lists what is no entry", "compare the versions")
    return read_as(DataEntry, {**item, "url": f"{source}://{item['path']}"})
