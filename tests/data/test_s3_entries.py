from __future__ import annotations

from datetime import UTC, datetime

from studio_tui.data.s3_entries import bucket_of, entry_of, files, folders

GIVEN = {"Bucket": "b", "Prefix": "d/"}


def test_a_key_is_a_path_and_a_name_below_its_folder() -> None:
    item = {
        "Key": "d/x",
        "Size": 3,
        "ETag": '"t"',
        "LastModified": datetime(1970, 1, 1, tzinfo=UTC),
    }
    found = entry_of("b", item, "d/")
    assert (found.path, found.name, found.size, found.tag, found.modified) == (
        "b/d/x", "x", 3, "t", 0.0,
    )  # fmt: skip
    assert entry_of("b", {"Key": "d/x"}, "d/x").name == "x"


def test_the_mark_of_an_empty_folder_is_no_file_in_it() -> None:
    assert files([{"Key": "d/"}, {"Key": "d/x"}], GIVEN)[0].name == "x"
    assert files(None, GIVEN) == []


def test_folders_have_names_also_without_letters() -> None:
    answer = {"CommonPrefixes": [{"Prefix": "d/e/"}, {"Prefix": "d//"}]}
    assert [(one.path, one.name) for one in folders(answer, GIVEN)] == [
        ("b/d/e/", "e"), ("b/d//", "/"),
    ]  # fmt: skip


def test_what_is_unusual_is_noted() -> None:
    item = {"Key": "k", "StorageClass": "GLACIER", "IsLatest": True, "VersionId": "v1"}
    found = entry_of("b", item)
    assert (found.note, found.version) == ("glacier, latest", "v1")
    assert entry_of("b", {"Key": "k", "VersionId": "null"}).version == ""


def test_a_bucket_is_a_folder() -> None:
    assert bucket_of({"Name": "b"}).path == "b/"
