"""A folder's copy out of a source and into one: small files side by side, large ones in pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from studio_tui.data import copying
from studio_tui.data.copying import Copied
from studio_tui.data.local import Leaf, Origin, Target, Tree, Unsent
from studio_tui.data.pace import in_order
from studio_tui.data.source import Entry, Going, Source
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault


class Sized(Protocol):
    """One thing in a folder: its path below the folder, and its bytes."""

    @property
    def name(self) -> str:
        """See above."""

    @property
    def size(self) -> int | None:
        """See above."""


Item = TypeVar("Item", bound=Sized)
Outcome = Copied | str
"""What became of one file; a text says why it was passed over."""


def below(source: Source, path: str) -> Iterator[Entry]:
    """Every file in a folder and the folders in it, page by page."""
    token = ""
    while True:
        page = source.page(path, token, deep=True)
        yield from (entry for entry in page.entries if entry.kind == "file")
        token = page.token
        if not token:
            return


def fetch_all(
    source: Source,
    path: str,
    target: Callable[[str], Target],
    there: Callable[[str], Origin],
    going: Going,
) -> Copied:
    """Copy a folder out of a source.

    A file that is there already, with the same content as far as the source can tell, is not
    fetched again. One that has no place on a disk, or is in the way of another, is passed over and
    named.

    Args:
        target, there: make the target of a file, and open what is at its place, from its path below
            the folder.
    """

    def fetched(entry: Entry, going: Going) -> Outcome:
        if not safe(entry.name):
            return "no such path can be on a disk"
        if _fetched_before(source, entry, there, going):
            return Copied(1, entry.size or 0)
        try:
            return copying.fetch(source, entry, target(entry.name), going, count=False)
        except UsageFault as problem:
            return problem.message
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            return "a file or folder is in its way"

    return _each(below(source, path), fetched, going)


def _fetched_before(
    source: Source, entry: Entry, there: Callable[[str], Origin], going: Going
) -> bool:
    try:
        origin = there(entry.name)
    except StudioError:
        return False  # whatever is wrong with its place, the copy itself will say
    try:
        return _same(source, entry, origin, going)
    finally:
        origin.close()


def send_all(source: Source, path: str, tree: Tree, going: Going, *, force: bool = False) -> Copied:
    """Copy a folder into a source: its files come to lie below `path`.

    A file that is there already, with the same content as far as the source can tell, is not sent
    again. What cannot lie in a source is passed over and named.

    Args:
        force: whether a file may take the place of another; else it is passed over.

    Raises:
        UsageFault: `path` is no folder in a source.
        Stopped: it was called off; what arrived is not sent again by the next attempt.
        StudioError: the source; or files changed meanwhile, and all others were sent.
    """
    if not path.endswith("/") or not path.strip("/"):
        said = f"{path!r} is no place for a folder"
        raise UsageFault(said, "end the URL with /: the files come to lie below it")
    unsent: list[StudioError] = []

    def sent(leaf: Leaf, going: Going) -> Outcome:
        if leaf.why or not safe(leaf.name):
            return leaf.why or "a name that could not be fetched again"
        try:
            return _sent(source, path + leaf.name, tree, leaf, going, force)
        except Unsent as problem:
            unsent.append(problem)
            return problem.message

    going.total = sum(leaf.size for leaf in tree.leaves())
    copied = _each(tree.leaves(), sent, going)
    if unsent:
        count, first = len(unsent), unsent[0]
        said = f"{count} file{'s' * (count > 1)} not sent, {copied.files} sent: {first.message}"
        raise StudioError(said, "send the folder again: only what is missing is sent")
    return copied


def _sent(source: Source, path: str, tree: Tree, leaf: Leaf, going: Going, force: bool) -> Outcome:
    try:
        origin = tree.origin(leaf.name)
    except (NotFound, Refused, UsageFault) as problem:
        return problem.message
    try:
        there = _there(source, path)
        if there is not None and _same(source, there, origin, going):
            return Copied(1, origin.size())
        if there is not None and not force:
            return "is there already, and not known to be the same"
        return Copied(1, copying.send(source, path, origin, going, force=True).size or 0)
    finally:
        origin.close()


def _there(source: Source, path: str) -> Entry | None:
    try:
        return source.stat(path)
    except NotFound:
        return None


def _same(source: Source, entry: Entry, origin: Origin, going: Going) -> bool:
    """Whether a source is known to have the very content."""
    size = origin.size()
    checksum = source.checksum(entry) if entry.size == size else None
    if checksum is None:
        return False
    for start in range(0, size, copying.PIECE):
        data = origin.read(start, min(copying.PIECE, size - start))
        checksum.update(data)
        going.step(len(data))
    same = checksum.agrees()
    going.done -= 0 if same else size
    return same


def _each(items: Iterable[Item], one: Callable[[Item, Going], Outcome], going: Going) -> Copied:
    """Do something with every file: many small ones at a time, each large one by itself."""

    def small(item: Item) -> Outcome | None:
        if (item.size or 0) > copying.PIECE:
            return None
        going.check()
        return one(item, Going())

    copied = Copied()
    ahead: deque[Item] = deque()
    for outcome in in_order(small, _kept(items, ahead)):
        item = ahead.popleft()
        going.text = item.name
        told = one(item, going) if outcome is None else outcome
        if isinstance(told, str):
            copied.skip(item.name, told)
            continue
        if outcome is not None:
            going.step(told.bytes)
        copied.files += 1
        copied.bytes += told.bytes
    return copied


def _kept(items: Iterable[Item], ahead: deque[Item]) -> Iterator[Item]:
    for item in items:
        ahead.append(item)
        yield item


def safe(name: str) -> bool:
    """Whether `name` is a path that stays below the folder that it is put into."""
    parts = name.split("/")
    # Half of a surrogate pair has no bytes to be counted; it is not printable either.
    return name.isprintable() and all(
        part not in ("", ".", "..") and len(part.encode()) < 200 for part in parts
    )
