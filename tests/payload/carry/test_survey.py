"""What a survey tells of files, and what it need not read again."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.carry import survey
from studio_tui.payload.carry.survey import Digests, rows, same_time


@pytest.fixture
def digests(tmp_path: Path) -> Digests:
    return Digests(str(tmp_path / "digests"))


def row(root: Path, path: str, digests: Digests, below: int | None = 1 << 20) -> Any:
    (found,) = rows(str(root), [path], digests, below)[0]
    return found


def aged(path: Path) -> os.stat_result:
    """Waits for no clock: says that the file's last change was long ago."""
    status = path.stat()
    values = list(status)
    return os.stat_result(
        values,
        {
            "st_ctime_ns": status.st_ctime_ns - 10**10,
            "st_mtime_ns": status.st_mtime_ns,
            "st_blocks": status.st_blocks,
        },
    )


def test_a_file_a_folder_and_a_link(tmp_path: Path, digests: Digests) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    file.chmod(0o640)
    os.utime(file, ns=(1, 1_234_567_890_123_456_789))
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "link").symlink_to("no/where")
    found, left = rows(str(tmp_path), ["file", "folder", "link", "none"], digests)
    digest = hashlib.sha256(b"content").hexdigest()
    assert found == [
        ["f", "file", 0o640, 7, 1_234_567_890_123_456_789, digest, False],
        ["d", "folder", 0o750],
        ["l", "link", "no/where"],
    ]
    assert left == []


def test_a_large_file_is_read_when_somebody_asks(tmp_path: Path, digests: Digests) -> None:
    (tmp_path / "large").write_bytes(b"x" * 100)
    assert row(tmp_path, "large", digests, below=100)[5] is None
    assert row(tmp_path, "large", digests, below=None)[5] is not None


def test_a_file_with_a_hole(tmp_path: Path, digests: Digests) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 31)
    assert row(tmp_path, "holes", digests)[3:] == [1 << 31, row(tmp_path, "holes", digests)[4]] + [
        None,
        True,
    ]


def test_what_is_no_file_is_left(tmp_path: Path, digests: Digests) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert rows(str(tmp_path), ["fifo", "socket"], digests) == ([], ["fifo", "socket"])


def test_a_file_that_has_not_changed_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    digests = Digests(str(tmp_path / "digests"))
    monkeypatch.setattr(survey, "_SETTLED_NS", -(10**10))
    first = row(tmp_path, "a", digests)
    digests.write()
    again = Digests(str(tmp_path / "digests"))
    monkeypatch.setattr(survey, "_digest", lambda *_: pytest.fail("it was read"))
    assert row(tmp_path, "a", again) == first
    monkeypatch.undo()
    (tmp_path / "a").write_bytes(b"new")
    assert row(tmp_path, "a", again)[5] == hashlib.sha256(b"new").hexdigest()


def test_a_file_that_may_change_within_a_tick_is_not_remembered(
    tmp_path: Path, digests: Digests
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    status = (tmp_path / "a").stat()
    digests.add("a", status, "digest")
    assert digests.find("a", status) is None
    digests.add("a", aged(tmp_path / "a"), "digest")
    digests.write()
    kept = Digests(str(tmp_path / "digests"))
    assert kept.find("a", aged(tmp_path / "a")) == "digest"
    assert kept.find("a", status) is None


def test_what_was_kept_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "digests").write_text("{")
    (tmp_path / "a").write_bytes(b"x")
    assert row(tmp_path, "a", Digests(str(tmp_path / "digests")))[5] is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (5, 5, True),
        (3_000_000_000, 3_400_000_000, True),
        (3_100_000_000, 3_400_000_000, False),
        (3_000_000_000, 4_000_000_000, False),
    ],
)
def test_times_on_disks_that_keep_seconds(one: int, other: int, *, same: bool) -> None:
    assert same_time(one, other) is same
    assert same_time(other, one) is same
