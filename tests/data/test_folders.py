"""Folders both ways: what arrives, what is passed over, and what a second attempt sends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_tui.data import copying
from studio_tui.data.copying import Copied
from studio_tui.data.folders import below, fetch_all, safe, send_all
from studio_tui.data.local import Leaf, LocalOrigin, LocalTarget, LocalTree
from studio_tui.data.s3 import S3
from studio_tui.data.source import Checksum, Entry, Going, Page, Read, Source, Stopped
from studio_tui.errors import StudioError, UsageFault
from tests.data.stores import Store, s3
from tests.data.tables import Shelf
from tests.data.test_copying import stop_after

DATA = os.urandom(30_000)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PIECE", 10_000)


def fetched(
    source: Source, path: str, folder: Path, going: Going, *, force: bool = False
) -> Copied:
    target = lambda name: LocalTarget(folder / name, force=force)  # noqa: E731
    return fetch_all(source, path, target, LocalTree(folder).origin, going)


def test_a_folder_arrives_without_what_no_disk_can_hold(moto: Store, tmp_path: Path) -> None:
    bucket, source, going = moto.bucket(), s3(moto), Going()
    fine = {"d/a", "d/sub/ü b.txt"}
    either = {"d/both", "d/both/inside"}
    odd = {"d/../escape", "d/" + "n" * 250, "d/x\ty"}
    for key in (*fine, *either, *odd, "e/other"):
        moto.put(bucket, key, key.encode())
    copied = fetched(source, f"{bucket}/d", tmp_path / "d", going)
    assert (copied.files, copied.passed_over) == (3, len(odd) + 1)
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert fine < found
    (one,) = found - fine
    (other,) = either - {one}
    assert going.done == copied.bytes == sum(len(key.encode()) for key in found)
    skipped = {line.rpartition(": ")[0] for line in copied.skipped}
    assert skipped == {key[2:] for key in {*odd, other}}


def test_large_and_small_files_of_a_folder_arrive_and_a_stop_is_heard(
    store: Store, tmp_path: Path
) -> None:
    bucket, source, going = store.bucket(), s3(store), Going()
    sizes = {"d/large": 25_000, "d/small": 10, "d/last": 10_000}
    for key, size in sizes.items():
        store.put(bucket, key, DATA[:size])
    with pytest.raises(Stopped):
        fetched(source, f"{bucket}/d/", tmp_path / "d", stop_after(2))
    copied = fetched(source, f"{bucket}/d/", tmp_path / "e", going)
    assert (copied.files, copied.bytes, going.done) == (3, sum(sizes.values()), copied.bytes)
    for key, size in sizes.items():
        assert (tmp_path / key.replace("d/", "e/")).read_bytes() == DATA[:size]


def test_what_was_fetched_already_is_not_fetched_again(
    moto: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, source = moto.bucket(a=b"1", b=b"2", c=DATA), s3(moto)
    fetched(source, f"{bucket}/", tmp_path, Going())
    read, asked = S3.read, []
    monkeypatch.setattr(
        S3, "read", lambda self, e, at, n: (asked.append(e.name), read(self, e, at, n))[1]
    )
    (tmp_path / "b").write_bytes(b"3")  # as long as before
    going = Going()
    told = fetched(source, f"{bucket}/", tmp_path, going)
    assert (told.files, told.passed_over, going.done, asked) == (2, 1, 30_001, [])
    assert told.skipped == [f"b: {tmp_path / 'b'} is there already"]
    assert fetched(source, f"{bucket}/", tmp_path, Going(), force=True).files == 3
    assert (asked, (tmp_path / "b").read_bytes()) == (["b"], b"2")


@pytest.mark.parametrize(
    "name", ["", "/", "a//b", "..", "a/..", "/a", "a\0", "a\x1b[2J", ".", "\ud800"]
)
def test_a_name_that_leads_elsewhere_is_not_safe(name: str) -> None:
    assert not safe(name)


class Endless(Shelf):
    """A bucket with more keys than anybody lists."""

    pages = 0

    def page(self, path: str, token: str = "", **_: object) -> Page:  # type: ignore[override]
        self.pages += 1
        names = [f"{self.pages}-{n}" for n in range(1000)]
        return Page([Entry(f"b/{name}", name, "file", 0) for name in names], "more")


def test_a_listing_is_read_no_further_than_one_looks() -> None:
    source = Endless()
    entries = below(source, "b/")
    seen = [next(entries).name for _ in range(2500)]
    assert (seen[-1], source.pages) == ("3-499", 3)


# -- out ------------------------------------------------------------------------------------------


def planted(folder: Path, **content: bytes) -> LocalTree:
    """A folder with these files; "__" in a name stands for "/"."""
    for name, data in content.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return LocalTree(folder)


class Watched(S3):
    """A source that notes what is written into it."""

    def __init__(self, store: Store) -> None:
        super().__init__("s3", {"endpoint_url": store.url, "key_id": "STORE_KEY",
                                "secret_key": "STORE_SECRET"})  # fmt: skip
        self.written: list[str] = []

    def write(self, path: str, size: int, read: Read, going: Going) -> Entry:
        self.written.append(path.partition("/")[2])
        return super().write(path, size, read, going)


def test_a_folder_goes_and_comes_back(store: Store, tmp_path: Path) -> None:
    bucket, source, going = store.bucket(), s3(store), Going()
    tree = planted(tmp_path / "out", a=b"1", empty=b"", sub__large=DATA, sub__deep__x=DATA[:10_000])
    (tmp_path / "out" / "sub" / "\u00fc b+%.txt").write_bytes(b"odd")
    copied = send_all(source, f"{bucket}/d/", tree, going)
    assert (copied.files, copied.skipped) == (5, [])
    assert going.done == going.total == copied.bytes == 40_004
    back = fetched(source, f"{bucket}/d/", tmp_path / "back", Going())
    assert (back.files, back.bytes) == (5, 40_004)
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert (tmp_path / "back" / path.relative_to(tmp_path / "out")).read_bytes() == (
                path.read_bytes()
            )


def test_what_is_there_already_is_not_sent_again(store: Store, tmp_path: Path) -> None:
    source = Watched(store)
    bucket = store.bucket()
    tree = planted(tmp_path, a=b"1", b=b"2", c=DATA, d=b"")
    with pytest.raises(Stopped):
        send_all(source, f"{bucket}/d/", tree, stop_after(1))
    source.written.clear()
    here = {entry.name for entry in below(source, f"{bucket}/d/")}
    assert send_all(source, f"{bucket}/d/", tree, Going()).files == 4
    assert {f"d/{name}" for name in here}.isdisjoint(source.written)
    source.written.clear()
    going = Going()
    assert send_all(source, f"{bucket}/d/", tree, going).files == 4
    assert (source.written, going.done) == ([], going.total)
    (tmp_path / "b").write_bytes(b"3")  # as long as before
    (tmp_path / "c").write_bytes(DATA[::-1])
    told = send_all(source, f"{bucket}/d/", tree, Going())
    why = "is there already, and not known to be the same"
    assert sorted(told.skipped) == [f"b: {why}", f"c: {why}"]
    assert store.get(bucket, "d/b") == b"2"
    going = Going()
    assert send_all(source, f"{bucket}/d/", tree, going, force=True).files == 4
    assert (sorted(source.written), going.done) == (["d/b", "d/c"], going.total)
    assert store.get(bucket, "d/c") == DATA[::-1]


def test_what_cannot_lie_in_a_bucket_is_named(moto: Store, tmp_path: Path) -> None:
    bucket, source = moto.bucket(), s3(moto)
    folder = tmp_path / "out"
    planted(tmp_path, secret=b"s", out__a=b"1", out__sub__b=b"22")
    (folder / "bare").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "inside").symlink_to("sub/b")
    (folder / "loop").symlink_to(".")
    (folder / "lost").symlink_to("nowhere")
    (folder / "outside").symlink_to("../secret")
    (folder / "x\ty").write_bytes(b"3")
    with open(os.fsencode(folder) + b"/\xff", "wb"):
        pass
    copied = send_all(source, f"{bucket}/", LocalTree(folder), Going())
    assert copied.files == 3
    assert {entry.name for entry in below(source, f"{bucket}/")} == {"a", "inside", "sub/b"}
    assert moto.get(bucket, "inside") == b"22"
    assert sorted(line.rpartition(": ")[0] for line in copied.skipped) == [
        "?", "bare/", "loop", "lost", "outside", "pipe", "x\ty",
    ]  # fmt: skip
    "".join(copied.skipped).encode()


class Restless(LocalTree):
    """A folder in which a file is written to whenever it is opened, and one goes away."""

    def leaves(self) -> Iterator[Leaf]:
        yield from super().leaves()
        yield Leaf("gone", 1)

    def origin(self, name: str) -> LocalOrigin:
        origin = super().origin(name)
        if name == "log":
            with (self._path / name).open("ab") as file:
                file.write(b"more")
        return origin


def test_a_file_that_changes_meanwhile_is_told_once_the_others_are_there(
    moto: Store, tmp_path: Path
) -> None:
    bucket, source = moto.bucket(), s3(moto)
    planted(tmp_path, a=b"1", log=DATA, z=b"2")
    with pytest.raises(StudioError, match=r"1 file not sent, 2 sent: .*/log changed") as raised:
        send_all(source, f"{bucket}/d/", Restless(tmp_path), Going())
    assert "only what is missing" in raised.value.hint
    assert {entry.name for entry in below(source, f"{bucket}/d/")} == {"a", "z"}


@pytest.mark.parametrize("path", ["", "/", "b", "b/d"])
def test_a_folder_goes_below_a_folder(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no place for a folder"):
        send_all(Shelf(), path, planted(tmp_path, a=b"1"), Going())


def test_a_source_without_checksums_keeps_what_it_has(moto: Store, tmp_path: Path) -> None:
    class Mute(Watched):
        def checksum(self, entry: Entry) -> Checksum | None:
            return None

    source, bucket, tree = Mute(moto), moto.bucket(a=b"1"), planted(tmp_path, a=b"1")
    assert send_all(source, f"{bucket}/", tree, Going()).skipped == [
        "a: is there already, and not known to be the same"
    ]
    assert send_all(source, f"{bucket}/", tree, Going(), force=True).files == 1
    assert source.written == ["a"]
