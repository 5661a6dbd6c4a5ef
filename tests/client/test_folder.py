"""A folder's listing, from a host that may send anything."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.client.answer import Answer
from studio_tui.client.folder import FolderEntry, read_listing
from studio_tui.errors import StudioError


def test_a_listing() -> None:
    told = {"name": "train.py", "kind": "file", "size": 12, "mtime": 1.5}
    listing = read_listing(Answer("files.list", {"entries": [told], "truncated": True}))
    assert listing.entries == [FolderEntry("train.py", "file", 12, 1.5)]
    assert listing.truncated


@pytest.mark.parametrize("entry", [None, 3, "train.py", [], {}, {"name": 3}, {"name": None}])
def test_what_is_no_entry_is_left_out(entry: Any) -> None:
    listing = read_listing(Answer("files.list", {"entries": [entry], "truncated": False}))
    assert listing.entries == []


def test_what_an_entry_does_not_say_is_filled_in() -> None:
    told = {"name": "x", "kind": "door", "size": "big", "mtime": None}
    listing = read_listing(Answer("files.list", {"entries": [told], "truncated": False}))
    assert listing.entries == [FolderEntry("x", "other", 0, 0.0)]


@pytest.mark.parametrize("values", [{}, {"entries": {}}, {"entries": []}])
def test_no_listing_at_all_is_an_error(values: dict[str, Any]) -> None:
    with pytest.raises(StudioError, match=r"files\.list"):
        read_listing(Answer("files.list", values))
