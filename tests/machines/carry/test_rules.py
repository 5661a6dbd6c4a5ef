"""`.studioignore` means what git means by it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from studio_tui.errors import UsageFault
from studio_tui.machines.carry.rules import DEFAULTS, rules
from studio_tui.payload.carry.listing import Listing

PATHS = [
    "a.py",
    "a.pyc",
    "keep.pyc",
    "data/x.bin",
    "data/keep/y.bin",
    "src/data/z.bin",
    "src/deep/er/a.py",
    "src/deep/er/b.pyc",
    "#hash",
    "!bang",
    "with space",
    "build/out/o",
    "café/é.txt",
]


@pytest.mark.parametrize(
    "text",
    [
        "*.pyc",
        "*.pyc\n!keep.pyc",
        "data/",
        "/data/",
        "data/*\n!data/keep",
        "data/**",
        "data/**\n!data/keep\n!data/keep/**",
        "**/er",
        "src/**/b.pyc",
        "*\n!*/\n!*.py",
        "*",
        r"\#hash",
        r"\!bang",
        "# a remark\n\nwith\\ space",
        "with space   ",
        "build/out",
        "!data/x.bin\ndata/",
        "[ab].py*",
        "?.py",
        "café/",
        "data/keep/\ndata/x.*",
    ],
)
def test_it_hides_what_git_would(tmp_path: Path, text: str) -> None:
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    ours = set(Listing(str(tmp_path), rules(text)).paths())
    (tmp_path / "rules").write_text(text + "\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    argv = ["git", "-C", tmp_path, "ls-files", "-o", "-z", "-X", "rules"]
    told = subprocess.run(argv, check=True, capture_output=True).stdout
    theirs = {os.fsdecode(name) for name in told.split(b"\0") if name} - {"rules"}
    assert {path for path in ours if (tmp_path / path).is_file()} == theirs


def test_the_defaults(tmp_path: Path) -> None:
    for path in ("a/__pycache__/x", "node_modules/y", "a/b.py", "__pycache__"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    found = set(Listing(str(tmp_path), (), rules("\n".join(DEFAULTS))).paths())
    assert found == {"a", "a/b.py", "__pycache__"}


def test_a_line_that_is_no_pattern() -> None:
    with pytest.raises(UsageFault, match="no pattern"):
        rules("fine\n!\n")
