from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from studio_tui.data import staging
from studio_tui.data.copying import fetch, send
from studio_tui.data.local import LocalOrigin, LocalTarget
from studio_tui.data.snowflake import Snowflake
from studio_tui.data.source import Going, Stopped
from studio_tui.errors import StudioError
from studio_tui.settings import paths


def begun(source: Snowflake, path: str, folder: Path, data: bytes = b"x") -> None:
    (folder / "origin").write_bytes(data)
    origin = LocalOrigin(folder / "origin")
    send(source, path, origin, Going())
    origin.close()


def test_a_copy_is_called_off_while_the_connector_waits(
    snowflake: Snowflake, tmp_path: Path
) -> None:
    path = "LAB/RAW/@FILES/slow.bin"
    begun(snowflake, path, tmp_path)
    going = Going()
    going.on_progress = lambda: setattr(going, "stop", True)
    with pytest.raises(Stopped):
        fetch(snowflake, snowflake.stat(path), LocalTarget(tmp_path / "x"), going)
    assert "out of the stage" in going.text
    assert list(paths.cache_folder().iterdir()) == []
    assert [file.name for file in tmp_path.iterdir()] == ["origin"]


def test_an_upload_is_counted_and_its_courier_is_sent_again(
    snowflake: Snowflake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    courier = staging.Courier
    monkeypatch.setattr(staging, "Courier", lambda given: made.append(1) or courier(given))
    monkeypatch.setattr(staging, "PIECE", 4)
    going = Going()
    (tmp_path / "origin").write_bytes(b"0123456789")
    origin = LocalOrigin(tmp_path / "origin")
    send(snowflake, "LAB/RAW/@FILES/a", origin, going, force=True)
    send(snowflake, "LAB/RAW/@FILES/b", origin, Going(), force=True)
    origin.close()
    assert (going.done, len(made)) == (10, 1)


class Full(NamedTuple):
    free: int = 19


def test_a_disk_that_is_full_is_said_beforehand(
    snowflake: Snowflake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.data.staging.shutil.disk_usage", lambda path: Full())
    with pytest.raises(StudioError, match="are free"):
        begun(snowflake, "LAB/RAW/@FILES/full", tmp_path, b"0123456789")
