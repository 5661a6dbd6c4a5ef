"""The addresses on a screen: hyperlinks that a program set, and those that stand there as text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

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
    start = 0
    for run in row.runs:
        if run.style.link and start <= x < start + run.cells:
            return Link(run.style.link, run.text)
        start += run.cells
    for match in _ADDRESS.finditer(row.text):
        address = match.group().rstrip(_TRAILING)
        first = _column(row, match.start())
        if first <= x < first + len(address):
            return Link(address, address)
    return None


def links_on(rows: Iterable[Row]) -> list[Link]:
    """The links on a screen from top to bottom, each address once."""
    found: dict[str, Link] = {}
    for row in rows:
        for run in row.runs:
            if run.style.link:
                found.setdefault(run.style.link, Link(run.style.link, run.text.strip()))
        for match in _ADDRESS.finditer(row.text):
            address = match.group().rstrip(_TRAILING)
            found.setdefault(address, Link(address, address))
    return list(found.values())


def _column(row: Row, at: int) -> int:
    """The column of the character at `at` in the row's text."""
    column = 0
    for run in row.runs:
        if at < len(run.text):
            return column + at * run.width
        at, column = at - len(run.text), column + run.cells
    return column
