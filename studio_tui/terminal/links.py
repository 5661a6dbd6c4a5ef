"""The addresses on a screen: hyperlinks that a program set, and those that stand there as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from studio_tui.terminal.line import Line, Spot, line_at

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


def link_at(rows: Sequence[Row], spot: Spot) -> Link | None:
    """The link at a place of a screen."""
    line = line_at(rows, spot.line)
    place = line.place(spot)
    if place is None:
        return None
    return next((link for start, end, link in _links(line) if start <= place < end), None)


def links_on(rows: Sequence[Row]) -> list[Link]:
    """The links on a screen from top to bottom, each address once."""
    found: dict[str, Link] = {}
    begins = [y for y in range(len(rows)) if not (y and rows[y - 1].wrapped)]
    for y in begins:
        for _, _, link in _links(line_at(rows, y)):
            found.setdefault(link.address, link._replace(text=link.text.strip()))
    return list(found.values())


def _links(line: Line) -> Iterator[tuple[int, int, Link]]:
    """(first character, one past the last, link): those that a program set come first."""
    start = 0
    for run in (run for row in line.rows for run in row.runs):
        end = start + len(run.text)
        if run.style.link:
            yield start, end, Link(run.style.link, run.text)
        start = end
    for match in _ADDRESS.finditer(line.text):
        address = match.group().rstrip(_TRAILING)
        yield match.start(), match.start() + len(address), Link(address, address)
