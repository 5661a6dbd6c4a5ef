"""What goes wrong between here and AWS, over HTTP."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.ec2.client import Client, NoCapacity

LOGIN = "run aws configure or aws sso login, or set AWS_PROFILE"


async def ask(region: str = "us-east-1", profile: str | None = None) -> dict[str, Any]:
    return await Client(region, profile).call("describe_instances")


async def test_an_answer(aws: Any) -> None:
    client = Client("us-east-1")
    assert "Reservations" in await client.call("describe_instances")
    assert "Reservations" in await client.call("describe_instances")


@pytest.mark.parametrize(
    ("code", "kind", "said", "hint"),
    [
        ("ExpiredToken", Refused, "credentials have expired", LOGIN),
        ("RequestExpired", Refused, "credentials have expired", LOGIN),
        ("AuthFailure", Refused, "does not accept the credentials in us-east-1: told so", LOGIN),
        ("UnauthorizedOperation", Refused, "do not allow ec2:DescribeInstances", "their policy"),
        ("InvalidInstanceID.Malformed", NotFound, "us-east-1 has no such instance", "its region"),
        ("InsufficientInstanceCapacity", NoCapacity, "has none free", "try again later"),
        ("SomethingNew", StudioError, "refuses DescribeInstances: told so", "SomethingNew"),
    ],
)
async def test_what_aws_refuses(
    aws: Any, code: str, kind: type[StudioError], said: str, hint: str
) -> None:
    aws.rules({"action": "DescribeInstances", "code": code, "message": "told\n so", "times": 1})
    with pytest.raises(kind, match=said) as raised:
        await ask()
    assert hint in raised.value.hint


async def test_throttling_is_borne(aws: Any) -> None:
    rule = {"action": "DescribeInstances", "code": "RequestLimitExceeded", "message": "slow down"}
    aws.rules(rule | {"times": 1})
    assert "Reservations" in await ask()


async def test_throttling_without_an_end(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.client.ATTEMPTS", 1)
    rule = {"action": "DescribeInstances", "code": "RequestLimitExceeded", "message": "slow down"}
    aws.rules(rule | {"times": 1})
    with pytest.raises(StudioError, match="too many requests"):
        await ask()


async def test_no_credentials(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Refused, match="no usable AWS credentials") as raised:
        await ask()
    assert raised.value.hint == LOGIN


async def test_half_of_the_credentials(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Refused, match="no usable AWS credentials"):
        await ask()


async def test_a_profile(aws: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="lab"):
        await ask(profile="lab")
    keys = "[lab]\naws_access_key_id = a\naws_secret_access_key = b\n"
    (tmp_path / "credentials").write_text(keys)
    assert "Reservations" in await ask(profile="lab")


async def test_a_login_that_has_run_out(aws: Any, tmp_path: Path) -> None:
    session = "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://s.invalid\n"
    role = "sso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
    (tmp_path / "config").write_text(f"{session}[profile lab]\n{role}")
    with pytest.raises(Refused, match="no usable AWS credentials") as raised:
        await ask(profile="lab")
    assert raised.value.hint == LOGIN


async def test_a_region_that_is_none(aws: Any) -> None:
    with pytest.raises(UsageFault, match="is no AWS region"):
        await ask("east of us")


async def test_a_network_that_is_away(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.client.ATTEMPTS", 1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(ConnectionLost, match="AWS cannot be reached in us-east-1"):
            await ask()
