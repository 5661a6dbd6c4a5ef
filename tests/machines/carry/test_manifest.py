"""What a folder is made of, and which paths a machine may name."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.errors import StudioError
from studio_tui.machines.carry.manifest import (
    FILE,
    FOLDER,
    LINK,
    Entry,
    above,
    clashes,
    manifest,
    rows,
)

ROWS: list[list[Any]] = [
    ["f", "a", 0o640, 5, 123, "d1", False],
    ["f", "b\udcff\n", 0o640, 1 << 40, 123, None, True],
    ["d", "d", 0o755],
    ["l", "d/l", "../a"],
]


def test_rows_there_and_back() -> None:
    found = manifest(ROWS)
    assert found["a"] == Entry(FILE, 0o640, 5, 123, "d1")
    assert found["d/l"] == Entry(LINK, target="../a")
    assert rows(found) == ROWS


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../b", "a//b", ".", "..", "", "a/", "a\0b", "./a", 5, None]
)
def test_no_path_leads_out_of_the_folder(path: Any) -> None:
    with pytest.raises(StudioError, match="makes no sense"):
        manifest([["f", path, 0o644, 1, 1, None, False]])


@pytest.mark.parametrize(
    "row",
    [[], ["f", "a"], ["x", "a", 1], ["f", "a", 0o644, "much", 1, None, False], ["d", "a", None]],
)
def test_a_row_that_makes_no_sense(row: list[Any]) -> None:
    with pytest.raises(StudioError, match="makes no sense"):
        manifest([row])


def test_bits_that_give_rights_do_not_travel() -> None:
    assert manifest([["f", "a", 0o4755, 1, 1, None, False]])["a"].mode == 0o755


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Entry(FILE, size=1, mtime=1, digest="a"), Entry(FILE, size=1, mtime=2, digest="a"), True),
        (Entry(FILE, size=1, mtime=1, digest="a"), Entry(FILE, size=1, mtime=1, digest="b"), False),
        (Entry(FILE, size=1, mtime=1, digest="a"), Entry(FILE, size=1, mtime=1), True),
        (Entry(FILE, size=1, mtime=1), Entry(FILE, size=1, mtime=2), False),
        (Entry(FILE, size=1, mtime=1), Entry(FILE, size=2, mtime=1), False),
        (Entry(FOLDER, 0o755), Entry(FOLDER, 0o700), True),
        (Entry(LINK, target="a"), Entry(LINK, target="b"), False),
        (Entry(FILE), Entry(FOLDER), False),
    ],
)
def test_what_is_the_same(one: Entry, other: Entry, *, same: bool) -> None:
    assert one.same(other) is same
    assert other.same(one) is same
    assert not one.same(None)


def test_the_folders_above() -> None:
    assert list(above("a/b/c")) == ["a", "a/b"]
    assert list(above("a")) == []


def test_names_that_clash_on_some_disks() -> None:
    paths = ["README", "readme", "src", "src/a", "Src", "Src/b", "other", "e\u0301", "\u00e9"]
    assert clashes(paths) == set(paths) - {"other"}
    assert clashes(["a", "b", "a/b"]) == set()
