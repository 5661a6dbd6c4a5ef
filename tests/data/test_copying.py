from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from studio_tui.data import copying
from studio_tui.data.copying import below, check_name, fetch, fetch_all, mark, safe, send
from studio_tui.data.local import LocalOrigin, LocalTarget
from studio_tui.data.s3 import S3
from studio_tui.data.source import Checksum, Entry, Going, Page, Stopped
from studio_tui.errors import NotFound, StudioError, UsageFault
from tests.data.stores import Store, s3
from tests.data.tables import Shelf
from tests.data.test_preview import parquet

SIZE = 100_000
DATA = os.urandom(SIZE)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PIECE", 10_000)


def stop_after(pieces: int) -> Going:
    """Called off after so many steps."""
    going = Going()

    def step() -> None:
        nonlocal pieces
        pieces -= 1
        going.stop = pieces <= 0

    going.on_progress = step
    return going


def test_a_file_arrives_whole_and_is_compared(store: Store, tmp_path: Path) -> None:
    bucket, source, going = store.bucket(a=DATA), s3(store), Going()
    copied = fetch(source, source.stat(f"{bucket}/a"), LocalTarget(tmp_path / "x" / "a"), going)
    assert (copied.files, copied.bytes) == (1, SIZE)
    assert copied.checked in ("md5", "crc32")
    assert (tmp_path / "x" / "a").read_bytes() == DATA
    assert going.done == SIZE
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["a"]


def test_a_file_that_tells_its_rows_is_counted(moto: Store, tmp_path: Path) -> None:
    source, bucket = s3(moto), moto.bucket(a=b"x")
    moto.put(bucket, "d/t.parquet", parquet(30))
    entry = source.stat(f"{bucket}/d/t.parquet")
    assert fetch(source, entry, LocalTarget(tmp_path / "t.parquet"), Going()).rows == 30
    plain = source.stat(f"{bucket}/a")
    assert fetch(source, plain, LocalTarget(tmp_path / "a"), Going()).rows is None
    whole = fetch_all(source, f"{bucket}/d/", lambda n: LocalTarget(tmp_path / "d" / n), Going())
    assert (whole.files, whole.rows) == (1, None)


def test_a_source_that_gives_files_whole_is_asked_once_for_one(
    moto: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, bucket = s3(moto), moto.bucket(a=b"x")
    moto.put(bucket, "t.parquet", parquet(30))
    opened, asked = source.opened, []
    monkeypatch.setattr(source, "opened", lambda *given: asked.append(given) or opened(*given))
    entry = source.stat(f"{bucket}/t.parquet")
    assert fetch(source, entry, LocalTarget(tmp_path / "t.parquet"), Going()).rows == 30
    assert len(asked) == 1


def test_a_copy_that_was_called_off_goes_on_where_it_was(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, source = store.bucket(a=DATA), s3(store)
    entry = source.stat(f"{bucket}/a")
    with pytest.raises(Stopped):
        fetch(source, entry, LocalTarget(tmp_path / "a"), stop_after(3))
    (draft,) = tmp_path.iterdir()
    kept = draft.stat().st_size
    assert 0 < kept < SIZE
    asked: list[int] = []
    read = S3.read
    monkeypatch.setattr(
        S3, "read", lambda self, e, at, n: (asked.append(at), read(self, e, at, n))[1]
    )
    copied = fetch(source, entry, LocalTarget(tmp_path / "a"), Going())
    assert min(asked) == kept
    assert copied.checked
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_draft_of_another_content_is_not_gone_on_with(store: Store, tmp_path: Path) -> None:
    bucket, source = store.bucket(a=DATA), s3(store)
    with pytest.raises(Stopped):
        fetch(source, source.stat(f"{bucket}/a"), LocalTarget(tmp_path / "a"), stop_after(3))
    store.put(bucket, "a", DATA[::-1])
    fetch(source, source.stat(f"{bucket}/a"), LocalTarget(tmp_path / "a"), Going())
    assert (tmp_path / "a").read_bytes() == DATA[::-1]


def test_what_arrives_broken_is_not_kept(store: Store, tmp_path: Path) -> None:
    bucket, source = store.bucket(a=DATA), s3(store)
    entry = source.stat(f"{bucket}/a")
    draft = tmp_path / f".a.{mark(entry)}.part"
    draft.write_bytes(b"rotten")
    with pytest.raises(StudioError, match="is not what its (md5|crc32) says"):
        fetch(source, entry, LocalTarget(tmp_path / "a"), Going())
    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_is_too_long_begins_anew(store: Store, tmp_path: Path) -> None:
    bucket, source = store.bucket(a=b"short"), s3(store)
    entry = source.stat(f"{bucket}/a")
    (tmp_path / f".a.{mark(entry)}.part").write_bytes(b"much longer")
    fetch(source, entry, LocalTarget(tmp_path / "a"), Going())
    assert (tmp_path / "a").read_bytes() == b"short"


def test_nothing_is_replaced_unasked(store: Store, tmp_path: Path) -> None:
    bucket, source = store.bucket(a=DATA), s3(store)
    entry = source.stat(f"{bucket}/a")
    (tmp_path / "a").write_text("mine")
    with pytest.raises(UsageFault, match="is there already"):
        fetch(source, entry, LocalTarget(tmp_path / "a"), Going())
    assert (tmp_path / "a").read_text() == "mine"
    fetch(source, entry, LocalTarget(tmp_path / "a", force=True), Going())
    assert (tmp_path / "a").read_bytes() == DATA
    with pytest.raises(UsageFault, match=r"there is a .*/a already"):
        send(source, f"{bucket}/a", _origin(tmp_path / "a", b"other"), Going())
    assert store.get(bucket, "a") == DATA


def _origin(path: Path, data: bytes) -> LocalOrigin:
    path.write_bytes(data)
    return LocalOrigin(path)


def test_an_upload_that_was_called_off_sends_what_is_missing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom((8 << 20) * 5 // 2)
    monkeypatch.setattr("studio_tui.data.pace.WORKERS", 1)
    monkeypatch.setattr(copying, "PIECE", 8 << 20)
    bucket, source = store.bucket(), s3(store)
    origin = _origin(tmp_path / "a", data)
    with pytest.raises(Stopped):
        send(source, f"{bucket}/a", origin, stop_after(1))
    with pytest.raises(NotFound):
        source.stat(f"{bucket}/a")
    sent: list[int] = []
    client = source._client
    upload_part = client.upload_part
    monkeypatch.setattr(
        client, "upload_part", lambda **k: (sent.append(k["PartNumber"]), upload_part(**k))[1]
    )
    made = send(source, f"{bucket}/a", origin, Going())
    assert 1 not in sent
    assert 3 in sent
    assert made.size == len(data)
    assert store.get(bucket, "a") == data
    # And what was sent in parts is compared in parts.
    assert fetch(source, made, LocalTarget(tmp_path / "b"), Going()).checked in (
        "md5 of parts",
        "",
    )
    assert (tmp_path / "b").read_bytes() == data


def test_a_file_that_changes_while_it_is_sent(store: Store, tmp_path: Path) -> None:
    bucket, source = store.bucket(), s3(store)
    origin = _origin(tmp_path / "a", b"12345")
    os.utime(tmp_path / "a", (1, 1))
    with pytest.raises(StudioError, match="changed while it was sent"):
        send(source, f"{bucket}/a", origin, Going())


def test_what_is_no_file_is_not_sent(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        LocalOrigin(tmp_path / "missing")
    with pytest.raises(UsageFault):
        LocalOrigin(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageFault):
        LocalOrigin(tmp_path / "pipe")


def into(folder: Path) -> Callable[[str], LocalTarget]:
    return lambda name: LocalTarget(folder / name)


def test_a_folder_arrives_without_what_no_disk_can_hold(moto: Store, tmp_path: Path) -> None:
    bucket, source, going = moto.bucket(), s3(moto), Going()
    fine = {"d/a", "d/sub/ü b.txt"}
    either = {"d/both", "d/both/inside"}
    odd = {"d/../escape", "d/" + "n" * 250, "d/x\ty"}
    for key in (*fine, *either, *odd, "e/other"):
        moto.put(bucket, key, key.encode())
    copied = fetch_all(source, f"{bucket}/d", into(tmp_path / "d"), going)
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
        fetch_all(source, f"{bucket}/d/", into(tmp_path / "d"), stop_after(2))
    copied = fetch_all(source, f"{bucket}/d/", into(tmp_path / "e"), going)
    assert (copied.files, copied.bytes, going.done) == (3, sum(sizes.values()), copied.bytes)
    for key, size in sizes.items():
        assert (tmp_path / key.replace("d/", "e/")).read_bytes() == DATA[:size]


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


def test_a_table_is_not_copied_as_what_it_is_not() -> None:
    check_name(Entry("c/s/t", "t", "table"), "t.parquet")
    check_name(Entry("b/t", "t", "file"), "t")
    with pytest.raises(UsageFault, match="as Parquet"):
        check_name(Entry("c/s/t", "t", "table"), "t")


class Wrong:
    """A checksum that nothing agrees with."""

    name = "sum"

    def update(self, data: bytes) -> None: ...

    def agrees(self) -> bool:
        return False


def test_an_empty_file_is_compared_too(store: Store, tmp_path: Path) -> None:
    class Rotten(S3):
        def checksum(self, entry: Entry) -> Checksum | None:
            return Wrong()

    bucket = store.bucket(a=b"")
    table = {"endpoint_url": store.url, "key_id": "STORE_KEY", "secret_key": "STORE_SECRET"}
    source = Rotten("s3", table)
    with pytest.raises(StudioError, match="is not what its sum says"):
        fetch(source, source.stat(f"{bucket}/a"), LocalTarget(tmp_path / "a"), Going())
