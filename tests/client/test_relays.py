"""This user's relays: the configured one, those with a token, those that answer."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from relay_server.serve import serve
from relay_server.settings import RelaySettings
from studio_tui.client import relays
from studio_tui.client.relays import Choice
from studio_tui.errors import UsageFault
from studio_tui.settings import paths, secrets

RELAY, OTHER = "wss://relay.example.org", "ws://box:8484"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(file: Path, relay: str) -> None:
    file.write_text(f'relay = "{relay}"\n')


def test_without_any_setting_there_is_none() -> None:
    assert relays.choose() == Choice(None, "default")
    assert relays.tokens() == {}


def test_the_choice_says_where_it_comes_from(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths.config_file(), "ws://user")
    assert relays.choose() == Choice("ws://user", str(paths.config_file()))
    assert not relays.choose().brought
    configure(project / "studio.toml", "ws://project")
    assert relays.choose() == Choice("ws://project", str(project / "studio.toml"))
    assert relays.choose().brought
    monkeypatch.setenv("STUDIO_RELAY", "ws://variable")
    assert relays.choose() == Choice("ws://variable", "STUDIO_RELAY")
    assert relays.choose("ws://flag") == Choice("ws://flag", "flag")


def test_a_flag_that_is_no_relay() -> None:
    with pytest.raises(UsageFault, match=r"flag: relay must be a ws://"):
        relays.choose("http://box")


def test_tokens_of_the_configured_relay_first_and_then_of_those_logged_in_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets.save_token(OTHER, "kept")
    secrets.save_token(RELAY, "old")
    monkeypatch.setenv("STUDIO_RELAY", RELAY + ":443/")
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "mine")
    assert list(relays.tokens().items()) == [(RELAY, "mine"), (OTHER, "kept")]


def test_a_folder_decides_for_nobody_who_is_sent_a_token(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(project / "studio.toml", RELAY)
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "mine")
    assert relays.tokens() == {}
    secrets.save_token(RELAY, "kept")
    assert relays.tokens() == {RELAY: "kept"}


def test_a_token_in_the_environment_goes_to_no_relay_that_is_not_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets.save_token(OTHER, "kept")
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "mine")
    assert relays.tokens() == {OTHER: "kept"}


def test_a_relay_that_this_user_was_invited_to_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets.save_token(OTHER, "kept")
    secrets.save_token(OTHER, "invited", "calm-otter")
    secrets.save_token(RELAY, "elsewhere", "bold-lynx")
    monkeypatch.setenv("STUDIO_RELAY", RELAY)
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "mine")
    found = list(relays.tokens("calm-otter").items())
    assert found == [(OTHER, "invited"), (RELAY, "mine")]
    assert relays.tokens("bold-lynx") == {RELAY: "elsewhere", OTHER: "kept"}
    assert relays.tokens() == {RELAY: "mine", OTHER: "kept"}


def test_a_relay_on_this_machine() -> None:
    assert relays.on_this_machine("ws://127.0.0.1:8484")
    assert relays.on_this_machine("ws://[::1]")
    assert not relays.on_this_machine(RELAY)


def test_a_relay_answers_when_something_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}"
        assert relays.answers(url)
    assert not relays.answers(url)
    assert not relays.answers("ws://no-such-host.invalid")


async def test_a_relay_speaks_and_what_only_listens_does_not() -> None:
    async with serve(RelaySettings(port=0)) as relay:
        assert await asyncio.to_thread(relays.speaks, relay.url)
    assert not relays.speaks(relay.url)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not relays.speaks(f"ws://127.0.0.1:{server.getsockname()[1]}", timeout=0.05)
