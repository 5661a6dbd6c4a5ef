"""A run whose bar nobody can see says now and then how far it is, and fails for nothing of that."""

from __future__ import annotations

import io
import json
import pickle
import types
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.lightning import studio_lines
from studio_tui.payload.lightning.studio_lines import Lines, duration, line, total_steps, unseen

AUTOMATIC = types.SimpleNamespace(automatic_optimization=True)


def a_bar(*, terminal: bool = False, enabled: bool = True) -> Any:
    """A rich bar as Lightning has it."""
    console = types.SimpleNamespace(is_terminal=terminal, is_dumb_terminal=False)
    progress = types.SimpleNamespace(console=console)
    return types.SimpleNamespace(progress=progress, is_enabled=enabled)


class Trainer:
    """What of a Trainer the lines are made of."""

    is_global_zero = True
    max_steps, max_epochs = -1, 20
    global_step, current_epoch = 0, 0
    num_training_batches: float = 200
    accumulate_grad_batches = 2

    def __init__(self, bar: Any) -> None:
        self.progress_bar_callback = bar
        self.progress_bar_metrics: dict[str, Any] = {"loss": 0.01234}


def ran(trainer: Any, steps: int, seconds: float) -> None:
    """Batches of a run, so many seconds each, a step with each."""
    now = [0.0]
    lines = Lines("lightning.pytorch", lambda: now[0])
    lines.on_train_start(trainer, AUTOMATIC)
    for step in range(1, steps + 1):
        now[0] += seconds
        trainer.global_step, trainer.current_epoch = step, step // 100
        lines.on_train_batch_end(trainer, AUTOMATIC, None, None, step)


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    ran(Trainer(a_bar()), 640, 0.03125)
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "epoch 7/20  step 640/2000  loss 0.0123  32 steps/s  eta 42 s"
    assert len(said) == 4


def test_a_long_run_says_less(capsys: pytest.CaptureFixture[str]) -> None:
    ran(Trainer(a_bar()), 24 * 360, 10.0)
    said = capsys.readouterr().out.splitlines()
    assert 24 * 60 <= len(said) < 24 * 120


@pytest.mark.parametrize("bar", [None, a_bar(terminal=True), a_bar(enabled=False), object()])
def test_where_it_can_be_seen_or_is_not_wanted(
    bar: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not unseen(bar)
    ran(Trainer(bar), 100, 1.0)
    assert capsys.readouterr().out == ""


def test_the_bar_that_lightning_has() -> None:
    callbacks = pytest.importorskip("lightning.pytorch.callbacks")
    rich = pytest.importorskip("rich.progress")
    console = pytest.importorskip("rich.console").Console
    bar = callbacks.RichProgressBar()
    assert not unseen(bar)  # it has not begun
    bar.progress = rich.Progress(console=console(file=io.StringIO(), force_terminal=False))
    assert unseen(bar)
    bar.progress = rich.Progress(console=console(file=io.StringIO(), force_terminal=True))
    assert unseen(bar) == bar.progress.console.is_dumb_terminal
    bar.disable()
    assert not unseen(bar)
    assert not unseen(callbacks.TQDMProgressBar())


def test_other_ranks_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Trainer(a_bar())
    trainer.is_global_zero = False
    ran(trainer, 100, 1.0)
    assert capsys.readouterr().out == ""


def test_a_fault_is_not_the_trainings(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Trainer(a_bar())
    trainer.progress_bar_metrics = {"loss": "no number"}
    ran(trainer, 100, 1.0)
    assert capsys.readouterr().out == ""


def test_a_run_without_an_end() -> None:
    trainer = Trainer(a_bar())
    trainer.max_epochs, trainer.global_step = -1, 7
    assert total_steps(trainer, AUTOMATIC) is None
    assert line(trainer, None, 0.25) == "epoch 1  step 7  loss 0.0123  0.25 steps/s"


def test_the_end_that_comes_first() -> None:
    trainer = Trainer(a_bar())
    assert total_steps(trainer, AUTOMATIC) == 2000
    trainer.max_steps = 500
    assert total_steps(trainer, AUTOMATIC) == 500
    manual = types.SimpleNamespace(automatic_optimization=False)
    trainer.max_steps, trainer.num_training_batches = -1, float("inf")
    assert total_steps(trainer, AUTOMATIC) is None
    trainer.num_training_batches = 200
    assert total_steps(trainer, manual) is None  # its optimizers may each take a step


def test_durations() -> None:
    assert [duration(x) for x in (12.4, 754, 11100)] == ["12 s", "12 min", "3 h 05"]


@pytest.mark.parametrize("library", ["lightning.pytorch", "pytorch_lightning"])
def test_a_copy_begins_anew(library: str) -> None:
    pytest.importorskip(library)
    lines = pickle.loads(pickle.dumps(studio_lines._lines(library)))
    assert isinstance(lines, Lines)


@pytest.fixture(autouse=True)
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_METRICS", str(tmp_path / "metrics"))
    return tmp_path / "metrics"


def test_the_end_is_told_once(sheet: Path) -> None:
    ran(Trainer(None), 20, 1.0)
    (row,) = map(json.loads, sheet.read_text().splitlines())
    assert (row["event"], row["steps"]) == ("total", 2000)


def test_a_file_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STUDIO_METRICS", str(tmp_path / "no" / "metrics"))
    ran(Trainer(a_bar()), 20, 1.0)
    assert capsys.readouterr().out == ""


def test_only_in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_METRICS")
    assert studio_lines.for_lightning() == studio_lines.for_pytorch_lightning() == []
