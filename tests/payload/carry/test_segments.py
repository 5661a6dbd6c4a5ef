"""Files as segments: they come whole, with their holes, or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.carry import frames
from studio_tui.payload.carry.segments import pack, unpack


def wanted(root: Path, *paths: str) -> list[Any]:
    found = []
    for path in paths:
        status = (root / path).stat()
        found.append([path, status.st_mode & 0o777, status.st_size, status.st_mtime_ns])
    return found


def packed(root: Path, files: list[Any]) -> tuple[bytes, list[str]]:
    stream = io.BytesIO()
    changed = pack(str(root), files, stream.write)
    return stream.getvalue(), changed


def reader(data: bytes) -> Any:
    stream = io.BytesIO(data)

    def read(count: int) -> bytes:
        found = stream.read(count)
        if len(found) < count:
            raise EOFError
        return found

    return read


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "deep" / "er").mkdir(parents=True)
    return root


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    root = tmp_path / "stage"
    root.mkdir()
    return root


NAMES = ["deep/er/a", "a\nb", "-rf", "é", "\udcff", "empty", "large"]


def test_files_come_as_they_are(source: Path, stage: Path) -> None:
    for number, name in enumerate(NAMES):
        (source / name).write_bytes(os.urandom(1000 * number))
    (source / "empty").write_bytes(b"")
    (source / "large").write_bytes(os.urandom(3 * frames.CHUNK_BYTES + 7))
    (source / "-rf").chmod(0o444)
    os.utime(source / "é", ns=(1, 987_654_321_000_000_123))
    files = wanted(source, *NAMES)
    data, changed = packed(source, files)
    assert changed == []
    unpack(str(stage), files, reader(data))
    assert wanted(stage, *NAMES) == files
    for name in NAMES:
        assert (stage / name).read_bytes() == (source / name).read_bytes()


def test_the_stream_counts_files(source: Path) -> None:
    for number in range(5):
        (source / str(number)).write_bytes(b"x")
    data, _ = packed(source, wanted(source, *"01234"))
    assert frames.CHUNK.unpack(data[: frames.CHUNK.size])[1] == 5
    assert data.endswith(frames.END)


def test_a_hole_stays_a_hole_and_costs_nothing(source: Path, stage: Path) -> None:
    with (source / "holes").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"in the middle")
        file.truncate(1 << 31)
    with (source / "nothing").open("wb") as file:
        file.truncate(1 << 31)
    files = wanted(source, "holes", "nothing")
    data, changed = packed(source, files)
    assert changed == []
    assert len(data) < 1 << 20
    unpack(str(stage), files, reader(data))
    assert wanted(stage, "holes", "nothing") == files
    with (stage / "holes").open("rb") as file:
        file.seek(1 << 30)
        assert file.read(14) == b"in the middle\0"
    assert (stage / "holes").stat().st_blocks * 512 < 1 << 20


@pytest.mark.parametrize("change", ["grown", "shrunk", "touched", "gone", "fifo", "link"])
def test_a_file_that_is_not_what_it_was_does_not_come(
    source: Path, stage: Path, change: str
) -> None:
    for name in "abc":
        (source / name).write_bytes(b"content")
    files = wanted(source, *"abc")
    path = source / "b"
    if change == "touched":
        os.utime(path, ns=(1, 1))
    elif change in {"grown", "shrunk"}:
        path.write_bytes(b"content and more" if change == "grown" else b"c")
    else:
        path.unlink()
    if change == "fifo":
        os.mkfifo(path)
    if change == "link":
        path.symlink_to("a")
    data, changed = packed(source, files)
    assert changed == ["b"]
    unpack(str(stage), files, reader(data))
    assert sorted(os.listdir(stage)) == ["a", "c"]


def test_a_file_that_changes_while_it_is_read(source: Path, stage: Path) -> None:
    (source / "log").write_bytes(b"x" * (4 * frames.CHUNK_BYTES))
    (source / "after").write_bytes(b"y")
    files = wanted(source, "log", "after")
    stream = io.BytesIO()

    def send(data: bytes) -> None:
        stream.write(data)
        with (source / "log").open("ab") as file:
            file.write(b"more")

    assert pack(str(source), files, send) == ["log"]
    unpack(str(stage), files, reader(stream.getvalue()))
    assert os.listdir(stage) == ["after"]


def test_a_stream_that_ends_in_the_middle_leaves_whole_files_alone(
    source: Path, stage: Path
) -> None:
    (source / "a").write_bytes(b"x" * frames.CHUNK_BYTES)
    (source / "b").write_bytes(b"y" * (2 * frames.CHUNK_BYTES))
    files = wanted(source, "a", "b")
    data, _ = packed(source, files)
    with pytest.raises(EOFError):
        unpack(str(stage), files, reader(data[: len(data) - frames.CHUNK_BYTES]))
    assert os.listdir(stage) == ["a"]


def test_a_disk_that_takes_a_part(source: Path, stage: Path) -> None:
    (source / "a").write_bytes(b"x" * 1000)
    files = wanted(source, "a")
    data, _ = packed(source, files)
    (stage / "a.studio-part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        unpack(str(stage), files, reader(data))
    assert os.listdir(stage) == []
