"""What several commands take."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay_server.cli.given import seconds, state_dir
from relay_server.errors import BadSetting


def test_durations() -> None:
    assert [seconds(text) for text in ("90s", "30m", "8h", "1.5d", "1w")] == [
        90,
        1800,
        28800,
        129600,
        604800,
    ]
    for text in ("", "8", "h", "-1h", "8 h", "8y"):
        with pytest.raises(BadSetting):
            seconds(text)


def test_the_state_folder_follows_studio_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    assert state_dir() == tmp_path / "state" / "relay"
    monkeypatch.delenv("STUDIO_HOME")
    assert state_dir().parts[-2:] == ("studio-tui", "relay")
