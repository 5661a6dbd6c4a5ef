"""Filling a new room with a file's text, once and only once."""

from __future__ import annotations

from typing import Any

from pycrdt import Map

from studio_tui.document.text import DISK, SharedText

ROOT = "seed"
MARK = "seeded"


def seed(text: SharedText, content: str) -> bool:
    """Put `content` into a room's empty text; False, and nothing done, when that was done before.

    The mark travels in the same transaction as the text: a second seeding would double the text,
    because a CRDT keeps what both of two writers insert.

    Args:
        text: the room's text.
        content: without lone surrogates, as text read from a file is.
    """
    if is_seeded(text):
        return False
    with text.doc.transaction(origin=DISK):
        _marks(text)[MARK] = True
        if content:
            text.crdt.insert(0, content)
    return True


def is_seeded(text: SharedText) -> bool:
    """Whether the room has been filled."""
    return MARK in _marks(text)


def _marks(text: SharedText) -> Map[Any]:
    marks: Map[Any] = text.doc.get(ROOT, type=Map)
    return marks
