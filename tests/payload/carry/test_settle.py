"""Settling: each file whole, each displaced one in the trash, nothing that the plan did not see."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.carry.settle import Settlement

Settle = Callable[..., list[list[str]]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "stage").mkdir()
    return tmp_path / "root"


@pytest.fixture
def stage(tmp_path: Path, root: Path) -> Path:
    return tmp_path / "stage"


@pytest.fixture
def trash(tmp_path: Path) -> Path:
    return tmp_path / "trash"


@pytest.fixture
def settle(root: Path, stage: Path, trash: Path) -> Settle:
    def do(**steps: Any) -> list[list[str]]:
        return Settlement(str(root), str(stage), str(trash)).do(steps)

    return do


def row(path: Path, name: str = "") -> list[Any]:
    if path.is_symlink():
        return ["l", name, os.readlink(path)]
    status = path.stat()
    return ["f", name, status.st_mode & 0o777, status.st_size, status.st_mtime_ns, None, False]


def place(stage: Path, name: str, before: Any = None, *, to: str = "", mode: int = 0o644) -> Any:
    status = (stage / name).stat()
    return [name, to or name, mode, status.st_size, status.st_mtime_ns, before]


def test_a_file_comes_with_its_mode(root: Path, stage: Path, settle: Settle) -> None:
    (stage / "a").write_text("new")
    assert (
        settle(folders=[["d/e", 0o750]], places=[place(stage, "a", to="d/e/f", mode=0o640)]) == []
    )
    assert (root / "d/e/f").read_text() == "new"
    assert (root / "d/e/f").stat().st_mode & 0o777 == 0o640
    assert (root / "d/e").stat().st_mode & 0o777 == 0o750


def test_what_is_replaced_goes_to_the_trash(
    root: Path, stage: Path, trash: Path, settle: Settle
) -> None:
    (stage / "a").write_text("new")
    (root / "a").write_text("old")
    (root / "l").symlink_to("old")
    steps: dict[str, Any] = {"places": [place(stage, "a", row(root / "a"))]}
    steps["links"] = [["l", "new", row(root / "l")]]
    assert settle(**steps) == []
    assert (root / "a").read_text() == "new"
    assert os.readlink(root / "l") == "new"
    assert (trash / "a").read_text() == "old"
    assert os.readlink(trash / "l") == "old"


def test_a_disk_without_hard_links(
    root: Path, stage: Path, trash: Path, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    test_what_is_replaced_goes_to_the_trash(root, stage, trash, settle)


def test_what_goes_is_kept_and_its_folder_too_when_something_is_in_it(
    root: Path, trash: Path, settle: Settle
) -> None:
    for folder in ("one", "two"):
        (root / folder).mkdir()
        (root / folder / "a").write_text(folder)
    (root / "two" / "ignored").write_text("mine")
    going = [[f"{each}/a", row(root / each / "a")] for each in ("one", "two")]
    assert settle(trash=going, gone=["two", "one"]) == []
    assert os.listdir(root) == ["two"]
    assert os.listdir(root / "two") == ["ignored"]
    assert (trash / "one/a").read_text() == "one"


def test_two_of_one_name_in_the_trash(root: Path, trash: Path, settle: Settle) -> None:
    for content in ("first", "second"):
        (root / "a").write_text(content)
        assert settle(trash=[["a", row(root / "a")]]) == []
    assert sorted(p.read_text() for p in trash.iterdir()) == ["first", "second"]


def test_a_file_becomes_a_folder_and_a_folder_a_file(
    root: Path, stage: Path, trash: Path, settle: Settle
) -> None:
    (root / "file").write_text("was a file")
    (root / "folder").mkdir()
    (root / "folder/in").write_text("was in a folder")
    (stage / "x").write_text("in the folder")
    (stage / "y").write_text("a file now")
    left = settle(
        trash=[["file", row(root / "file")], ["folder/in", row(root / "folder/in")]],
        gone=["folder"],
        folders=[["file", 0o755]],
        places=[place(stage, "x", to="file/x"), place(stage, "y", to="folder")],
    )
    assert left == []
    assert (root / "file/x").read_text() == "in the folder"
    assert (root / "folder").read_text() == "a file now"


@pytest.mark.parametrize("change", ["other", "gone", "link", "folder"])
def test_what_the_plan_did_not_see_stays(
    root: Path, stage: Path, trash: Path, settle: Settle, change: str
) -> None:
    (root / "a").write_text("as seen")
    before = row(root / "a")
    (root / "a").unlink()
    if change == "other":
        (root / "a").write_text("somebody's work")
    elif change == "link":
        (root / "a").symlink_to("elsewhere")
    elif change == "folder":
        (root / "a").mkdir()
    (stage / "a").write_text("new")
    left = settle(places=[place(stage, "a", before)], trash=[["a", before]])
    assert [path for path, _ in left] == ["a", "a"]
    assert not trash.exists()
    assert not (root / "a").is_file() or (root / "a").read_text() == "somebody's work"


def test_what_came_since_stays(root: Path, stage: Path, settle: Settle) -> None:
    (stage / "a").write_text("new")
    (root / "a").write_text("somebody's work")
    assert settle(places=[place(stage, "a")], links=[["a", "x", None]]) == [
        ["a", "it came since"],
        ["a", "it came since"],
    ]
    assert (root / "a").read_text() == "somebody's work"


def test_what_has_not_come_or_is_another_is_not_placed(
    root: Path, stage: Path, settle: Settle
) -> None:
    (stage / "a").write_text("new")
    other = place(stage, "a")
    other[4] += 1
    assert settle(places=[["none", "none", 0o644, 1, 1, None], other]) == [
        ["none", "it has not come"],
        ["a", "it changed while it was carried"],
    ]
    assert os.listdir(root) == []


def test_a_conflicts_copy_is_the_file_itself(root: Path, settle: Settle) -> None:
    (root / "a").write_text("theirs")
    inode = (root / "a").stat().st_ino
    assert settle(moves=[["a", "a.copy", row(root / "a")]]) == []
    assert (root / "a.copy").stat().st_ino == inode


def test_no_link_leads_out(root: Path, stage: Path, tmp_path: Path, settle: Settle) -> None:
    (tmp_path / "outside").mkdir()
    (root / "d").symlink_to(tmp_path / "outside")
    (stage / "a").write_text("new")
    left = settle(
        places=[place(stage, "a", to="d/a")], links=[["d/l", "x", None]], folders=[["d/f", 0o755]]
    )
    assert {why for _, why in left} == {"a link leads out of its folder"}
    assert os.listdir(tmp_path / "outside") == []


def test_modes(root: Path, settle: Settle) -> None:
    (root / "a").write_text("x")
    (root / "d").mkdir()
    (root / "l").symlink_to("a")
    assert settle(modes=[["a", 0o600], ["d", 0o700], ["l", 0o000], ["none", 0o600]]) == [
        ["l", "it became a link"],
        ["none", "No such file or directory"],
    ]
    assert [(root / name).stat().st_mode & 0o777 for name in "ad"] == [0o600, 0o700]


def test_a_read_only_folder_is_opened_and_closed_again(
    root: Path, stage: Path, settle: Settle
) -> None:
    """As a user whom modes mean something to: nothing is read-only to root."""
    (root / "sealed").mkdir()
    (root / "sealed/a").write_text("old")
    (stage / "a").write_text("new")
    places = [place(stage, "a", row(root / "sealed/a"), to="sealed/a", mode=0o444)]
    folders = [["new", 0o555], ["new/deep", 0o555]]
    (root / "sealed").chmod(0o555)
    with ordinary_user(root.parent):
        assert settle(places=places, folders=folders) == []
    assert (root / "sealed/a").read_text() == "new"
    for folder in ("sealed", "new", "new/deep"):
        assert (root / folder).stat().st_mode & 0o777 == 0o555


@contextlib.contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """As somebody else than root, who then owns the folder."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    for path in folder.parents:
        if path.name.startswith(("pytest-", "popen-")):
            path.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
