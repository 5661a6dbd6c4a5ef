"""Reading an invite, whole or damaged."""

from __future__ import annotations

import pytest

from studio_tui.client.invite import Invite, is_invite, read_invite
from studio_tui.errors import UsageFault


@pytest.mark.parametrize(
    ("text", "relay"),
    [
        ("wss://relay.example/calm-otter#c0de", "wss://relay.example"),
        (" WSS://Relay.example:443/calm-otter#c0de\n", "wss://relay.example"),
        ("ws://127.0.0.1:8484/calm-otter#c0de", "ws://127.0.0.1:8484"),
        ("wss://box/team/calm%2Dotter#c0de", "wss://box/team"),
    ],
)
def test_an_invite_names_its_relay_its_studio_and_a_code(text: str, relay: str) -> None:
    assert is_invite(text)
    assert read_invite(text) == Invite(relay, "calm-otter", "c0de")


def test_a_studios_id_is_no_invite() -> None:
    assert not is_invite("calm-otter")


@pytest.mark.parametrize(
    "text",
    [
        "wss://box/#c0de-1",
        "wss://box#c0de-1",
        "wss://box/%2A#c0de-1",
        "wss://box/calm-otter",
        "wss://box/calm-otter#",
        "wss://box/calm-otter#c0de-1 and more",
        "wss://box/calm-otter#c0de-1\x1b[2J",
        "https://box/calm-otter#c0de-1",
        "://#c0de-1",
        "wss://[::1/calm-otter#c0de-1",
    ],
)
def test_a_damaged_invite_is_an_error_without_its_code(text: str) -> None:
    with pytest.raises(UsageFault) as caught:
        read_invite(text)
    assert "c0de-1" not in caught.value.message + caught.value.hint


def test_the_code_is_not_shown() -> None:
    assert "c0de" not in repr(read_invite("wss://box/calm-otter#c0de"))
