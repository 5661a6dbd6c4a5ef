"""libghostty's packed 64-bit cells to a row of runs (pure: the library comes in as a `Lookup`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from studio_tui.terminal.row import BLANK, PLAIN, RGB, Row, Run, Style

if TYPE_CHECKING:
    from collections.abc import Sequence

# (lowest bit, width) of each field of a cell. The library does not promise them: `emulator`
# compares them with what the library says of itself before it reads one cell.
LAYOUT: Final = {
    "content_tag": (0, 2),
    "content": (2, 24),
    "style_id": (26, 16),
    "wide": (42, 2),
    "hyperlink": (45, 1),
}

_CODEPOINT, _CLUSTER, _PALETTE, _COLOUR = range(4)
_NARROW, _WIDE, _TAIL, _HEAD = range(
    4
)  # _HEAD: the blank left at the margin when a wide character wrapped
_CONTENT_AND_STYLE: Final = (1 << 42) - 1
_LONGEST_CLUSTER = 32
_PLAIN_LIMIT: Final = 1 << 26
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Lookup(Protocol):
    """What a cell only points at."""

    def style(self, x: int) -> Style:
        """The style of the cell at column `x`, its link left out."""

    def cluster(self, x: int) -> str:
        """All code points of the cell at column `x`."""

    def link(self, x: int) -> str:
        """The hyperlink of the cell at column `x`."""


def clean(text: str) -> str:
    """`text` with every control character and lone surrogate replaced by U+FFFD."""
    return _UNSAFE.sub("\ufffd", text)


def is_clean(text: str) -> bool:
    """Whether `text` has no control character."""
    return _UNSAFE.search(text) is None


def read_row(values: Sequence[int], lookup: Lookup) -> Row:
    """The cells of one line as a row.

    Args:
        values: one packed cell per column, left to right.
        lookup: styles, clusters and links of this very line.
    """
    end = len(values)
    while end and not values[end - 1] & _CONTENT_AND_STYLE:
        end -= 1
    if not end:
        return BLANK
    used = values[:end]
    if max(used) < _PLAIN_LIMIT and not any(value & 3 for value in used):
        text = "".join([chr(value >> 2) if value else " " for value in used])
        return Row((Run(clean(text), 1, end, PLAIN),))
    return _read_styled(used, lookup)


def _read_styled(values: Sequence[int], lookup: Lookup) -> Row:
    """Cell by cell: neighbours of one style and width join, a cluster stands alone."""
    runs: list[Run] = []
    styles: dict[int, Style] = {}
    text: list[str] = []
    style, width = PLAIN, 1

    def close() -> None:
        if text:
            runs.append(Run(clean("".join(text)), width, len(text) * width, style))
            text.clear()

    for x, value in enumerate(values):
        wide = value >> 42 & 3
        if wide == _TAIL:
            continue
        tag = value & 3
        cell_style = _style(value, tag, x, styles, lookup)
        cell_width = 2 if wide == _WIDE else 1
        if tag == _CLUSTER:
            close()
            cluster = clean(lookup.cluster(x)[:_LONGEST_CLUSTER])
            runs.append(Run(cluster, 0, cell_width, cell_style))
            continue
        if cell_style != style or cell_width != width:
            close()
            style, width = cell_style, cell_width
        code = value >> 2 & 0x1FFFFF if tag == _CODEPOINT and wide != _HEAD else 0
        text.append(chr(code) if code else " ")
    close()
    return Row(tuple(runs))


def _style(value: int, tag: int, x: int, styles: dict[int, Style], lookup: Lookup) -> Style:
    """The style of one cell; ids mean nothing outside their line, and neither does `styles`."""
    style_id = value >> 26 & 0xFFFF
    if tag >= _PALETTE:
        return Style(bg=_background(value >> 2 & 0xFFFFFF, tag))
    style = PLAIN
    if style_id:
        known = styles.get(style_id)
        style = styles[style_id] = known if known is not None else lookup.style(x)
    if value >> 45 & 1:
        return style._replace(link=lookup.link(x))
    return style


def _background(content: int, tag: int) -> int:
    """The colour of a cell that was erased to a background and holds no text."""
    if tag == _PALETTE:
        return content & 0xFF
    return RGB | (content & 0xFF) << 16 | content & 0xFF00 | content >> 16 & 0xFF
