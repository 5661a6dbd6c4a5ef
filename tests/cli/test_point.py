"""`studio-tui point`: for everybody, and only at what is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.point import read_place
from studio_tui.client import locate
from studio_tui.document.entries import PointEntry

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


def pointed(studio: str) -> PointEntry | None:
    async def look() -> PointEntry | None:
        async with locate.attach(studio) as joined:
            return joined.document.point

    return asyncio.run(look())


def test_a_file_and_a_line_for_everybody(hosted: Hosted, typed: Typed) -> None:
    (hosted.folder / "train.py").write_text("loss = 1 / 0\n")
    done = typed("point", hosted.id, "train.py:1", "--say", "division by zero")
    assert (done.code, done.out) == (0, "")
    place = pointed(hosted.id)
    assert place is not None
    assert (place.path, place.line, place.text) == ("train.py", 1, "division by zero")

    # A traceback has whole paths.
    assert typed("point", hosted.id, f"{hosted.folder}/train.py").code == 0
    place = pointed(hosted.id)
    assert place is not None
    assert (place.path, place.line, place.text) == ("train.py", 0, "")

    assert typed("point", hosted.id, "none.py:3").code == 3
    assert typed("point", hosted.id, "/etc/passwd:1").code == 4
    after = pointed(hosted.id)
    assert after == place


@pytest.mark.parametrize(
    ("place", "read"),
    [
        ("a.py:12", ("a.py", 12)),
        ("a.py", ("a.py", 0)),
        ("a:b.py", ("a:b.py", 0)),
        (":12", (":12", 0)),
        ("a.py:²", ("a.py:²", 0)),
        ("a.py:1:2", ("a.py:1", 2)),
    ],
)
def test_places(place: str, read: tuple[str, int]) -> None:
    assert read_place(place) == read
