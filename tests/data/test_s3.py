from __future__ import annotations

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from studio_tui.data.s3 import S3, split
from studio_tui.data.source import Entry, Going
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from tests.data.stores import SECRET, Store, s3


def names(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.name, entry.kind) for entry in entries]


def test_a_bucket_is_listed_as_folders_and_files(store: Store) -> None:
    bucket, source = store.bucket(), s3(store)
    for key in ("a.csv", "img/1.png", "img/deep/2.png"):
        store.put(bucket, key, b"12345")
    assert f"{bucket}/" in [entry.path for entry in source.page("").entries]
    top = source.page(bucket).entries
    assert names(top) == [("img", "folder"), ("a.csv", "file")]
    assert (top[1].path, top[1].size) == (f"{bucket}/a.csv", 5)
    assert top[1].modified is not None
    assert names(source.page(f"{bucket}/img").entries) == [("deep", "folder"), ("1.png", "file")]
    assert names(source.page(f"{bucket}/a.csv").entries) == [("a.csv", "file")]
    deep = source.page(bucket, deep=True).entries
    assert [entry.name for entry in deep] == ["a.csv", "img/1.png", "img/deep/2.png"]


def test_pages_follow_each_other_to_the_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.data.s3.PAGE", 4)
    bucket, source = store.bucket(), s3(store)
    for number in range(10):
        store.put(bucket, f"k{number}", b"")
    pages = [source.page(bucket, most=4)]
    while pages[-1].token:
        pages.append(source.page(bucket, pages[-1].token, most=4))
    assert [[entry.name for entry in page.entries] for page in pages] == [
        ["k0", "k1", "k2", "k3"],
        ["k4", "k5", "k6", "k7"],
        ["k8", "k9"],
    ]


def test_versions_are_listed_and_read(moto: Store) -> None:
    bucket, source = moto.bucket(), s3(moto)
    moto.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    moto.put(bucket, "a", b"old")
    moto.put(bucket, "a", b"new!")
    found = source.page(bucket, versions=True).entries
    assert [(entry.size, entry.note) for entry in found] == [(4, "latest"), (3, "")]
    old = source.stat(f"{bucket}/a", found[1].version)
    assert source.read(old, 0, 100) == b"old"


ODD = ["ä ö/ü.txt", "with space", "a/../b", "both", "both/inside", "q?x=1&y#z", "100%25", "\u4e2d"]


def test_odd_keys_are_what_they_are(moto: Store) -> None:
    bucket, source = moto.bucket(), s3(moto)
    for key in (*ODD, "/leading"):
        moto.put(bucket, key, key.encode())
    listed = source.page(bucket, deep=True).entries
    assert {entry.path.partition("/")[2] for entry in listed} == {*ODD, "/leading"}
    for entry in listed:
        assert source.read(entry, 0, 99).decode() == entry.path.partition("/")[2]
    top = {(entry.name, entry.kind) for entry in source.page(bucket).entries}
    assert {("both", "file"), ("both", "folder"), ("/", "folder"), ("a", "folder")} <= top
    assert names(source.page(f"{bucket}//").entries) == [("leading", "file")]


def test_a_range_is_what_was_asked_for(store: Store) -> None:
    bucket = store.bucket(a=bytes(range(200)))
    source = s3(store)
    entry = source.stat(f"{bucket}/a")
    assert source.read(entry, 10, 5) == bytes(range(10, 15))
    assert source.read(entry, 195, 50) == bytes(range(195, 200))
    assert source.read(entry, 200, 50) == b""


def test_a_file_that_changes_is_not_read_as_one(store: Store) -> None:
    bucket, source = store.bucket(a=b"first"), s3(store)
    entry = source.stat(f"{bucket}/a")
    store.put(bucket, "a", b"other")
    with pytest.raises(StudioError, match="has changed"):
        source.read(entry, 0, 5)


def test_what_is_not_there_is_said(store: Store) -> None:
    bucket, source = store.bucket(a=b""), s3(store)
    for path in ("no-such-bucket", "no-such-bucket/x/"):
        with pytest.raises(NotFound, match="no bucket 'no-such-bucket'"):
            source.page(path)
    with pytest.raises(NotFound, match="there is no"):
        source.stat(f"{bucket}/missing")
    with pytest.raises(NotFound, match="nothing at"):
        source.page(f"{bucket}/missing/")
    assert source.page(store.bucket()).entries == []


def test_a_wrong_secret_is_refused_and_not_repeated(
    nanio: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = nanio.bucket(a=b"x")
    monkeypatch.setenv("STORE_SECRET", "wrong-horse")
    source = s3(nanio, region="us-east-1")
    for ask in (lambda: source.page(bucket), lambda: source.page("")):
        with pytest.raises(Refused, match="does not accept the credentials") as said:
            ask()
        assert "wrong-horse" not in f"{said.value.message} {said.value.hint}"
        assert said.value.__cause__ is None


def test_no_credentials_at_all(nanio: Store) -> None:
    source = S3("s3", {"endpoint_url": nanio.url})
    with pytest.raises(Refused, match="no usable credentials"):
        source.page("")


def test_a_secret_that_is_not_kept(nanio: Store) -> None:
    source = s3(nanio, secret_key="NO_SUCH_SECRET")
    with pytest.raises(NotFound, match="NO_SUCH_SECRET"):
        source.page("")


def test_nobody_there(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.data.s3.ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    source = S3(
        "lake",
        {"endpoint_url": f"http://127.0.0.1:{port}", "key_id": "STORE_KEY",
         "secret_key": "STORE_SECRET"},
    )  # fmt: skip
    with pytest.raises(NotFound, match="lake cannot be reached"):
        source.page("")


def test_a_profile_that_is_not_there(nanio: Store) -> None:
    with pytest.raises(UsageFault, match="nobody"):
        S3("s3", {"profile": "nobody"}).page("")


def test_a_link_opens_the_file_without_credentials(store: Store) -> None:
    bucket, source = store.bucket(), s3(store)
    store.put(bucket, "a b.txt", b"hello")
    link = source.link(f"{bucket}/a b.txt", 60)
    assert SECRET not in link
    assert urllib.request.urlopen(link).read() == b"hello"
    with pytest.raises(UsageFault, match="a link for"):
        source.link(f"{bucket}/a b.txt", 8 * 24 * 3600)
    with pytest.raises(NotFound, match="nothing at"):
        source.link(f"{bucket}/nobody", 60)


def test_a_link_is_good_for_its_file_alone(nanio: Store) -> None:
    bucket = nanio.bucket(a=b"1", b=b"2")
    link = s3(nanio).link(f"{bucket}/a", 60)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link.replace(f"{bucket}/a", f"{bucket}/b"))


def test_what_is_lent_is_short_lived_and_not_ones_own(
    moto: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    lent = S3("s3", {"key_id": "STORE_KEY", "secret_key": "STORE_SECRET"}).lend("b/data/", 10)
    assert SECRET not in lent.values()
    assert lent["AWS_SESSION_TOKEN"]
    role = "arn:aws:iam::123456789012:role/reader"
    table = {"key_id": "STORE_KEY", "secret_key": "STORE_SECRET", "role": role}
    narrow = S3("s3", table).lend("b/data/", 3600)
    assert narrow["AWS_ACCESS_KEY_ID"] != lent["AWS_ACCESS_KEY_ID"]


def test_a_small_file_and_one_in_parts_arrive_whole(store: Store) -> None:
    bucket, source = store.bucket(), s3(store)
    for key, size in (("empty", 0), ("small", 10), ("parts", (8 << 20) * 2 + 5)):
        data = (key.encode() * (size // len(key) + 1))[:size]
        going = Going()
        made = source.write(f"{bucket}/{key}", size, lambda at, n, d=data: d[at : at + n], going)
        assert (made.size, going.done) == (size, size)
        assert store.get(bucket, key) == data
        checksum = source.checksum(made)
        if checksum is None:
            # nanio does not tell how long the parts are that its tag is made of.
            assert (store.folder is not None, key) == (True, "parts")
            continue
        checksum.update(data)
        assert checksum.agrees()


def test_split() -> None:
    assert split("b//x") == ("b", "/x")
    for path in ("", "b", "b/", "/x"):
        with pytest.raises(UsageFault):
            split(path)


def test_five_gigabytes_are_read_where_one_looks(nanio: Store) -> None:
    assert nanio.folder is not None
    bucket, source = nanio.bucket(), s3(nanio)
    size = 5 << 30
    with Path(nanio.folder, bucket, "large.bin").open("wb") as file:
        file.truncate(size)
        file.seek(size - 4)
        file.write(b"tail")
    entry = source.stat(f"{bucket}/large.bin")
    assert entry.size == size
    assert source.read(entry, size - 6, 100) == b"\0\0tail"
