"""What is open in a studio, kept beside what is open in others, and what a damaged file does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio_tui.app import open_files
from studio_tui.app.open_files import FILES_CAP, STUDIOS_CAP, OpenFile


def test_what_is_kept_comes_back_and_leaves_other_studios_alone() -> None:
    mine = [OpenFile("a.py", 3, 7, 2, seen=True), OpenFile("b.py")]
    open_files.save("calm-otter", mine)
    open_files.save("quick-crane", [OpenFile("c.py")])
    assert open_files.load("calm-otter") == mine
    assert open_files.load("quick-crane") == [OpenFile("c.py")]
    open_files.save("calm-otter", [])
    assert open_files.load("calm-otter") == []
    assert open_files.kept_file().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"a": {"path": "x"}}'])
def test_a_damaged_file_says_that_nothing_was_open(content: str) -> None:
    open_files.kept_file().write_text(content)
    assert open_files.load("a") == []
    open_files.save("a", [OpenFile("x")])
    assert open_files.load("a") == [OpenFile("x")]


def test_what_makes_no_sense_is_left_out() -> None:
    files: list[Any] = ["x.py", 3, {"path": 7}, {"path": ""}]
    files.append({"path": "x.py", "line": -1, "column": True, "top": "2", "seen": 1})
    open_files.kept_file().write_text(json.dumps({"a": files}))
    assert open_files.load("a") == [OpenFile("x.py")]


def test_the_file_does_not_grow_without_end() -> None:
    for number in range(STUDIOS_CAP + 2):
        open_files.save(f"s{number}", [OpenFile(f"{file}.py") for file in range(FILES_CAP + 5)])
    assert len(json.loads(open_files.kept_file().read_text())) == STUDIOS_CAP
    assert open_files.load("s0") == []
    assert len(open_files.load(f"s{STUDIOS_CAP + 1}")) == FILES_CAP
