"""The folders of this user."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from studio_tui.settings import paths

FOLDERS = [
    paths.config_folder,
    paths.state_folder,
    paths.runtime_folder,
    paths.cache_folder,
    paths.log_folder,
    paths.studios_folder,
    paths.machine_root,
]


def test_studio_home_moves_every_folder_and_closes_it(studio_home: Path) -> None:
    found = [folder() for folder in FOLDERS]
    assert len(set(found)) == len(FOLDERS)
    for folder in found:
        assert folder.is_relative_to(studio_home)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_config_files_are_where_the_manual_says(studio_home: Path) -> None:
    assert paths.config_file() == studio_home / "config" / "config.toml"
    assert paths.machines_file() == studio_home / "config" / "machines.toml"


def test_a_studio_has_a_folder_of_its_own(studio_home: Path) -> None:
    folder = paths.studio_folder("calm-otter")
    assert folder == studio_home / "state" / "studios" / "calm-otter"
    assert folder.is_dir()


def test_a_relative_studio_home_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", "here")
    monkeypatch.chdir(tmp_path)
    assert paths.home() == tmp_path / "here"


def test_without_studio_home_the_platform_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDIO_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert paths.home() is None
    for folder in (paths.config_folder(), paths.state_folder()):
        assert folder.is_relative_to(tmp_path)
        assert "studio-tui" in folder.parts
