"""Settings from every source, the nearest to the user first."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from studio_tui.errors import UsageFault
from studio_tui.settings import paths
from studio_tui.settings.load import load, person_name
from studio_tui.settings.schema import Settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_without_any_source_the_defaults_hold(project: Path) -> None:
    loaded = load(env={}, folder=project)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}


def test_the_nearer_source_wins_and_is_remembered(project: Path) -> None:
    user_file, project_file = paths.config_file(), project / "studio.toml"
    user_file.write_text('name = "user"\ntheme = "user"\nleader = "user"\nkeys = {quit = "x"}\n')
    project_file.write_text('name = "project"\ntheme = "project"\nleader = "project"\n')
    loaded = load(
        {"name": "flag", "theme": None},
        env={"STUDIO_NAME": "env", "STUDIO_THEME": "env", "STUDIO_RELAY": "", "STUDIO_KEYS": "?"},
        folder=project,
    )
    assert loaded.settings == Settings(None, "flag", "env", "project", {"quit": "x"})
    assert loaded.origins == {
        "relay": "default",
        "name": "flag",
        "theme": "STUDIO_THEME",
        "leader": str(project_file),
        "keys": str(user_file),
    }


def test_variables_and_folder_of_this_process_are_used(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "studio.toml").write_text('theme = "nord"\n')
    monkeypatch.chdir(project)
    monkeypatch.setenv("STUDIO_NAME", "bob")
    settings = load().settings
    assert (settings.name, settings.theme) == ("bob", "nord")


@pytest.mark.parametrize("content", [b"name = ", b"\xff"])
def test_a_file_that_is_not_toml_is_named(project: Path, content: bytes) -> None:
    (project / "studio.toml").write_bytes(content)
    with pytest.raises(UsageFault, match=r"studio\.toml: not TOML"):
        load(env={}, folder=project)


def test_an_unknown_key_is_refused_with_its_file(project: Path) -> None:
    (project / "studio.toml").write_text("them = 1\n")
    with pytest.raises(UsageFault, match=r"studio\.toml: unknown key 'them'") as caught:
        load(env={}, folder=project)
    assert "theme" in caught.value.hint


def test_a_wrong_variable_is_refused_by_its_name(project: Path) -> None:
    with pytest.raises(UsageFault, match="STUDIO_RELAY: relay must be"):
        load(env={"STUDIO_RELAY": "relay.example.org"}, folder=project)


def test_a_person_is_called_as_configured_else_as_logged_in() -> None:
    assert person_name(Settings(name="ana")) == "ana"
    assert person_name(Settings()) == getpass.getuser()


def test_a_user_without_an_entry_has_a_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert person_name(Settings()) == f"user-{os.getuid()}"
