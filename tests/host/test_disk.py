from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio_tui.host import disk
from studio_tui.host.disk import ChangedOnDisk, NotEditable, Shape, Spot

SHAPES = {
    "lf": (b"a\nb\n", "a\nb\n", Shape()),
    "crlf": (b"a\r\nb\r\n", "a\nb\n", Shape(crlf=True)),
    "crlf without end": (b"a\r\nb", "a\nb", Shape(crlf=True)),
    "crlf and a lone cr": (b"a\r\nb\rc\r\n", "a\nb\rc\n", Shape(crlf=True)),
    "crlf after cr": (b"a\r\r\nb\r\n", "a\r\r\nb\r\n", Shape()),
    "mixed": (b"a\r\nb\nc\r\n", "a\r\nb\nc\r\n", Shape()),
    "lone cr": (b"a\rb\r", "a\rb\r", Shape()),
    "bom": (b"\xef\xbb\xbfa\n", "a\n", Shape(bom=True)),
    "bom and crlf": (b"\xef\xbb\xbfa\r\n", "a\n", Shape(crlf=True, bom=True)),
    "bom alone": (b"\xef\xbb\xbf", "", Shape(bom=True)),
    "two boms": (b"\xef\xbb\xbf\xef\xbb\xbfa", "\ufeffa", Shape(bom=True)),
    "no end": (b"a", "a", Shape()),
    "empty": (b"", "", Shape()),
    "other separators": ("a\u2028b\x0cc\x85d\n".encode(), "a\u2028b\x0cc\x85d\n", Shape()),
    "emoji": ("é😀\r\n".encode(), "é😀\n", Shape(crlf=True)),
}


@contextmanager
def spot(path: Path) -> Iterator[Spot]:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield Spot(folder, path.name)
    finally:
        os.close(folder)


def read(path: Path) -> disk.Seen:
    with spot(path) as place:
        return disk.read(place)


def write(path: Path, data: bytes, before: disk.Stamp | None) -> disk.Stamp:
    with spot(path) as place:
        return disk.write(place, data, before)


def replace(path: Path, data: bytes) -> disk.Stamp:
    return write(path, data, read(path).stamp)


@pytest.mark.parametrize(("data", "text", "shape"), SHAPES.values(), ids=SHAPES)
def test_every_byte_comes_back(data: bytes, text: str, shape: Shape) -> None:
    image = disk.decode(data)
    assert (image.text, image.shape) == (text, shape)
    assert image.shape.encode(image.text) == data
    assert image.digest == disk.digest(data)


def test_what_is_pasted_into_crlf_becomes_crlf() -> None:
    shape = disk.decode(b"a\r\n").shape
    assert shape.encode("a\npasted\r\nb\n") == b"a\r\npasted\r\nb\r\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\0b", "a binary file"),
        (b"a" * 10_000 + b"\0", "a binary file"),
        ("é".encode("latin-1"), "not UTF-8 text"),
        ("é".encode("utf-16"), "a binary file"),
        (b"\xed\xa0\x80", "not UTF-8 text"),  # half of a surrogate pair
        (b"a" * (disk.SIZE_CAP + 1), "larger than 768 KiB"),
    ],
)
def test_what_cannot_be_edited(data: bytes, reason: str) -> None:
    with pytest.raises(NotEditable) as raised:
        disk.decode(data)
    assert raised.value.message == reason
    assert raised.value.hint


def test_the_largest_that_can() -> None:
    assert disk.decode(b"a" * disk.SIZE_CAP).text == "a" * disk.SIZE_CAP


def test_a_file_too_large_to_compare_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(disk.LOAD_CAP + 1)
    with pytest.raises(NotEditable, match="larger than"):
        read(tmp_path / "huge")


def test_a_pipe_does_not_hold_the_reader_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotEditable, match="not a regular file"):
        read(tmp_path / "pipe")


def test_other_things_that_are_no_files(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(NotEditable, match="not a regular file"):
            read(tmp_path / "socket")
    with pytest.raises(NotEditable, match="not a regular file"):
        read(Path("/dev/zero"))
    with pytest.raises(NotEditable, match="a folder"):
        read(tmp_path)


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(NotEditable, match="not a regular file"):
        read(tmp_path / "link")
    stamp = disk.Stamp(0, 0, 0)
    with pytest.raises(NotEditable, match="not a regular file"):
        write(tmp_path / "link", b"new", stamp)
    assert (tmp_path / "real").read_bytes() == b"secret"


def test_writing_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        stamp = replace(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"
    assert read(path).stamp == stamp
    assert os.listdir(tmp_path) == ["a"]


def test_a_reader_sees_the_old_or_the_new_content(tmp_path: Path) -> None:
    path, contents = tmp_path / "a", {bytes([65 + n]) * 200_000 for n in range(8)}
    path.write_bytes(next(iter(contents)))
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for content in contents:
        replace(path, content)
    stop.set()
    reader.join()
    assert seen <= contents


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o664])
def test_the_mode_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    replace(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_users_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "a", b"new", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_owner_stays(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.chown(path, 1234, 4321)
    replace(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.note", b"mine")
    except (OSError, AttributeError):
        pytest.skip("no extended attributes here")
    replace(path, b"new")
    assert os.getxattr(path, "user.note") == b"mine"


def test_other_names_of_the_file_stay_names_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old, and longer")
    os.link(path, tmp_path / "b")
    stamp = replace(path, b"new")
    assert (tmp_path / "b").read_bytes() == b"new"
    assert read(path).stamp == stamp


def test_a_change_since_the_look_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    before = read(path).stamp
    (tmp_path / "b").write_bytes(b"new")
    os.replace(tmp_path / "b", path)
    with pytest.raises(ChangedOnDisk):
        write(path, b"mine", before)
    with pytest.raises(ChangedOnDisk):
        write(path, b"mine", None)
    assert path.read_bytes() == b"new"
    path.unlink()
    with pytest.raises(ChangedOnDisk):
        write(path, b"mine", before)
    assert os.listdir(tmp_path) == []


def test_a_change_while_it_writes_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    put = disk._put

    def interrupted(number: int, data: bytes) -> None:
        put(number, data)
        path.write_bytes(b"theirs")

    monkeypatch.setattr(disk, "_put", interrupted)
    with pytest.raises(ChangedOnDisk):
        replace(path, b"mine")
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["a"]


def test_a_full_disk_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(number: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_who_may_not_write_a_file_does_not_replace_it(somebody: Path) -> None:
    path = somebody / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        replace(path, b"new")
    assert path.read_bytes() == b"old"


def test_in_a_folder_that_takes_no_file_it_is_written_in_place(somebody: Path) -> None:
    path = somebody / "inner" / "a"
    path.parent.mkdir()
    path.write_bytes(b"old, and longer")
    path.parent.chmod(0o555)
    try:
        stamp = replace(path, b"new")
        assert path.read_bytes() == b"new"
        assert read(path).stamp == stamp
        with pytest.raises(PermissionError):
            write(path.with_name("b"), b"new", None)
    finally:
        path.parent.chmod(0o755)
