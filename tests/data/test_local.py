from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.data.local import LocalTarget, draft_name
from studio_tui.errors import UsageFault


def test_a_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path / "deep" / "a")
    assert target.begin("m") == 0
    target.write(0, b"ab")
    target.write(2, b"cd")
    assert not (tmp_path / "deep" / "a").exists()
    assert target.read(1, 2) == b"bc"
    target.finish()
    target.close()
    assert (tmp_path / "deep" / "a").read_bytes() == b"abcd"


def test_a_draft_is_found_again_by_its_mark(tmp_path: Path) -> None:
    for mark, there in (("one", 0), ("one", 3), ("two", 0)):
        target = LocalTarget(tmp_path / "a")
        assert target.begin(mark) == there
        target.write(there, b"abc")
        target.close()


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="is a folder"):
        LocalTarget(tmp_path, force=True).begin("m")


def test_a_long_name_has_a_draft_that_fits() -> None:
    assert len(draft_name("n" * 255, "0123456789")) < 255


def test_a_folder_that_came_in_the_way_leaves_no_draft(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path / "a")
    target.begin("m")
    target.write(0, b"x")
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        target.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
