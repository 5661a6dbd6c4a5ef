"""What a person can configure."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.errors import UsageFault
from studio_tui.settings.schema import KEYS, Settings, check, nearest


def test_every_key_is_accepted() -> None:
    table = {
        "relay": "wss://relay.example.org",
        "name": "ana",
        "theme": "nord",
        "leader": "ctrl+g",
        "keys": {"quit": "ctrl+q"},
    }
    assert set(table) == set(KEYS)
    settings = Settings(**check(table, "config.toml"))
    assert settings.leader == "ctrl+g"
    assert settings.keys["quit"] == "ctrl+q"


def test_an_unknown_key_names_the_file_and_the_nearest_key() -> None:
    with pytest.raises(UsageFault, match=r"config\.toml: unknown key 'leeder'") as caught:
        check({"leeder": "x"}, "config.toml")
    assert caught.value.hint == "did you mean 'leader'?"


def test_a_key_like_no_other_lists_them_all() -> None:
    assert nearest("zzz", ("name", "relay")) == "known keys: name, relay"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": 3}, "name must be text"),
        ({"theme": ""}, "theme must be text"),
        ({"keys": "ctrl+q"}, "keys must be a table"),
        ({"keys": {"quit": 1}}, "keys must be a table"),
        ({"relay": "https://relay.example.org"}, "relay must be a ws:// or wss:// URL"),
    ],
)
def test_a_wrong_value_says_what_is_wanted(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageFault, match=f"flag: {message}") as caught:
        check(table, "flag")
    assert caught.value.hint
