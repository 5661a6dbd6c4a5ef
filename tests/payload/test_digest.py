"""What a step depends on, looked at by the program as a machine runs it."""

from __future__ import annotations

import hashlib
import json
import os
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
        digest.named("*")


def test_what_is_left_changes_with_every_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "out/deep").mkdir(parents=True)
    (tmp_path / "out/deep/a").write_text("a")
    outputs = ["out", "model.ckpt"]

    def left() -> str:
        return str(looked(tmp_path, [], outputs)["left"])

    first = left()
    assert first == left() != ""
    (tmp_path / "model.ckpt").write_text("1")
    second = left()
    os.utime(tmp_path / "model.ckpt", ns=(1, 1))
    third = left()
    (tmp_path / "out/deep/a").unlink()
    assert len({first, second, third, left()}) == 4
    assert looked(tmp_path, ["out"], [])["left"] == ""
