"""Fitting text into cells: scrubbed of control characters, cut with an ellipsis, padded."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"
# A variation selector changes a character's width in some terminals and not in others.
_SELECTORS = dict.fromkeys(range(0xFE00, 0xFE10))


def scrub(text: str) -> str:
    """`text` without control, format and unassigned characters; any white space becomes a space.

    What is left moves no cursor, opens no escape sequence and reverses no text.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = (" " if c.isspace() else c for c in text if c.isspace() or c.isprintable())
    return "".join(kept).translate(_SELECTORS)


def cells(text: str) -> int:
    """How many cells `text` takes on the screen."""
    return cell_len(text)


def clip(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut at its end: for names and sentences."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[: max(width, 0)]
    return _head(text, width - 1) + ELLIPSIS


def clip_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut in its middle: for paths, whose end says most."""
    if cell_len(text) <= width:
        return text
    if width <= 2:
        return clip(text, width)
    tail = _tail(text, width // 2)
    return _head(text, width - 1 - cell_len(tail)) + ELLIPSIS + tail


def left(text: str, width: int) -> str:
    """`text` in exactly `width` cells, at the left of them."""
    return set_cell_size(clip(text, width), max(width, 0))


def right(text: str, width: int) -> str:
    """`text` in exactly `width` cells, at the right of them."""
    cut = clip(text, width)
    return " " * (width - cell_len(cut)) + cut


def _head(text: str, width: int) -> str:
    """The longest start of `text` within `width` cells; half a wide character is left out."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cell_len(text[:middle]) <= width else (low, middle - 1)
    return text[:low]


def _tail(text: str, width: int) -> str:
    """The longest end of `text` within `width` cells."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if cell_len(text[middle:]) <= width else (middle + 1, high)
    return text[low:]
