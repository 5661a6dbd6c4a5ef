"""What is said to whoever has left the app."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui import app
from studio_tui.cli.visit import farewell, visit
from studio_tui.client.studio import Studio
from studio_tui.settings import studios

if TYPE_CHECKING:
    from .conftest import Hosted


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell finds the program."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.usefixtures("program")
def test_a_studio_of_ones_own_goes_on_until_it_is_stopped(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert farewell(hosted.id).splitlines() == [
        f"{hosted.id} goes on; come back: studio-tui attach {hosted.id}",
        f"end it, jobs go on: studio-tui stop {hosted.id}",
    ]
    monkeypatch.setattr(studios, "alive", lambda record: False)
    folder = studios.find(hosted.id).dir
    assert farewell(hosted.id) == (
        f"{hosted.id} is stopped; start it again: studio-tui open {folder}"
    )


@pytest.mark.usefixtures("program", "studio_home")
def test_a_studio_of_others_is_not_ours_to_stop() -> None:
    assert farewell("calm-otter") == "calm-otter goes on; come back: studio-tui attach calm-otter"


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.usefixtures("program", "studio_home")
def test_only_who_was_there_is_told(
    code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def nowhere() -> Any:
        raise AssertionError

    def run(studio: Studio, *, offer: str | None = None) -> int:
        assert (studio.id, offer) == ("calm-otter", "train.py")
        return code

    monkeypatch.setattr(app, "run", run)
    assert visit(Studio("calm-otter", nowhere), offer="train.py") == code
    assert bool(capsys.readouterr().err) == (code == 0)
