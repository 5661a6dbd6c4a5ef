from __future__ import annotations

import os
import resource
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_tui.payload.folder import disk
from studio_tui.payload.folder import folder as folder_module
from tests.payload.folder.conftest import (
    MOST,
    NOBODY,
    Serve,
    Service,
    patched,
    refused,
)


def test_a_file_too_large_is_not_given(service: Service, root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(MOST + 1)
    head, content = service.ask("load", path="huge", most=MOST)
    assert (head["size"], content) == (MOST + 1, b"")
    (root / "full").write_bytes(bytes(MOST))
    assert service.load("full")[1] == bytes(MOST)


def test_what_is_no_file_is_neither_read_nor_written(service: Service, root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    (root / "real").write_bytes(b"secret")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
        for name in ("pipe", "s", "folder"):
            for do in ("load", "read"):
                with refused("uneditable"):
                    service.ask(do, path=name, most=9, offset=0, length=9)
            with refused("uneditable"):
                service.write(name, b"new", [0, 0, 0])
    assert stat.S_ISFIFO((root / "pipe").stat().st_mode)


def test_a_file_grows_piece_by_piece(service: Service, root: Path) -> None:
    assert service.ask("append", b"abc", path="x/new", offset=0)[0]["size"] == 3
    assert service.ask("append", b"def", path="x/new", offset=3, sync=True)[0]["size"] == 6
    assert service.ask("append", b"DEF", path="x/new", offset=3)[0]["size"] == 6  # asked again
    assert (root / "x" / "new").read_bytes() == b"abcDEF"
    with refused("changed", "shorter"):
        service.ask("append", b"z", path="x/new", offset=7)
    os.mkfifo(root / "pipe")
    for name in ("x", "pipe"):
        with refused("other"):
            service.ask("append", b"z", path=name, offset=0)


def test_a_link_in_the_place_of_the_file_is_not_followed(root: Path) -> None:
    """Put there after the look at where the name leads."""
    (root / "link").symlink_to("a")
    folder = os.open(root, os.O_RDONLY)
    spot = disk.Spot(folder, "link")
    with refused("uneditable", "not a regular file"):
        disk.read(spot, 9)
    with refused("uneditable", "not a regular file"):
        disk.write(spot, b"new", disk.Stamp(0, 0, 0))
    os.close(folder)
    assert (root / "a").read_bytes() == b"old"


def test_writing_replaces_in_one_step(service: Service, root: Path) -> None:
    with (root / "a").open("rb") as reader:
        stamp = service.replace("a", b"new and longer")
        assert reader.read() == b"old"
    assert service.load("a") == (stamp, b"new and longer")
    assert service.ask("stamps", b"a\0b")[0]["stamps"] == [stamp, None]
    assert os.listdir(root) == ["a"]


def test_a_reader_sees_the_old_or_the_new_content(service: Service, root: Path) -> None:
    contents = {bytes([65 + n]) * 200_000 for n in range(8)}
    (root / "a").write_bytes(next(iter(contents)))
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add((root / "a").read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for content in contents:
        service.replace("a", content)
    stop.set()
    reader.join()
    assert seen <= contents


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o664])
def test_the_mode_stays(service: Service, root: Path, mode: int) -> None:
    (root / "a").chmod(mode)
    service.replace("a", b"new")
    assert stat.S_IMODE((root / "a").stat().st_mode) == mode


def test_a_new_file_has_the_users_mode(serve: Serve, root: Path) -> None:
    before = os.umask(0o027)
    try:
        service = serve(root)
    finally:
        os.umask(before)
    service.write("new/b", b"new", None)
    assert stat.S_IMODE((root / "new" / "b").stat().st_mode) == 0o640


def test_the_owner_stays(service: Service, root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(root / "a", 1234, 4321)
    service.replace("a", b"new")
    status = (root / "a").stat()
    assert (status.st_uid, status.st_gid) == (1234, 4321)


def test_attributes_stay(service: Service, root: Path) -> None:
    try:
        os.setxattr(root / "a", "user.note", b"mine")
    except (OSError, AttributeError):
        pytest.skip("no extended attributes here")
    service.replace("a", b"new")
    assert os.getxattr(root / "a", "user.note") == b"mine"


def test_other_names_of_the_file_stay_names_of_it(service: Service, root: Path) -> None:
    (root / "a").write_bytes(b"old, and longer")
    os.link(root / "a", root / "b")
    stamp = service.replace("a", b"new")
    assert (root / "b").read_bytes() == b"new"
    assert service.load("a")[0] == stamp


def test_a_change_since_the_look_is_not_overwritten(service: Service, root: Path) -> None:
    before = service.load("a")[0]
    (root / "b").write_bytes(b"new")
    os.replace(root / "b", root / "a")
    for stamp in (before, None, ["nonsense", {}, []]):
        with refused("changed"):
            service.write("a", b"mine", stamp)
    assert (root / "a").read_bytes() == b"new"
    (root / "a").unlink()
    with refused("changed"):
        service.write("a", b"mine", before)
    assert os.listdir(root) == []


def test_a_change_while_it_writes_is_not_overwritten(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = disk.put

    def interrupted(number: int, data: bytes) -> None:
        put(number, data)
        (root / "a").write_bytes(b"theirs")

    monkeypatch.setattr(disk, "put", interrupted)
    folder = folder_module.Folder(str(root), [])
    before = folder.stamp("a")
    with folder.at("a") as spot, refused("changed"):
        disk.write(spot, b"mine", before)
    assert (root / "a").read_bytes() == b"theirs"
    assert os.listdir(root) == ["a"]


def test_a_full_disk_leaves_the_old_content(service: Service, root: Path) -> None:
    if not hasattr(resource, "prlimit"):
        pytest.skip("no limit can be set to another process here")
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    with refused("other", "File too large"):
        service.replace("a", bytes(200_000))
    assert (root / "a").read_bytes() == b"old"
    assert os.listdir(root) == ["a"]
    service.replace("a", b"new")
    assert (root / "a").read_bytes() == b"new"


def as_nobody(folder: Path) -> Path:
    """A program that permissions bind; this process may be root's."""
    become = f"os.setegid({NOBODY}); os.seteuid({NOBODY})" if os.geteuid() == 0 else ""
    return patched(folder, become)


def give(path: Path) -> None:
    """Make it nobody's."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A folder of the user who cannot do everything, in a place that anybody gets to."""
    with tempfile.TemporaryDirectory(prefix="studio-theirs-") as folder:
        give(Path(folder))
        yield Path(folder).resolve()


def test_who_may_not_write_a_file_does_not_replace_it(
    serve: Serve, theirs: Path, tmp_path: Path
) -> None:
    (theirs / "a").write_bytes(b"old")
    give(theirs / "a")
    (theirs / "a").chmod(0o444)
    service = serve(theirs, script=as_nobody(tmp_path))
    with refused("other", "no permission for a"):
        service.replace("a", b"new")
    assert (theirs / "a").read_bytes() == b"old"
    assert os.listdir(theirs) == ["a"]


def test_in_a_folder_that_takes_no_file_it_is_written_in_place(
    serve: Serve, theirs: Path, tmp_path: Path
) -> None:
    (theirs / "a").write_bytes(b"old, and longer")
    give(theirs / "a")
    theirs.chmod(0o555)
    service = serve(theirs, script=as_nobody(tmp_path))
    stamp = service.replace("a", b"new")
    assert service.load("a") == (stamp, b"new")
    with refused("other", "no permission for b"):
        service.write("b", b"new", None)
    theirs.chmod(0o755)
