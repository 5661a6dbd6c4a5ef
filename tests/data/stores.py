"""Buckets on servers that this computer reaches over HTTP, and sources that find them."""

from __future__ import annotations

import functools
import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from studio_tui.data.s3 import S3
from studio_tui.settings import paths

SERVER = Path(__file__).parents[1] / "servers" / "s3.py"
KEY, SECRET = "owner", "correct-horse"
_numbers = itertools.count()


class Store(NamedTuple):
    """One server, as its owner sees it: the other end of what is tested."""

    url: str
    client: Any
    folder: Path | None = None

    def bucket(self, **content: bytes) -> str:
        """A new bucket with these files; a key that is no Python name is put by `put`."""
        name = f"data-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        for key, data in content.items():
            self.put(name, key, data)
        return name

    def put(self, bucket: str, key: str, data: bytes = b"x") -> None:
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def get(self, bucket: str, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def table(self, name: str) -> None:
        """Name it in data.toml, with the right credentials as secrets."""
        text = (
            f'[{name}]\nkind = "s3"\nendpoint_url = "{self.url}"\n'
            'key_id = "STORE_KEY"\nsecret_key = "STORE_SECRET"\n'
        )
        with paths.data_file().open("a") as file:
            file.write(text)


class Servers(NamedTuple):
    moto: Store
    nanio: Store


@contextmanager
def serving(folder: Path) -> Iterator[Servers]:
    """Both servers, while they are wanted; the second one's buckets are in the folder."""
    command = [sys.executable, str(SERVER), str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        first, second = (f"http://127.0.0.1:{port}" for port in process.stdout.readline().split())
        yield Servers(Store(first, client(first)), Store(second, client(second), folder))
        assert process.stdin is not None
        process.stdin.close()


def client(url: str) -> Any:
    """boto3's own client, with its owner's credentials."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(tmp_path_factory.mktemp("nanio")) as both:
        yield both


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of this computer's user count; the servers' are secrets."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "ENDPOINT_URL"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("STORE_KEY", KEY)
    monkeypatch.setenv("STORE_SECRET", SECRET)


@pytest.fixture
def moto(servers: Servers, alone: None) -> Store:
    return servers.moto


@pytest.fixture
def nanio(servers: Servers, alone: None) -> Store:
    return servers.nanio


@pytest.fixture(params=["moto", "nanio"])
def store(request: pytest.FixtureRequest, servers: Servers, alone: None) -> Store:
    """Each of the servers."""
    found: Store = getattr(servers, request.param)
    return found


def s3(store: Store, **table: Any) -> S3:
    """A source that finds this server; with nothing else to say, one for all tests."""
    given = {"endpoint_url": store.url, "key_id": "STORE_KEY", "secret_key": "STORE_SECRET"}
    return S3("s3", given | table) if table else _shared(store.url, tuple(given.items()))


@functools.cache
def _shared(url: str, table: tuple[tuple[str, str], ...]) -> S3:
    # boto3 reads its models for every client, which takes longer than most tests.
    return S3("s3", dict(table))
