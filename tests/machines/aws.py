"""An account with one instance, on a moto server that this computer reaches over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).parents[1] / "servers" / "ec2.py"
REGION = "us-east-1"


class Aws:
    """The account, as its owner sees it: the other end of what is tested."""

    def __init__(self, url: str) -> None:
        import boto3  # here: tests of other things need not wait for it

        self.url = url
        self._ec2 = boto3.client(
            "ec2",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="owner",
            aws_secret_access_key="secret",
        )
        self._image = self._ec2.describe_images(
            Filters=[{"Name": "architecture", "Values": ["x86_64"]}], Owners=["amazon"]
        )["Images"][0]["ImageId"]

    def rules(self, *rules: dict[str, Any]) -> None:
        """What AWS does beside moto, see the server; instead of what was said before."""
        request = urllib.request.Request(f"{self.url}/rules", json.dumps(rules).encode())
        urllib.request.urlopen(request).close()

    def launch(self, kind: str = "t3.medium", zone: str = "us-east-1a") -> str:
        told = self._ec2.run_instances(
            ImageId=self._image,
            InstanceType=kind,
            MinCount=1,
            MaxCount=1,
            Placement={"AvailabilityZone": zone},
        )
        return str(told["Instances"][0]["InstanceId"])

    def instance(self, id: str) -> dict[str, Any]:
        told = self._ec2.describe_instances(InstanceIds=[id])
        return dict(told["Reservations"][0]["Instances"][0])

    def stop(self, id: str) -> None:
        self._ec2.stop_instances(InstanceIds=[id])

    def terminate(self, id: str) -> None:
        self._ec2.terminate_instances(InstanceIds=[id])


@pytest.fixture(scope="session")
def account() -> Iterator[Aws]:
    command = [sys.executable, str(SERVER)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield Aws(f"http://127.0.0.1:{int(process.stdout.readline())}")
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def aws(account: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Aws:
    """An account without any rule; what runs in this test finds it as one finds AWS."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
    account.rules()
    return account
