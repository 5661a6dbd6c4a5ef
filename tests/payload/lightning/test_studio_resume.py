"""Notes a run's checkpoints and goes on from the last, without being noticed."""

from __future__ import annotations

import pickle
import types
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.lightning import studio_resume
from studio_tui.payload.lightning.studio_resume import (
    FabricKeeper,
    Keeper,
    checkpoint_to_resume,
    note_checkpoint,
)


class Connector:
    """What of Lightning's checkpoint connector is used."""

    def __init__(self) -> None:
        self.started: list[Any] = []

    def resume_start(self, checkpoint_path: Any = None, weights_only: Any = None) -> None:
        self.started.append((checkpoint_path, weights_only))


class Trainer:
    """What of a Trainer is looked at; its checkpoints are empty files."""

    is_global_zero = True

    def __init__(self) -> None:
        self._checkpoint_connector = Connector()

    def save_checkpoint(self, filepath: Any, weights_only: Any = None) -> None:
        Path(filepath).touch()


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of checkpoints of a job, in whose folder the test runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Keeper, "resumed", False)
    monkeypatch.setenv("STUDIO_CHECKPOINTS", str(tmp_path / "listed"))
    return tmp_path / "listed"


def test_every_whole_checkpoint_is_noted(listed: Path, tmp_path: Path) -> None:
    trainer = Trainer()
    for _ in range(2):  # one fit after the other
        Keeper("lightning.pytorch").setup(trainer, None, "fit")
    trainer.save_checkpoint("a.ckpt")
    trainer.save_checkpoint(tmp_path / "é b.ckpt")
    trainer.save_checkpoint("weights.ckpt", True)
    trainer.save_checkpoint(".lr_find_1.ckpt")
    trainer.is_global_zero = False
    trainer.save_checkpoint("c.ckpt")
    assert listed.read_text().splitlines() == [f"{tmp_path}/a.ckpt", f"{tmp_path}/é b.ckpt"]


def test_fabrics_checkpoints_are_noted(listed: Path, tmp_path: Path) -> None:
    fabric = types.SimpleNamespace(is_global_zero=True, save=lambda path, state: path.touch())
    for _ in range(2):
        FabricKeeper().on_after_setup(fabric, None)
    fabric.save(tmp_path / "a.ckpt", {})
    assert listed.read_text() == f"{tmp_path}/a.ckpt\n"


def test_the_first_fit_alone_is_resumed(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tmp_path / "last.ckpt"
    last.touch()
    monkeypatch.setenv("STUDIO_RESUME", str(last))
    trainer, keeper = Trainer(), Keeper("lightning.pytorch")
    keeper.setup(trainer, None, "validate")
    trainer._checkpoint_connector.resume_start("best.ckpt")
    for _ in range(2):
        keeper.setup(trainer, None, "fit")
        trainer._checkpoint_connector.resume_start("pretrained.ckpt", weights_only=True)
    assert trainer._checkpoint_connector.started == [
        ("best.ckpt", None),
        (str(last), False),
        ("pretrained.ckpt", True),
    ]


def test_a_checkpoint_that_is_gone_is_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_RESUME", "/no/such.ckpt")
    assert checkpoint_to_resume() is None


def test_what_goes_wrong_is_said_and_training_goes_on(
    listed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a.ckpt").touch()
    listed.mkdir()
    note_checkpoint("a.ckpt")
    assert "studio: note_checkpoint: IsADirectoryError" in capsys.readouterr().err
    monkeypatch.setenv("STUDIO_RESUME", str(tmp_path / "a.ckpt"))
    Keeper("lightning.pytorch").setup(types.SimpleNamespace(), None, "fit")
    assert "studio: setup: AttributeError" in capsys.readouterr().err


def test_outside_of_a_job_there_is_no_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_CHECKPOINTS", raising=False)
    assert studio_resume.for_lightning() == []
    assert studio_resume.for_pytorch_lightning() == []
    assert studio_resume.for_fabric() == []


@pytest.mark.parametrize("library", ["lightning.pytorch", "pytorch_lightning"])
def test_it_is_a_callback_that_goes_to_other_processes(library: str) -> None:
    callbacks = pytest.importorskip(f"{library}.callbacks")
    keeper = studio_resume._keeper(library)
    assert isinstance(keeper, callbacks.Callback)
    assert isinstance(pickle.loads(pickle.dumps(keeper)), callbacks.Callback)
