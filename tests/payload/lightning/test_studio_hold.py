"""A run is held when the studio asks, and goes on or ends as it says."""

from __future__ import annotations

import os
import pickle
import threading
import types
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.lightning import studio_hold
from studio_tui.payload.lightning.studio_hold import EXPIRES, Desk, Ended, FabricHold, Hold


class Trainer:
    """What of a Trainer is looked at; a checkpoint is a file with the step in it."""

    def __init__(self, rank: int = 0, world: int = 1, nodes: int = 1) -> None:
        self.is_global_zero = rank == 0
        self.world_size = world
        self.num_nodes = nodes
        self.global_step = 0
        self.callbacks: list[Any] = []

    def save_checkpoint(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text(str(self.global_step))


def step(hold: Hold, trainer: Trainer) -> None:
    trainer.global_step += 1
    hold.on_train_batch_end(trainer, None)


def started(folder: Path, trainer: Trainer) -> Hold:
    hold = Hold("lightning.pytorch", str(folder))
    hold.on_train_start(trainer, None)
    return hold


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_hold, "NAP", 0.001)


def held(folder: Path) -> str:
    """What a run says that waits, as soon as it does."""
    while not (folder / "held").exists():
        pass
    return (folder / "held").read_text()


def test_it_waits_at_a_checkpoint_and_trains_on(tmp_path: Path) -> None:
    settled: list[Any] = []
    trainer = Trainer()
    trainer.callbacks = [types.SimpleNamespace(studio_settle=settled.append), object()]
    hold = started(tmp_path, trainer)
    assert (tmp_path / "holds").read_text() == "trainer\n"
    step(hold, trainer)
    for number in (2, 3):
        (tmp_path / "hold").touch()
        training = threading.Thread(target=step, args=(hold, trainer))
        training.start()
        assert held(tmp_path) == f"{number} {tmp_path}/parcel/step-{number}.ckpt\n"
        (tmp_path / "hold").unlink()
        training.join()
        assert not (tmp_path / "held").exists()
    assert settled == [trainer, trainer]
    assert os.listdir(tmp_path / "parcel") == ["step-3.ckpt"]
    hold.teardown(trainer, None, "fit")
    assert os.listdir(tmp_path) == ["parcel"]


def test_between_two_optimizer_steps_nothing_is_saved(tmp_path: Path) -> None:
    trainer = Trainer()
    hold = started(tmp_path, trainer)
    (tmp_path / "hold").touch()
    hold.on_train_batch_end(trainer, None)
    assert not (tmp_path / "held").exists()


def test_a_job_that_is_stopped_ends_where_it_stands(tmp_path: Path) -> None:
    trainer = Trainer()
    hold = started(tmp_path, trainer)
    for name in ("hold", "stop"):
        (tmp_path / name).touch()
    with pytest.raises(Ended) as ended:
        step(hold, trainer)
    assert ended.value.code == 143


def test_a_question_that_nobody_repeats_is_none(tmp_path: Path) -> None:
    (tmp_path / "hold").touch()
    now = (tmp_path / "hold").stat().st_mtime
    assert Desk(str(tmp_path), lambda: now + EXPIRES - 1).asked()
    late = Desk(str(tmp_path), lambda: now + EXPIRES + 1)
    assert not late.asked()
    late.wait(first=True)
    assert not (tmp_path / "hold").exists()


def test_a_checkpoint_that_cannot_be_saved_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = Trainer()
    hold = started(tmp_path, trainer)
    (tmp_path / "parcel").touch()  # where a folder is needed
    (tmp_path / "hold").touch()
    training = threading.Thread(target=step, args=(hold, trainer))
    training.start()
    assert held(tmp_path).startswith("- FileExistsError")
    (tmp_path / "hold").unlink()
    training.join()
    step(hold, trainer)


def test_ranks_are_held_at_one_step(tmp_path: Path) -> None:
    """The first sees the question, two steps before all stand."""
    first, second = Trainer(0, 2), Trainer(1, 2)
    ours, theirs = started(tmp_path, first), started(tmp_path, second)
    (tmp_path / "hold").touch()
    step(theirs, second)  # looked before the first did
    step(ours, first)
    assert (tmp_path / "hold.at").read_text() == "3\n"
    for hold, trainer in ((ours, first), (theirs, second)):
        step(hold, trainer)
    standing = [
        threading.Thread(target=step, args=pair) for pair in ((theirs, second), (ours, first))
    ]
    for thread in standing:
        thread.start()
    assert held(tmp_path).startswith("3 ")
    assert all(thread.is_alive() for thread in standing)
    (tmp_path / "hold").unlink()
    for thread in standing:
        thread.join()
    assert (first.global_step, second.global_step) == (3, 3)


def test_ranks_of_several_machines_are_not_held(tmp_path: Path) -> None:
    trainer = Trainer(0, 2, nodes=2)
    hold = started(tmp_path, trainer)
    (tmp_path / "hold").touch()
    for _ in range(4):
        step(hold, trainer)
    assert os.listdir(tmp_path) == ["hold"]


def test_fabric_is_held_when_it_has_saved(tmp_path: Path) -> None:
    strategy = types.SimpleNamespace(num_nodes=1)
    fabric = types.SimpleNamespace(
        is_global_zero=True, strategy=strategy, save=lambda path, state: path.touch()
    )
    hold = FabricHold(str(tmp_path))
    for _ in range(2):
        hold.on_after_setup(fabric, None)
    assert (tmp_path / "holds").read_text() == "fabric\n"
    fabric.save(tmp_path / "a.ckpt", {})
    (tmp_path / "hold").touch()
    codes: list[object] = []

    def save() -> None:
        try:
            fabric.save(tmp_path / "b.ckpt", {})
        except Ended as end:
            codes.append(end.code)

    saving = threading.Thread(target=save)
    saving.start()
    assert held(tmp_path) == f"2 {tmp_path}/b.ckpt\n"
    (tmp_path / "stop").touch()
    saving.join()
    assert codes == [143]


def test_what_goes_wrong_is_said_and_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Hold("lightning.pytorch", str(tmp_path)).on_train_start(types.SimpleNamespace(), None)
    assert "studio: on_train_start: AttributeError" in capsys.readouterr().err


def test_outside_of_a_job_there_is_no_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_JOB_DIR", raising=False)
    assert studio_hold.for_lightning() == []
    assert studio_hold.for_pytorch_lightning() == []
    assert studio_hold.for_fabric() == []


@pytest.mark.parametrize("library", ["lightning.pytorch", "pytorch_lightning"])
def test_it_is_a_callback_that_goes_to_other_processes(library: str) -> None:
    callbacks = pytest.importorskip(f"{library}.callbacks")
    hold = studio_hold._hold(library, "/nowhere")
    assert isinstance(pickle.loads(pickle.dumps(hold)), callbacks.Callback)
