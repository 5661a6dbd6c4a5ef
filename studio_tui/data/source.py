"""What every source of data can do, and how a thing in it is addressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol

from studio_tui.errors import StudioError, UsageFault

PAGE = 1000
"""Most entries of one page of a listing."""


class Address(NamedTuple):
    """`SOURCE://PATH`: the name of a source, and where in it. A path is taken as it stands."""

    source: str
    path: str

    def __str__(self) -> str:
        return f"{self.source}://{self.path}"


def parse(url: str) -> Address:
    """The address that `url` writes out.

    Raises:
        UsageFault: it is none.
    """
    source, mark, path = url.partition("://")
    if not mark or not source or not source.replace("-", "").replace("_", "").isalnum():
        raise UsageFault(
            f"{url!r:.200} is no address of data", "write s3://BUCKET/KEY or databricks://CATALOG"
        )
    if "\0" in path:
        raise UsageFault("an address cannot hold NUL", "leave it out")
    return Address(source, path)


@dataclass(frozen=True)
class Entry:
    """One thing in a source.

    Attributes:
        path: where it is in its source; that of a folder ends with "/".
        name: what a listing calls it, below the folder that was listed.
        kind: folder, file or table.
        size: bytes; None where the source does not tell.
        modified: Unix time in seconds; None where the source does not tell.
        tag: changes whenever the content does.
        version: of a source that keeps earlier ones.
        note: what else is worth a word: a storage class, that a version is the latest.
    """

    path: str
    name: str
    kind: str
    size: int | None = None
    modified: float | None = None
    tag: str = ""
    version: str = ""
    note: str = ""

    def plain(self) -> dict[str, Any]:
        """As calls and `--json` have it."""
        return asdict(self)


@dataclass(frozen=True)
class Page:
    """Some of what is in a folder; `token` fetches the next page, "" after the last."""

    entries: list[Entry]
    token: str = ""


@dataclass(frozen=True)
class Rows:
    """Rows of a table: (name, type) of each column, and the rows as they come."""

    columns: Sequence[tuple[str, str]]
    rows: Iterator[Sequence[object]]
    total: int | None = None


class Checksum(Protocol):
    """A checksum that a source keeps of a content, to be compared with what arrived."""

    name: str

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""

    def agrees(self) -> bool:
        """Whether all that was taken in is what the source has."""


class Stopped(StudioError):
    """A copy was called off."""


@dataclass
class Going:
    """A copy under way: how far it is, and whether it is to go on.

    Attributes:
        done, total: bytes; a total of None is not known.
        text: what is being done.
        stop: set to call it off; what was copied so far is taken up by the next attempt.
        on_progress: called after every step, in the copying thread.
    """

    done: int = 0
    total: int | None = None
    text: str = ""
    stop: bool = False
    on_progress: Callable[[], None] = field(default=lambda: None, repr=False)

    def step(self, amount: int) -> None:
        """So many bytes more. Stopped: it is to go on no longer."""
        self.done += amount
        self.on_progress()
        self.check()

    def check(self) -> None:
        """Raises Stopped when it was called off."""
        if self.stop:
            raise Stopped("the copy was stopped", "ask for it again: it goes on from there")


Read = Callable[[int, int], bytes]
"""Bytes of what is copied into a source, from an offset, so many; called from many threads."""


class Source(Protocol):
    """A bucket or a warehouse. Every method blocks, and may be called from any thread.

    What goes wrong is a StudioError in words for people, without anything secret in it: NotFound
    for what is not there or cannot be reached, Refused for credentials, UsageFault for what makes
    no sense, or what this source has not.
    """

    def page(
        self,
        path: str,
        token: str = "",
        *,
        most: int = PAGE,
        deep: bool = False,
        versions: bool = False,
    ) -> Page:
        """One page of what is in the folder at `path`, "" for the source itself.

        Args:
            token: of the page before; "" for the first.
            most: how many entries it may have.
            deep: every file below it, instead of files and folders.
            versions: earlier versions, too.
        """

    def stat(self, path: str, version: str = "") -> Entry:
        """The file or table at `path`."""

    def opened(
        self, entry: Entry, going: Going, most: int | None = None
    ) -> AbstractContextManager[Entry]:
        """The file as it is read within the block.

        A source that gives files only whole fetches it first, and knows only then how long its
        content is. UsageFault: it would fetch more than `most` bytes.
        """

    def read(self, entry: Entry, start: int, length: int) -> bytes:
        """`length` bytes of a file; fewer only at its end. StudioError: it has changed since."""

    def checksum(self, entry: Entry) -> Checksum | None:
        """What the source knows of a file's content; None when that is nothing."""

    def write(self, path: str, size: int, read: Read, going: Going) -> Entry:
        """Make a file of `size` bytes, verified; one that was begun before is gone on with."""

    def rows(self, path: str, most: int | None) -> Rows:
        """Rows of the table at `path`, all when `most` is None."""

    def link(self, path: str, seconds: int, version: str = "") -> str:
        """A link to a file that needs no credentials for so long. NotFound: there is none."""

    def lend(self, path: str, seconds: int) -> Mapping[str, str]:
        """Variables with credentials that open what is at `path` for so long, and then nothing."""


class ReadInPlace:
    """A source whose files can be had in parts, and are read where they lie."""

    def opened(
        self, entry: Entry, going: Going, most: int | None = None
    ) -> AbstractContextManager[Entry]:
        """See `Source.opened`."""
        return nullcontext(entry)


def lacks(source: str, what: str) -> UsageFault:
    """The error of a source that cannot do something."""
    return UsageFault(f"{source} has no {what}", "see: studio-tui data --help")


def lacking(extra: str) -> UsageFault:
    """The error of a package that is not installed."""
    return UsageFault(
        f"{extra} needs a package that is not installed", f"pip install 'studio-tui[{extra}]'"
    )
