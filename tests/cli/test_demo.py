"""The demo: its project, and its story where there is no terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli import story
from studio_tui.cli.demo import prepared
from studio_tui.errors import NotFound
from studio_tui.settings import paths

if TYPE_CHECKING:
    from .conftest import Typed


def test_the_project_is_made_once_and_then_left_alone(tmp_path: Path) -> None:
    assert prepared(tmp_path / "demo") == tmp_path / "demo"
    script = tmp_path / "demo" / "train.py"
    script.write_text("mine")
    prepared(tmp_path / "demo")
    assert script.read_text() == "mine"


def test_the_project_is_in_the_cache_unless_told_otherwise() -> None:
    project = prepared(None)
    assert project.is_relative_to(paths.cache_folder())
    assert (project / "train.py").exists()


def test_without_a_terminal_the_story_is_told_and_its_end_is_the_exit_code(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Path, Path | None]] = []

    async def tell(project: Path, screenshot: Path | None) -> int:
        told.append((project, screenshot))
        return 7

    monkeypatch.setattr(story, "tell", tell)
    folder, picture = str(tmp_path / "demo"), str(tmp_path / "studio.svg")
    assert typed("demo", "--folder", folder, "--screenshot", picture).code == 7
    assert typed("demo", "--folder", folder, "--headless").code == 7
    assert told == [(tmp_path / "demo", tmp_path / "studio.svg"), (tmp_path / "demo", None)]


def test_a_story_that_breaks_is_an_error(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tell(project: Path, screenshot: Path | None) -> int:
        raise NotFound("the host was not there", "look for it")

    monkeypatch.setattr(story, "tell", tell)
    done = typed("demo", "--folder", str(tmp_path / "demo"))
    assert (done.code, done.error) == (3, "the host was not there")
