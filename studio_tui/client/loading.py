"""The lines that load data in a training script: streamed, or copied once with a checksum."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio_tui.client.data import DataEntry

_MD5 = re.compile(r"[0-9a-f]{32}")

_HEAD = '''\
import csv
import hashlib
import json
import os
from pathlib import Path

import lightning as L
from torch.utils.data import DataLoader


class {name}(L.LightningDataModule):
    """What was copied from URL."""

    URL, PATH = {url!r}, Path({path!r})

    def __init__(self, batch_size: int = 32) -> None:
        super().__init__()
        self.batch_size = batch_size
'''

_FILE = '''
    def prepare_data(self) -> None:
        """Copy it once a machine: run the job with --data, which lends it credentials."""
        if not self.PATH.exists():
            import boto3

            self.PATH.parent.mkdir(parents=True, exist_ok=True)
            draft = self.PATH.with_name(f".{{self.PATH.name}}.part")
            boto3.client("s3").download_file({bucket!r}, {key!r}, str(draft))
            os.replace(draft, self.PATH)
        self.check()
'''

_COPIED = '''
    def prepare_data(self) -> None:
        """Copied beforehand: studio-tui data get URL PATH --studio STUDIO"""
        self.check()
'''

_CHECK_MD5 = '''
    def check(self) -> None:
        """What was copied is what the bucket had."""
        digest = hashlib.md5()
        with self.PATH.open("rb") as file:
            for piece in iter(lambda: file.read(1 << 20), b""):
                digest.update(piece)
        if digest.hexdigest() != {tag!r}:
            raise RuntimeError(f"{{self.PATH}} is not what it was: delete it to copy it again")
'''

_CHECK_SIZE = '''
    def check(self) -> None:
        """What was copied is as long as it was in its source."""
        if self.PATH.stat().st_size != {size}:
            raise RuntimeError(f"{{self.PATH}} is not what it was: delete it to copy it again")
'''

_CHECK_NOTHING = '''
    def check(self) -> None:
        """It is there."""
        self.PATH.stat()
'''

_ROWS = {
    "csv": "list(csv.DictReader(self.PATH.open(newline='')))",
    "jsonl": "[json.loads(line) for line in self.PATH.open()]",
    "parquet": "pyarrow.parquet.read_table(self.PATH).to_pylist()",
    "": "self.PATH.read_bytes()",
}

_TAIL = """
    def setup(self, stage: str) -> None:
        {load}

    def train_dataloader(self) -> DataLoader:
        return DataLoader({data}, self.batch_size{shuffle})
"""

_FOLDER = '''\
import importlib.util
from pathlib import Path

import lightning as L
from torch.utils.data import DataLoader, Dataset


class Files(Dataset):
    """Every file below a folder, as bytes; decode them here."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(path for path in folder.rglob("*") if path.is_file())

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> bytes:
        return self.paths[index].read_bytes()


class {name}(L.LightningDataModule):
    """What is at URL."""

    URL, PATH = {url!r}, Path({path!r})

    def __init__(self, batch_size: int = 32) -> None:
        super().__init__()
        self.batch_size = batch_size
'''

_STREAMED = '''
    def streams(self) -> bool:
        """Whether litdata is installed, and litdata.optimize wrote what is at URL."""
        if importlib.util.find_spec("litdata") is None:
            return False
        import boto3

        client, index = boto3.client("s3"), {key!r} + "index.json"
        if not client.meta.endpoint_url.startswith("https:"):
            return False  # litdata knows none without TLS
        found = client.list_objects_v2(Bucket={bucket!r}, Prefix=index, MaxKeys=1)
        return any(item["Key"] == index for item in found.get("Contents", []))

    def prepare_data(self) -> None:
        """Copy it once a machine: run the job with --data, which lends it credentials."""
        if self.streams():
            return
        import boto3

        client = boto3.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket={bucket!r}, Prefix={key!r})
        for item in (item for page in pages for item in page.get("Contents", [])):
            to = self.PATH / item["Key"].removeprefix({key!r})
            if item["Key"].endswith("/") or (to.exists() and to.stat().st_size == item["Size"]):
                continue
            if self.PATH.resolve() not in to.resolve().parents:
                raise RuntimeError(f"{{item['Key']}} leads out of {{self.PATH}}")
            to.parent.mkdir(parents=True, exist_ok=True)
            client.download_file({bucket!r}, item["Key"], str(to))

    def setup(self, stage: str) -> None:
        self.data, self.loader = Files(self.PATH), DataLoader
        if self.streams():
            import litdata

            self.data = litdata.StreamingDataset({stream!r}, shuffle=True)
            self.loader = litdata.StreamingDataLoader

    def train_dataloader(self) -> DataLoader:
        return self.loader(self.data, batch_size=self.batch_size)
'''

_FILES = '''
    def prepare_data(self) -> None:
        """Copied beforehand: studio-tui data get URL PATH --studio STUDIO"""
        self.PATH.stat()

    def setup(self, stage: str) -> None:
        self.data = Files(self.PATH)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.data, batch_size=self.batch_size)
'''


def snippet(entry: DataEntry, kind: str) -> str:
    """Python that loads a file, table or folder as a LightningDataModule.

    Whoever wrote the names in a bucket writes no code: they are in it as literals alone.

    Args:
        kind: that of its source, see `Data.sources`.
    """
    path = f"data/{entry.name.strip('/').rpartition('/')[2] or 'all'}"
    bucket, _, key = entry.url.partition("://")[2].partition("/")
    known = {"name": class_name(path), "url": entry.url, "bucket": bucket, "key": key}
    if entry.kind == "folder":
        made = _FOLDER + (_STREAMED if kind == "s3" else _FILES)
        return _needed(made.format(**known, path=path, stream=f"s3://{bucket}/{key}"))
    path += ".parquet" if entry.kind == "table" else ""
    head = _HEAD.format(**known, path=path)
    made = _FILE if kind == "s3" else _COPIED
    check = _CHECK_NOTHING if entry.size is None else _CHECK_SIZE
    check = _CHECK_MD5 if _MD5.fullmatch(entry.tag) else check
    # Snowflake lists size and sum of what is encrypted before it is sent.
    check = _CHECK_NOTHING if kind == "snowflake" else check
    suffix = path.lower().rpartition(".")[2]
    rows = _ROWS.get(suffix, _ROWS[""])
    load = f"self.rows = {rows}"
    if suffix == "parquet":
        load = f"import pyarrow.parquet\n\n        {load}"
    tail = _TAIL.format(load=load, data="self.rows", shuffle=", shuffle=True")
    body = made.format(**known)
    return _needed(head + body + check.format(tag=entry.tag, size=entry.size) + tail)


def class_name(path: str) -> str:
    """What the module of the data at `path` is called in Python."""
    stem = path.rpartition("/")[2].partition(".")[0]
    words = re.findall(r"[A-Za-z0-9]+", stem)
    return "".join(word[0].upper() + word[1:] for word in words)[:40].lstrip("0123456789") + "Data"


def _needed(code: str) -> str:
    """Code without the imports that it does not use."""
    for name in ("csv", "hashlib", "importlib.util", "json", "os"):
        line = f"import {name}\n"
        if f"{name}." not in code.replace(line, "", 1):
            code = code.replace(line, "", 1)
    return code
