"""The template that trains on a bucket: there and back, by a folder and by a server of S3."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.training.templates import create

if TYPE_CHECKING:
    from tests.data.stores import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("lightning", reason="the train extra is not installed")
    create("s3-pipeline", tmp_path / "work")
    return tmp_path / "work"


def run(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder, env={**os.environ, "PL_TRAINER_ACCELERATOR": "cpu", **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def fetch(folder: Path, place: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Only what comes before the training, which takes longest."""
    code = "import sys; from storage import dataset, store; dataset(store(sys.argv[1]))"
    return run(folder, "-c", code, place, **env)


def test_a_folder_stands_in_for_a_bucket_and_damage_is_refused(folder: Path) -> None:
    done = run(folder, "train.py", "--make")
    assert (done.returncode, done.stderr) == (0, "")
    assert "part-0.csv: fetched" in done.stdout
    assert "on 1000 rows" in done.stdout
    assert (folder / "data/checkpoints/model.ckpt").is_file()
    # One file damaged where it lies, the other in the cache, which is noticed and mended.
    kept = [path for path in (folder / "cache").iterdir() if len(path.name) == 64]
    kept[0].write_bytes(b"half")
    data = next(
        p for p in (folder / "data").glob("*.csv") if p.read_bytes() != kept[1].read_bytes()
    )
    whole = data.read_bytes()
    data.write_bytes(whole.replace(b"0", b"1", 1))
    refused = fetch(folder, "data")
    assert refused.returncode == 1
    assert f"{data.name} is damaged" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert kept[0].read_bytes() == b"half"
    data.write_bytes(whole)
    mended = fetch(folder, "data")
    assert f"{data.name}: fetched" in mended.stdout
    assert kept[0].read_bytes() == whole


def test_a_bucket_gives_the_data_and_gets_the_checkpoint(folder: Path, moto: Store) -> None:
    import torch

    bucket = moto.bucket()
    env = {
        "AWS_ENDPOINT_URL": moto.url,
        "AWS_ACCESS_KEY_ID": os.environ["STORE_KEY"],
        "AWS_SECRET_ACCESS_KEY": os.environ["STORE_SECRET"],
        "AWS_REGION": "us-east-1",
    }
    place = f"s3://{bucket}/houses"
    done = run(folder, "train.py", "--data", place, "--make", **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"checkpoints/model.ckpt is in {place}" in done.stdout
    assert moto.get(bucket, "houses/part-1.csv").count(b"\n") == 500
    (folder / "back.ckpt").write_bytes(moto.get(bucket, "houses/checkpoints/model.ckpt"))
    told = torch.load(folder / "back.ckpt", weights_only=True)
    assert len(told["hyper_parameters"]["data"]) == 64
    again = fetch(folder, place, **env)
    assert again.stdout.count("in the cache") == 2
