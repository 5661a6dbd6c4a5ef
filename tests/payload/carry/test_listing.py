"""Which files belong to a folder, with real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from studio_tui.payload.carry.listing import Listing, Rules, tracked_and_new, within_repository


def fill(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def git(root: Path, *args: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", root, *who, *args], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    fill(root, "train.py", "src/model.py", "src/__pycache__/x.pyc", "data/big.bin", "new.txt")
    (root / ".gitignore").write_text("__pycache__/\n/data/\n.venv\n")
    git(root, "add", "train.py", "src/model.py", ".gitignore")
    git(root, "commit", "-qm", "first")
    return root


def seen(listing: Listing) -> set[str]:
    """All but the repository's own files."""
    return {path for path in listing.paths() if not path.startswith(".git/")}


def test_what_git_tracks_and_would_add_and_its_history(repository: Path) -> None:
    found = list(Listing(str(repository)).paths())
    assert seen(Listing(str(repository))) == {
        ".git",
        ".gitignore",
        "train.py",
        "src",
        "src/model.py",
        "new.txt",
    }
    assert {".git/HEAD", ".git/refs/heads/main", ".git/objects"} <= set(found)
    assert len(found) == len(set(found))


def test_folders_come_before_what_is_in_them(repository: Path) -> None:
    found = list(Listing(str(repository)).paths())
    for number, path in enumerate(found):
        folder = os.path.dirname(path)
        assert not folder or found.index(folder) < number


def test_what_another_git_is_doing_is_left(repository: Path) -> None:
    fill(repository, ".git/index.lock", ".git/objects/tmp_obj_1", ".git/gc.pid")
    found = set(Listing(str(repository)).paths())
    assert not {".git/index.lock", ".git/objects/tmp_obj_1", ".git/gc.pid"} & found


def test_a_tracked_file_that_is_ignored_belongs(repository: Path) -> None:
    git(repository, "add", "-f", "data/big.bin")
    assert {"data", "data/big.bin"} <= seen(Listing(str(repository)))


def test_a_tracked_file_that_is_deleted_does_not(repository: Path) -> None:
    (repository / "src/model.py").unlink()
    assert "src/model.py" not in seen(Listing(str(repository)))


def test_the_studios_rules_hide_what_git_tracks(repository: Path) -> None:
    found = seen(Listing(str(repository), [(True, r"src/"), (True, r"[^/]*\.txt")]))
    assert found == {".git", ".gitignore", "train.py"}


def test_the_defaults_are_not_for_a_repository(repository: Path) -> None:
    assert "train.py" in seen(Listing(str(repository), (), [(True, ".+")]))


def test_a_repository_in_a_repository(repository: Path) -> None:
    inner = repository / "vendor" / "inner"
    inner.mkdir(parents=True)
    git(inner, "init", "-q")
    fill(inner, "lib.py", "junk.tmp")
    (inner / ".gitignore").write_text("*.tmp\n")
    found = set(Listing(str(repository)).paths())
    assert {"vendor", "vendor/inner", "vendor/inner/lib.py", "vendor/inner/.git/HEAD"} <= found
    assert "vendor/inner/junk.tmp" not in found


def test_a_folder_of_a_repository(repository: Path) -> None:
    fill(repository, "src/new.py")
    assert within_repository(str(repository / "src"))
    assert seen(Listing(str(repository / "src"))) == {"model.py", "new.py"}


def test_a_home_folder_that_is_a_repository_says_nothing_of_its_projects(
    repository: Path,
) -> None:
    (repository / ".git/info/exclude").write_text("*\n")
    fill(repository, "projects/one/train.py")
    assert not within_repository(str(repository / "projects/one"))
    assert seen(Listing(str(repository / "projects/one"))) == {"train.py"}


def test_a_worktree_keeps_its_link_to_itself(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    assert set(Listing(str(tmp_path / "tree")).paths()) == {
        ".gitignore",
        "train.py",
        "src",
        "src/model.py",
    }


def test_no_repository(tmp_path: Path) -> None:
    fill(tmp_path, "a/b", "a/__pycache__/c", "keep/__pycache__/d")
    (tmp_path / "empty").mkdir()
    assert not within_repository(str(tmp_path))
    defaults = [(True, r"(?:.+/)?__pycache__/")]
    rules = [(False, "keep/__pycache__/")]
    assert set(Listing(str(tmp_path), rules, defaults).paths()) == {
        "a",
        "a/b",
        "empty",
        "keep",
        "keep/__pycache__",
        "keep/__pycache__/d",
    }


@pytest.mark.parametrize("in_git", [False, True])
def test_a_virtual_environment_never_belongs(tmp_path: Path, *, in_git: bool) -> None:
    fill(tmp_path, ".venv/a", "env/pyvenv.cfg", "env/lib/b", "deep/.venv/c", "x.py")
    fill(tmp_path, ".studio-carry/lock", ".studio-trash/1/x")
    if in_git:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "-f", ".")
    assert seen(Listing(str(tmp_path))) - {".git", "deep"} == {"x.py"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, "real/file")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loop").symlink_to(".")
    assert set(Listing(str(tmp_path)).paths()) == {"real", "real/file", "link", "loop"}


def test_names_of_every_kind(repository: Path) -> None:
    names = [b"-rf", b"a\nb", b"\xff\xfe", "é".encode(), b"#x", b"spa ce", b"it's", b'"q"']
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(repository), name))).write_text("x")
    assert {os.fsdecode(name) for name in names} <= tracked_and_new(str(repository))
    assert {os.fsdecode(name) for name in names} <= seen(Listing(str(repository)))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        list(Listing(str(tmp_path / "none")).paths())


def test_git_that_fails_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(OSError, match="not a git repository"):
        list(Listing(str(tmp_path)).paths())


def test_the_last_rule_that_fits_decides() -> None:
    rules = Rules([(True, r".+\.pyc"), (False, r"keep\.pyc"), (True, "dir/")])
    assert [rules.hide(p) for p in ("a.pyc", "keep.pyc", "dir/", "dir")] == [
        True,
        False,
        True,
        False,
    ]
