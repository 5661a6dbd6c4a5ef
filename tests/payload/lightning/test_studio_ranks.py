"""Every rank is heard, also one that hangs, and training does not notice."""

from __future__ import annotations

import json
import pickle
import time
import types
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.lightning import studio_ranks
from studio_tui.payload.lightning.studio_ranks import Beat, Pulse


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


TRAINER = types.SimpleNamespace(global_rank=1, world_size=4, global_step=9, sanity_checking=False)


def test_a_pulse_tells_the_times_of_steps() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    assert pulse.row() == {
        "step": 0, "phase": "other", "since": 0.0, "step_time": None, "own_time": None,
    }  # fmt: skip
    for seconds in (1.0, 2.0):
        for phase in ("data", "forward", "backward", "update"):
            pulse.enter(phase)
            clock.now += seconds
    pulse.step = 2
    pulse.enter("data")
    clock.now += 7
    assert pulse.row() == {
        "step": 2, "phase": "data", "since": 7.0, "step_time": 4.4, "own_time": 2.2,
    }  # fmt: skip
    pulse.enter("other")
    clock.now += 1000
    pulse.enter("data")
    assert pulse.row()["step_time"] == 4.4  # a validation is no step


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_rank_that_hangs_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_ranks, "EVERY", 0.01)
    beat = Beat("lightning.pytorch", str(tmp_path / "metrics"))
    beat.on_train_start(TRAINER, None)
    beat.on_train_epoch_start(TRAINER, None)
    beat.on_train_batch_end(TRAINER, None, None, None, 0)
    beat.on_train_batch_start(TRAINER, None, None, 1)
    while not [row for row in rows(tmp_path / "metrics") if row["phase"] == "forward"]:
        time.sleep(0.01)
    last = rows(tmp_path / "metrics")[-1]
    assert {key: last[key] for key in ("event", "rank", "world", "step")} == {
        "event": "beat", "rank": 1, "world": 4, "step": 9,
    }  # fmt: skip
    beat.teardown(TRAINER, None, "fit")


def test_a_fault_is_nobodys_concern(tmp_path: Path) -> None:
    beat = Beat("lightning.pytorch", str(tmp_path / "no" / "metrics"))
    beat.on_train_start(object(), None)
    beat.on_train_start(TRAINER, None)
    beat.on_train_batch_end(object())
    beat.stop()


@pytest.mark.parametrize("library", ["lightning.pytorch", "pytorch_lightning"])
def test_it_is_a_callback_that_goes_to_other_processes(library: str, tmp_path: Path) -> None:
    callbacks = pytest.importorskip(f"{library}.callbacks")
    beat = pickle.loads(pickle.dumps(studio_ranks._beat(library, str(tmp_path / "metrics"))))
    assert isinstance(beat, callbacks.Callback)


def test_outside_of_a_job_there_is_no_guest() -> None:
    assert studio_ranks.for_lightning() == studio_ranks.for_pytorch_lightning() == []
