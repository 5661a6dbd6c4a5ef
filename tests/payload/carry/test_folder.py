"""A folder that is carried: what it remembers, and what it answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.carry import folder as room
from studio_tui.payload.carry.folder import Busy, Folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "studio"


@pytest.fixture
def folder(root: Path) -> Folder:
    return Folder(str(root))


def wanted(path: Path, name: str) -> list[Any]:
    status = path.stat()
    return [name, 0o644, status.st_size, status.st_mtime_ns]


def paths(told: dict[str, Any]) -> list[str]:
    return [row[1] for row in told["rows"]]


def test_it_is_made_and_says_what_it_is(folder: Folder, root: Path) -> None:
    (root / ".studioignore").write_text("data/\n")
    (root / ".gitignore").write_text("*.o\n")
    told = folder.hello()
    assert told["root"] == str(root)
    assert told["caseless"] is False
    assert told["git"] is True
    assert told["repository"] is False
    assert folder.ignore() == ["*.o\n", "data/\n"]
    assert folder.rsync() == "" or folder.rsync().startswith("rsync")


def test_in_a_repository_gitignore_is_gits(folder: Folder, root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".gitignore").write_text("*.o\n")
    assert folder.ignore() == [""]


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Folder("~/studios/one").root == str(tmp_path / "studios/one")


def test_one_at_a_time(folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.05)
    with pytest.raises(Busy):
        Folder(str(root))


def test_what_it_keeps_is_not_a_part_of_it_and_not_gits_business(
    folder: Folder, root: Path
) -> None:
    (root / "a").write_text("x")
    assert paths(folder.survey("b", "", [], [])) == ["a"]
    assert (root / ".studio-carry/.gitignore").read_text() == "*\n"


def test_it_remembers_the_last_two_for_each_peer(folder: Folder) -> None:
    rows = [["d", name, 0o755] for name in "abc"]
    folder.keep("gpu/box", "1", "", rows[:2], [])
    folder.keep("gpu/box", "2", "1", [["d", "a", 0o700]], ["b"])
    folder.keep("gpu/box", "3", "2", [rows[2]], [])
    folder.keep("other", "x", "", [], [])
    assert folder.known("gpu/box") == ["3", "2"]
    assert folder.base("gpu/box", "3") == [["d", "a", 0o700], rows[2]]
    assert folder.base("gpu/box", "2") == [["d", "a", 0o700]]
    assert folder.base("gpu/box", "1") == []
    assert (folder.known("other"), folder.known("nobody")) == (["x"], [])


def test_a_memory_that_is_damaged_is_none(folder: Folder, root: Path) -> None:
    folder.keep("a", "1", "", [["d", "x", 0o755]], [])
    (kept,) = (root / ".studio-carry/bases").rglob("*-1")
    for damage in ('[["d"', "[[]]", "5", "\0"):
        kept.write_text(damage)
        other = object.__new__(Folder)
        other.__dict__.update(folder.__dict__, _remembered={})
        assert (other.known("a"), other.base("a", "1")) == ([], [])


def test_a_survey_tells_what_is_not_as_it_was(folder: Folder, root: Path) -> None:
    for name in "abc":
        (root / name).write_text(name)
    folder.keep("peer", "1", "", folder.survey("peer", "", [], [])["rows"], [])
    (root / "a").write_text("other")
    (root / "b").unlink()
    told = folder.survey("peer", "1", [], [])
    assert (paths(told), told["gone"], told["hidden"]) == (["a"], ["b"], [])
    assert paths(folder.survey("peer", "", [], [])) == ["a", "c"]


def test_what_was_carried_and_is_ignored_now_is_hidden_not_deleted(
    folder: Folder, root: Path
) -> None:
    for name in ("data/a", "data/b", "c"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x")
    folder.keep("peer", "1", "", folder.survey("peer", "", [], [])["rows"], [])
    (root / "data/b").unlink()
    told = folder.survey("peer", "1", [(True, "data/")], [])
    assert (told["gone"], told["hidden"]) == (["data", "data/a", "data/b"], ["data/a"])


def test_the_stage_keeps_what_is_whole_and_wanted(folder: Folder, root: Path) -> None:
    stage = Path(folder.stage)
    (stage / "d/.studio-parts").mkdir(parents=True)
    for name in ("whole", "d/other", "unwanted", ".whole.Xa3", "d/.studio-parts/half"):
        (stage / name).write_text("x")
    files = [wanted(stage / "whole", "whole"), ["d/other", 0o644, 999, 1]]
    told = folder.make_stage(files)
    assert told["whole"] == ["whole"]
    assert told["free"] > 0
    assert {str(p.relative_to(stage)) for p in stage.rglob("*") if p.is_file()} == {
        "whole",
        "d/.studio-parts/half",
    }
    folder.drop_stage()
    assert not stage.exists()


def test_what_changed(folder: Folder, root: Path) -> None:
    for name in "abc":
        (root / name).write_text("x")
    files = [wanted(root / name, name) for name in "abc"]
    (root / "b").write_text("yy")
    (root / "c").unlink()
    assert folder.changed(files) == ["b", "c"]


def test_digests_of_large_files(folder: Folder, root: Path) -> None:
    with (root / "large").open("wb") as file:
        file.truncate(2 << 20)
    assert folder.survey("p", "", [], [])["rows"][0][5] is None
    assert folder.digests(["large"])[0][5] is not None


def test_settling_keeps_what_it_displaces(folder: Folder, root: Path) -> None:
    (root / "a").write_text("old")
    (row,) = folder.survey("p", "", [], [])["rows"]
    assert folder.settle({"trash": [["a", row]]}, "20260101") == []
    assert (root / ".studio-trash/20260101/a").read_text() == "old"
    assert (root / ".studio-trash/.gitignore").read_text() == "*\n"
    assert os.listdir(root / ".studio-trash/20260101") == ["a"]
