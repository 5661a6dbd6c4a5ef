"""Settings that would do harm are refused before anything listens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relay_server.errors import BadSetting
from relay_server.settings import RelaySettings, is_loopback

PEM = {"tls_cert": Path("c.pem"), "tls_key": Path("k.pem")}


@pytest.mark.parametrize(
    "fine",
    [{}, {"host": "::1"}, {"host": "0.0.0.0", **PEM}, {"host": "0.0.0.0", "insecure": True}],
)
def test_these_are_fine(fine: dict[str, Any]) -> None:
    RelaySettings(**fine).check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "0.0.0.0"},
        {"host": "relay.example"},
        {"host": ""},
        {"port": -1},
        {"port": 65536},
        {"tls_cert": Path("c.pem")},
        {"tls_key": Path("k.pem")},
    ],
)
def test_these_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSetting) as caught:
        RelaySettings(**wrong).check()
    assert caught.value.hint


def test_what_only_this_machine_can_reach() -> None:
    here = ["127.0.0.1", "127.8.8.8", "::1", "localhost"]
    assert all(is_loopback(host) for host in here)
    assert not any(is_loopback(host) for host in ["0.0.0.0", "::", "10.0.0.1", "relay", ""])
