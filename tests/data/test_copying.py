from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio_tui.data import copying
from studio_tui.data.copying import check_name, fetch, mark, named, send
from studio_tui.data.local import LocalOrigin, LocalTarget, Unsent
from studio_tui.data.s3 import S3
from studio_tui.data.source import Checksum, Entry, Going, Stopped
from studio_tui.errors import NotFound, StudioError, UsageFault
from tests.data.stores import Store, s3
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
    with pytest.raises(Unsent, match="changed while it was sent"):
        send(source, f"{bucket}/a", origin, Going())
    with pytest.raises(NotFound):
        source.stat(f"{bucket}/a")  # half of one content and half of another is not left there


def test_where_a_file_is_sent_to() -> None:
    assert named("b/d/", "x/a.csv") == "b/d/a.csv"
    assert named("b/d", "x/a.csv") == "b/d"


def test_what_is_no_file_is_not_sent(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        LocalOrigin(tmp_path / "missing")
    with pytest.raises(UsageFault):
        LocalOrigin(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageFault):
        LocalOrigin(tmp_path / "pipe")


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
