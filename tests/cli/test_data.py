"""Data on the command line, on this computer and within a studio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.data import named
from studio_tui.errors import UsageFault
from tests.data.stores import SECRET, Store

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


@pytest.fixture
def bucket(nanio: Store) -> str:
    """A bucket of the source "lake", which data.toml names."""
    nanio.table("lake")
    name = nanio.bucket(**{"a.csv": b"id,x\n1,2\n3,4\n"})
    nanio.put(name, "d/ü 1", b"1")
    nanio.put(name, "d/2", b"22")
    return name


def test_a_source_is_listed_looked_at_and_copied(
    bucket: str, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"lake://{bucket}"
    assert "lake://  s3" in typed("data", "sources").out
    listed = typed("data", "ls", url).out.splitlines()
    assert [row.split()[-1] for row in listed] == ["d/", "a.csv"]
    told = typed("data", "ls", url, "--deep", "--json").json
    assert [entry["url"] for entry in told] == [f"{url}/a.csv", f"{url}/d/2", f"{url}/d/ü 1"]
    assert "2 rows, 2 columns" in typed("data", "head", f"{url}/a.csv").out
    assert typed("data", "head", f"{url}/a.csv", "--json").json["rows"] == [["1", "2"], ["3", "4"]]
    got = typed("data", "get", f"{url}/a.csv")
    assert got.out == "1 file, 13 B in a.csv, md5 agrees\n"
    assert Path("a.csv").read_bytes() == b"id,x\n1,2\n3,4\n"
    assert typed("data", "get", f"{url}/a.csv").error == "a.csv is there already"
    assert typed("data", "get", f"{url}/d/").code == 0
    assert Path("d", "ü 1").read_bytes() == b"1"
    assert typed("data", "put", "a.csv", f"{url}/new/").code == 0
    assert "13 B" in typed("data", "ls", f"{url}/new/a.csv").out
    Path("d", "bare").mkdir()
    sent = typed("data", "put", "d", f"{url}/up/")
    assert sent.out == f"2 files, 3 B in {url}/up/\n"
    assert "passed over bare/: an empty folder" in sent.err
    assert "is no place for a folder" in typed("data", "put", "d", f"{url}/up").error
    listed = typed("data", "ls", f"{url}/up/", "--deep", "--json").json
    assert [entry["name"] for entry in listed] == ["2", "ü 1"]
    assert SECRET not in typed("data", "link", f"{url}/a.csv").out


def test_within_a_studio_its_host_does_it(
    bucket: str, hosted: Hosted, nanio: Store, typed: Typed
) -> None:
    # The studio's host was started before the test: it finds the credentials in its own file.
    nanio.table("lake")
    for name in ("STORE_KEY", "STORE_SECRET"):
        value = {"STORE_KEY": "owner", "STORE_SECRET": SECRET}[name]
        assert typed("secret", "set", name, input=value.encode()).code == 0
    url, at = f"lake://{bucket}", ("--studio", hosted.id)
    assert typed("data", "sources", *at, "--json").json[-1]["name"] == "lake"
    assert [e["name"] for e in typed("data", "ls", url, *at, "--json").json] == ["d", "a.csv"]
    assert "2 rows" in typed("data", "head", f"{url}/a.csv", *at).out
    assert typed("data", "get", f"{url}/d/", "data/d", *at).code == 0
    assert (hosted.folder / "data" / "d" / "2").read_bytes() == b"22"
    assert typed("data", "put", "data/d/2", f"{url}/up", *at).code == 0
    assert nanio.get(bucket, "up") == b"22"
    into = typed("data", "put", "data/d/2", f"{url}/new/", *at, "--json").json
    assert (into["url"], into["size"]) == (f"{url}/new/2", 2)
    assert typed("data", "put", "data", f"{url}/all/", *at, "--json").json["files"] == 2
    assert nanio.get(bucket, "all/d/2") == b"22"
    refused = typed("data", "get", f"{url}/a.csv", "../out.csv", *at)
    assert "outside of the studio's folder" in refused.error


def test_a_job_says_what_it_was_trained_on_and_shows_no_credentials(
    hosted: Hosted, moto: Store, typed: Typed
) -> None:
    moto.table("pond")
    for name, value in (("STORE_KEY", "owner"), ("STORE_SECRET", SECRET)):
        assert typed("secret", "set", name, input=value.encode()).code == 0
    bucket = moto.bucket(**{"a.csv": b"12345"})
    script = (
        "import os, boto3\n"
        "print(boto3.client('s3').get_object(Bucket=%r, Key='a.csv')['Body'].read())\n"
        "print(os.environ['AWS_SECRET_ACCESS_KEY'], os.environ['AWS_SESSION_TOKEN'])\n"
    )
    (hosted.folder / "train.py").write_text(script % bucket)
    url = f"pond://{bucket}/a.csv"
    done = typed(
        "job", "run", hosted.id, "--name", "fed", "--data", url, "--wait", "--", "train.py"
    )
    assert done.code == 0, done.err
    first, second = done.out.splitlines()
    assert first == "b'12345'"
    assert set(second) == {"*", " "}
    shown = typed("job", "show", hosted.id, "fed", "--json").json
    assert shown["notes"][0].startswith(f"data {url}: 5 bytes, tag ")


def test_what_is_wrong_is_said_with_its_code(bucket: str, typed: Typed) -> None:
    assert typed("data", "ls", "lake://no-such-bucket").code == 3
    assert typed("data", "ls", "nowhere://x").code == 3
    assert typed("data", "ls", "x").code == 2
    assert typed("data", "head", f"lake://{bucket}").code == 2
    assert typed("data", "get", f"lake://{bucket}/missing").code == 3
    assert typed("data", "put", "missing", f"lake://{bucket}/x").code == 3


def test_a_wrong_secret_is_never_printed(
    bucket: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_SECRET", "wrong-horse")
    done = typed("data", "ls", f"lake://{bucket}")
    assert (done.code, "does not accept the credentials" in done.error) == (4, True)
    assert "wrong-horse" not in done.err + done.out


def test_what_a_copy_is_called() -> None:
    assert named("s3://b/d/file.txt") == "file.txt"
    assert named("s3://b/d/") == "d"
    for url in ("s3://", "s3://b/.."):
        with pytest.raises(UsageFault):
            named(url)
