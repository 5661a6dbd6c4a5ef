"""Tokens and secrets: where they come from, how they are kept, how they are masked."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings import secrets

RELAY = "wss://relay.example.org"


def test_a_token_is_kept_per_relay_in_a_private_file(studio_home: Path) -> None:
    secrets.save_token(RELAY, "first")
    secrets.save_token(RELAY, "second")
    secrets.save_token("ws://localhost:8484", "other")
    assert secrets.token_for(RELAY) == "second"
    assert secrets.token_for("ws://localhost:8484") == "other"
    assert secrets.token_for("wss://elsewhere.example.org") is None
    file = studio_home / "config" / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_can_be_forgotten() -> None:
    secrets.save_token(RELAY, "token")
    secrets.forget_token(RELAY)
    secrets.forget_token(RELAY)
    assert secrets.token_for(RELAY) is None


def test_a_token_for_one_studio_is_kept_beside_that_of_its_relay() -> None:
    secrets.save_token(RELAY, "all")
    secrets.save_token("WSS://Relay.example.org:443", "old", "calm-otter")
    secrets.save_token(RELAY, "one", "calm-otter")
    secrets.save_token(RELAY, "two", "bold-lynx")
    assert secrets.token_for(RELAY) == "all"
    assert secrets.token_for(RELAY, "calm-otter") == "one"
    assert secrets.token_for(RELAY, "sly-fox") == "all"
    secrets.forget_token(RELAY, "calm-otter")
    assert secrets.token_for(RELAY, "calm-otter") == "all"
    assert secrets.token_for(RELAY, "bold-lynx") == "two"


def test_an_invite_that_was_accepted_comes_before_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets.save_token(RELAY, "one", "calm-otter")
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "given")
    assert secrets.token_for(RELAY, "calm-otter") == "one"
    assert secrets.token_for(RELAY, "bold-lynx") == "given"


def test_the_relays_that_a_token_is_kept_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "given")
    assert secrets.kept_tokens() == secrets.kept_tokens("calm-otter") == {}
    secrets.save_token(RELAY, "all")
    secrets.save_token("ws://box:8484/team", "one", "calm-otter")
    secrets.save_token(RELAY, "two", "calm-otter-2")
    assert secrets.kept_tokens() == {RELAY: "all"}
    assert secrets.kept_tokens("calm-otter") == {"ws://box:8484/team": "one"}
    assert secrets.kept_tokens("otter") == {}


def test_the_variable_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.save_token(RELAY, "kept")
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "given")
    assert secrets.token_for(RELAY) == "given"


def test_the_variable_is_for_the_configured_relay_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "given")
    monkeypatch.setenv("STUDIO_RELAY", RELAY + "/")
    assert secrets.token_for(RELAY) == "given"
    assert secrets.token_for("wss://elsewhere.example.org") is None


def test_two_writers_at_once_lose_nothing() -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: secrets.save_token(f"ws://host:{n}", str(n)), range(1, 13)))
    assert [secrets.token_for(f"ws://host:{n}") for n in range(1, 13)] == [
        str(n) for n in range(1, 13)
    ]


def test_a_file_that_others_can_read_is_refused(studio_home: Path) -> None:
    secrets.save_token(RELAY, "token")
    file = studio_home / "config" / "secrets.json"
    file.chmod(0o644)
    with pytest.raises(StudioError, match="others can read") as caught:
        secrets.token_for(RELAY)
    assert caught.value.hint == f"run: chmod 600 {file}"


def test_a_secret_comes_from_its_variable_else_from_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(NotFound, match="no secret 'HF_TOKEN'"):
        secrets.secret("HF_TOKEN")
    secrets.save_secret("HF_TOKEN", "kept")
    assert secrets.secret("HF_TOKEN") == "kept"
    monkeypatch.setenv("HF_TOKEN", "given")
    assert secrets.secret("HF_TOKEN") == "given"


class Ring(KeyringBackend):
    """A keyring in memory, as a desktop's is in its service."""

    priority = 1

    def __init__(self, **kept: str) -> None:
        super().__init__()
        self.kept = kept

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get(username) if service == "studio-tui" else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[username] = password


def test_the_keyring_comes_between_the_variable_and_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = keyring.get_keyring()
    secrets.save_secret("HF_TOKEN", "kept")
    try:
        keyring.set_keyring(Ring(HF_TOKEN="ringed"))
        assert secrets.secret("HF_TOKEN") == "ringed"
        monkeypatch.setenv("HF_TOKEN", "given")
        assert secrets.secret("HF_TOKEN") == "given"
        monkeypatch.delenv("HF_TOKEN")
        keyring.set_keyring(NoKeyring())
        assert secrets.secret("HF_TOKEN") == "kept"
    finally:
        keyring.set_keyring(before)


def test_the_studios_own_variables_are_no_secrets_of_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "given")
    with pytest.raises(Refused, match="is the studio's own"):
        secrets.secret("STUDIO_RELAY_TOKEN")
    assert not secrets.may_be_named("STUDIO_X")
    assert not secrets.may_be_named("1X")
    assert secrets.may_be_named("HF_TOKEN")


def test_kept_secrets_are_listed_and_forgotten() -> None:
    for name in ("B", "A"):
        secrets.save_secret(name, "kept")
    assert secrets.secret_names() == ["A", "B"]
    secrets.forget_secret("A")
    assert secrets.secret_names() == ["B"]
    with pytest.raises(NotFound, match="no secret 'A' is kept"):
        secrets.forget_secret("A")


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("HF_TOKEN", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("password", True),
        ("WANDB_API_KEY", True),
        ("TOKENIZERS_PARALLELISM", False),
        ("MONKEY", False),
        ("PATH", False),
    ],
)
def test_names_that_look_like_a_secret(variable: str, expected: bool) -> None:
    assert secrets.names_a_secret(variable) is expected


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("WSS://Relay.Example.org:443/", "wss://relay.example.org"),
        ("ws://127.0.0.1:8484", "ws://127.0.0.1:8484"),
        ("ws://[::1]:80/team/", "ws://[::1]/team"),
    ],
)
def test_one_relay_has_one_spelling(spelling: str, expected: str) -> None:
    assert secrets.relay_key(spelling) == expected


@pytest.mark.parametrize(
    "wrong", ["relay.example.org", "http://x", "ws://", "ws://x:port", "ws://[::1"]
)
def test_what_is_not_a_relay_is_refused(wrong: str) -> None:
    with pytest.raises(UsageFault, match="not a relay's URL"):
        secrets.save_token(wrong, "token")
