"""The addresses on a screen: hyperlinks that a program set, and those that stand there as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from studio_tui.terminal.scrollback import cells_of

if TYPE_CHECKING:
    from studio_tui.terminal.row import Row

_ADDRESS: Final = re.compile(r"https?://[^\s\x00-\x20\"'`<>│┃║]+")
_TRAILING: Final = ".,;:!?)]}'\""
_SAFE: Final = ("http://", "https://")


class Link(NamedTuple):
    """Where a link leads, and the text that it stands under."""

    address: str
    text: str


def opens(address: str) -> bool:
    """Whether a browser may be asked to open it; what else there is can start programs."""
    return address.lower().startswith(_SAFE)


def link_at(row: Row, x: int) -> Link | None:
    """The link at column `x` of a row."""
    return next((link for start, end, link in _links(row) if start <= x < end), None)


def links_on(rows: Iterable[Row]) -> list[Link]:
    """The links on a screen from top to bottom, each address once."""
    found: dict[str, Link] = {}
    for row in rows:
        for _, _, link in _links(row):
            found.setdefault(link.address, link._replace(text=link.text.strip()))
    return list(found.values())


def _links(row: Row) -> Iterator[tuple[int, int, Link]]:
    """(first column, one past the last, link): those that a program set come first."""
    start = 0
    for run in row.runs:
        if run.style.link:
            yield start, start + run.cells, Link(run.style.link, run.text)
        start += run.cells
    for match in _ADDRESS.finditer(row.text):
        address = match.group().rstrip(_TRAILING)
        yield *cells_of(row, match.start(), match.start() + len(address)), Link(address, address)
