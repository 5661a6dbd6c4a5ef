"""Files only this user can read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from studio_tui.errors import StudioError
from studio_tui.settings.private import (
    private_folder,
    read_json,
    readable_by_others,
    write_json,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_and_its_new_parents_are_ours_alone(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b")
    assert (mode(folder), mode(folder.parent)) == (0o700, 0o700)


def test_a_folder_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    assert mode(private_folder(folder)) == 0o700


def test_a_file_in_the_way_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StudioError, match="cannot make the folder") as caught:
        private_folder(tmp_path / "file" / "folder")
    assert "STUDIO_HOME" in caught.value.hint


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "x" / "token"
    write_private(path, b"first, and longer")
    write_private(path, b"second")
    assert path.read_bytes() == b"second"
    assert mode(path) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["token"]


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "x" / "token"
    path.mkdir(parents=True)  # a folder cannot be replaced by a file
    with pytest.raises(StudioError, match="cannot write"):
        write_private(path, b"data")
    assert [p.name for p in path.parent.iterdir()] == ["token"]


def test_json_comes_back_and_a_missing_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert read_json(path) == {}
    write_json(path, {"name": "Zoë"})
    assert read_json(path) == {"name": "Zoë"}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_damaged_json_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(StudioError, match=r"record\.json is damaged"):
        read_json(path)


def test_rights_of_others_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert not readable_by_others(path)
    path.touch(mode=0o600)
    assert not readable_by_others(path)
    path.chmod(0o640)
    assert readable_by_others(path)
