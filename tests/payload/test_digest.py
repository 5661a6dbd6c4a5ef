"""What a step depends on, looked at by the program as a machine runs it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload import digest

PROGRAM = Path(digest.__file__)


def looked(folder: Path, inputs: list[str], outputs: list[str]) -> Any:
    asked = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    command = [sys.executable, "-I", str(PROGRAM), str(folder)]
    return json.loads(subprocess.run(command, input=asked, capture_output=True, check=True).stdout)


def test_files_folders_and_patterns(tmp_path: Path) -> None:
    (tmp_path / "data/deep").mkdir(parents=True)
    for name in ("a.csv", "data/b.csv", "data/deep/ç.csv"):
        (tmp_path / name).write_text(name)
    (tmp_path / "data/loose").symlink_to("nowhere")
    found = looked(tmp_path, ["a.csv", "data", "**/*.csv", "none/*.csv"], ["a.csv", "out.bin"])
    assert sorted(found["files"]) == ["a.csv", "data/b.csv", "data/deep/ç.csv"]
    assert found["files"]["a.csv"] == hashlib.sha256(b"a.csv").hexdigest()
    assert found["without"] == ["none/*.csv"]
    assert found["missing"] == ["out.bin"]


def test_a_pattern_that_names_too_much(tmp_path: Path, monkeypatch: Any) -> None:
    for number in range(3):
        (tmp_path / str(number)).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(digest, "MOST_FILES", 2)
    with pytest.raises(SystemExit, match="names more than 2 files"):
        digest.matches("*")
