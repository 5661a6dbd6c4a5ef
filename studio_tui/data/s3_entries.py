"""What S3 answers, as entries: folders made of keys, files, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio_tui.data.source import Entry


def bucket_of(item: Mapping[str, Any]) -> Entry:
    """A bucket as a folder."""
    name = str(item["Name"])
    return Entry(f"{name}/", name, "folder", modified=_moment(item.get("CreationDate")))


def folders(answer: Mapping[str, Any], given: Mapping[str, Any]) -> list[Entry]:
    """The folders of a listing; `given` is what was asked."""
    bucket, cut = given["Bucket"], len(given["Prefix"])
    prefixes = [common["Prefix"] for common in answer.get("CommonPrefixes", [])]
    return [Entry(f"{bucket}/{p}", p[cut:-1] or "/", "folder") for p in prefixes]


def files(contents: Any, given: Mapping[str, Any]) -> list[Entry]:
    """The files of a listing, or their versions."""
    # A key that is the folder's own name marks an empty folder: it is no file in it.
    return [
        entry_of(given["Bucket"], item, given["Prefix"])
        for item in contents or ()
        if item["Key"] != given["Prefix"] or not item["Key"].endswith("/")
    ]


def entry_of(bucket: str, item: Mapping[str, Any], prefix: str = "") -> Entry:
    """One file, named by its key below `prefix`."""
    key = str(item["Key"])
    unusual = item.get("StorageClass", "STANDARD")
    notes = [] if unusual == "STANDARD" else [str(unusual).lower()]
    notes += ["latest"] if item.get("IsLatest") else []
    version = item.get("VersionId") or ""
    return Entry(
        f"{bucket}/{key}",
        key[len(prefix) :] if len(key) > len(prefix) else key.rpartition("/")[2],
        "file",
        size=item.get("Size", item.get("ContentLength")),
        modified=_moment(item.get("LastModified")),
        tag=tag_of(item),
        version="" if version == "null" else str(version),
        note=", ".join(notes),
    )


def tag_of(answer: Mapping[str, Any]) -> str:
    """What changes whenever the content does."""
    return str(answer.get("ETag", "")).strip('"')


def _moment(when: Any) -> float | None:
    return when.timestamp() if when is not None else None
