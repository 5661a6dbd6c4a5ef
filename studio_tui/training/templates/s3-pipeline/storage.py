"""Where data comes from and checkpoints go: a bucket, or a folder that stands in for one.

A manifest lists the files with their SHA-256. What was fetched is kept under that sum, so that a
second run fetches nothing, changed data is fetched anew, and damaged data never trains a model.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Protocol

MANIFEST = "manifest.json"
CACHE = Path("cache")


class Store(Protocol):
    """What both kinds can do."""

    def fetch(self, name: str, target: Path) -> None: ...
    def keep(self, source: Path, name: str) -> None: ...


class Folder:
    """A folder, for trying everything without a cloud."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fetch(self, name: str, target: Path) -> None:
        target.write_bytes((self.path / name).read_bytes())

    def keep(self, source: Path, name: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(source.read_bytes())


class Bucket:
    """A prefix of a bucket of S3, or of what speaks it: then AWS_ENDPOINT_URL names the server.

    boto3 finds credentials as the aws command does: variables, ~/.aws, the machine's own role.
    None are written here. It sends large files in parts, and begins again what broke off.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        import boto3  # here, so that a folder needs no boto3

        self.client = boto3.client("s3")
        self.bucket, self.prefix = bucket, prefix

    def fetch(self, name: str, target: Path) -> None:
        self.client.download_file(self.bucket, self.prefix + name, str(target))

    def keep(self, source: Path, name: str) -> None:
        self.client.upload_file(str(source), self.bucket, self.prefix + name)


def store(place: str) -> Store:
    """Return the bucket of an s3:// URL, or else the folder of a path."""
    if not place.startswith("s3://"):
        return Folder(Path(place))
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    return Bucket(bucket, prefix.rstrip("/") + "/" if prefix else "")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(source: Store, files: list[Path]) -> None:
    """Put files into a store, and then the manifest: who reads it finds all that it names."""
    for file in files:
        source.keep(file, file.name)
    manifest = CACHE / MANIFEST
    manifest.write_text(json.dumps({file.name: sha256(file) for file in files}, indent=2))
    source.keep(manifest, MANIFEST)


def dataset(source: Store) -> tuple[list[Path], str]:
    """Return the files of the manifest, on this machine and intact, and the manifest's own sum."""
    CACHE.mkdir(exist_ok=True)
    manifest = CACHE / MANIFEST
    source.fetch(MANIFEST, manifest)
    wanted = json.loads(manifest.read_text())
    return [cached(source, name, digest) for name, digest in wanted.items()], sha256(manifest)


def cached(source: Store, name: str, digest: str) -> Path:
    """Return a file that has this sum: from the cache, or fetched into it."""
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise SystemExit(f"{MANIFEST}: the sum of {name} is none")
    kept = CACHE / digest
    if kept.exists() and sha256(kept) == digest:
        print(f"{name}: in the cache")
        return kept
    part = kept.with_suffix(".part")
    source.fetch(name, part)
    if sha256(part) != digest:
        raise SystemExit(f"{name} is damaged, or newer than {MANIFEST}: its SHA-256 differs")
    os.replace(part, kept)  # at once: an interrupted run leaves no half file under a whole name
    print(f"{name}: fetched, {kept.stat().st_size:,} bytes")
    return kept
