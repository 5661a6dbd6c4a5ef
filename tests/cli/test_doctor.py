"""The doctor: what works, what does not, and what to do."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli import doctor as module
from studio_tui.errors import StudioError
from studio_tui.settings import paths, secrets

if TYPE_CHECKING:
    from .conftest import Typed


def found(typed: Typed) -> dict[str, tuple[bool, str, str]]:
    """What the doctor found, by check."""
    done = typed("doctor", "--json")
    checks = {item["check"]: (item["ok"], item["found"], item["hint"]) for item in done.json}
    assert done.code == (0 if all(ok for ok, _, _ in checks.values()) else 1)
    return checks


def test_everything_is_looked_at(typed: Typed) -> None:
    checks = found(typed)
    names = [
        "python", "versions", "settings", "state", "disk", "keys", "relay", "clock", "screen",
        "terminals", "machines", "data", "training", "gpus", "driver",
    ]  # fmt: skip
    assert list(checks) == names
    for name in set(names) - {"training", "driver", "disk"}:
        assert checks[name][0], checks[name]
    assert checks["settings"][1] == str(paths.config_file())


def test_where_the_settings_come_from(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.config_file().write_text('theme = "nord"\n')
    monkeypatch.setenv("STUDIO_NAME", "ana")
    assert found(typed)["settings"][1] == (
        f"{paths.config_file()} (name from STUDIO_NAME, theme from {paths.config_file()})"
    )


def test_a_fault_in_the_settings_is_found_not_fallen_over(typed: Typed) -> None:
    paths.config_file().write_text('colour = "red"\n')
    ok, message, _ = found(typed)["settings"]
    assert not ok
    assert "unknown key 'colour'" in message


def test_the_relay(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = f"ws://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("STUDIO_RELAY", relay)
        assert found(typed)["relay"] == (
            False,
            f"no token for {relay}",
            f"studio-tui login {relay}",
        )
        secrets.save_token(relay, "token")
        assert found(typed)["relay"] == (True, f"{relay} from STUDIO_RELAY answers", "")
    assert found(typed)["relay"][1] == f"{relay} does not answer"


def test_a_machine_that_cannot_be_reached(typed: Typed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    entry = f'[machines.box]\nkind = "ssh"\nhost = "127.0.0.1"\nport = {port}\n'
    paths.machines_file().write_text(entry)
    ok, message, hint = found(typed)["machines"]
    assert not ok
    assert message.startswith("box: reached ")
    assert hint == "look closer: studio-tui machine check NAME"


def test_a_fault_in_data_toml(typed: Typed) -> None:
    paths.data_file().write_text("colour =")
    ok, message, _ = found(typed)["data"]
    assert not ok
    assert "not TOML" in message


def test_for_people(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise StudioError("it is broken\x1b[2J", "mend it")

    monkeypatch.setattr(module, "_CHECKS", {"one": lambda: "fine", "two": broken})
    done = typed("doctor")
    assert done.code == 1
    assert done.out == "✓ one: fine\n✗ two: it is broken\ufffd[2J\n    mend it\n"
