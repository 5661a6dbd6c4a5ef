"""The guest in a training: writes what is new, never waits, and fails without being noticed."""

from __future__ import annotations

import json
import logging
import math
import pickle
import types
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.lightning import studio_probe
from studio_tui.payload.lightning.studio_probe import (
    BARREN,
    SHORTEST,
    FabricProbe,
    Probe,
    Sheet,
    number,
    plain,
    untangled,
)


class Clock:
    """Time that passes when it is told to, and a little at every look."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now = 100.0
        self.cost = cost

    def __call__(self) -> float:
        self.now += self.cost
        return self.now


class Trainer:
    """What of a Trainer the probe looks at."""

    is_global_zero = True
    sanity_checking = False
    precision = "32-true"
    num_devices = num_nodes = world_size = 1
    strategy = accelerator = object()
    max_steps, max_epochs = 10, 2
    global_step = current_epoch = 0

    def __init__(self) -> None:
        self.optimizers = [types.SimpleNamespace(param_groups=[{"lr": 0.5}])]
        self.callback_metrics: dict[str, Any] = {}
        self._logger_connector = types.SimpleNamespace(_callback_metrics=self.callback_metrics)

    def log(self, **values: Any) -> None:
        self.callback_metrics.update(values)


class Value:
    """A logged tensor: each is a new object, whatever it holds."""

    is_cuda = False

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value


class Scene:
    """A probe, its trainer, its clock, and the rows it wrote."""

    def __init__(self, folder: Path, cost: float = 0.0) -> None:
        self.path = folder / "metrics"
        self.clock = Clock(cost)
        self.trainer = Trainer()
        self.probe = Probe("lightning.pytorch", Sheet(str(self.path), lambda: 7.0), self.clock)
        self.probe.setup(self.trainer, None, "fit")

    def step(self, seconds: float = 0.01, **values: float) -> None:
        self.clock.now += seconds
        self.trainer.global_step += 1
        self.trainer.log(**{name: Value(value) for name, value in values.items()})
        self.probe.on_train_batch_end(self.trainer, None, None, None, 0)

    def rows(self, event: str = "") -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        rows = [json.loads(line) for line in self.path.read_text().splitlines() if line]
        return [row for row in rows if event in ("", row["event"])]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize("registry", studio_probe.REGISTRIES)
def test_lightning_names_the_callbacks_of_others_only(
    registry: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger(registry)
    with caplog.at_level(logging.INFO, registry):
        for name in ("studio", "studio_hold", "studio_ranks", "theirs", "studio_of_theirs"):
            log.info(f"Adding 1 callbacks from entry point '{name}': Name")
        log.info("something else")
    assert [record.getMessage().split("'")[1::2] for record in caplog.records] == [
        ["theirs"], ["studio_of_theirs"], [],
    ]  # fmt: skip


def test_it_begins_with_what_the_run_is_made_of(scene: Scene) -> None:
    assert scene.rows() == [
        {
            "t": 7.0,
            "event": "start",
            "step": 0,
            "epoch": 0,
            "stage": "fit",
            "precision": "32-true",
            "devices": 1,
            "nodes": 1,
            "world": 1,
            "strategy": "object",
            "accelerator": "object",
            "max_steps": 10,
            "max_epochs": 2,
        }
    ]


def test_a_few_rows_a_second_and_always_the_last_step(scene: Scene) -> None:
    for index in range(1, 101):
        scene.step(0.01, loss=float(index))
    scene.probe.on_train_end(scene.trainer, None)
    steps = scene.rows("step")
    assert [row["step"] for row in steps] == [1, 21, 41, 61, 81, 100]
    assert [row["values"]["loss"] for row in steps] == [1.0, 21.0, 41.0, 61.0, 81.0, 100.0]
    last = steps[-1]["values"]
    assert 0.001 < last.pop("peak_memory_gib") < 64
    assert last == {"loss": 100.0, "lr": 0.5, "steps_per_second": 100.0}


def test_a_row_that_costs_much_comes_seldom(tmp_path: Path) -> None:
    scene = Scene(tmp_path, cost=0.1)  # every look at the clock takes that long
    for _ in range(400):
        scene.step(0.01, loss=1.0)
    spent = scene.clock.now - 100.0
    assert len(scene.rows("step")) <= 1 + spent * studio_probe.SHARE / 0.1


def test_what_was_written_is_not_written_again(scene: Scene) -> None:
    scene.step(1, loss=1.0)
    scene.trainer.log(val_loss=Value(5.0))
    scene.probe.on_validation_end(scene.trainer, None)
    scene.step(1, loss=2.0)
    assert scene.rows("validation")[0]["values"] == {"val_loss": 5.0}
    assert set(scene.rows("step")[1]["values"]) == {
        "loss", "lr", "steps_per_second", "peak_memory_gib",
    }  # fmt: skip


def test_a_sanity_check_is_no_validation(scene: Scene) -> None:
    scene.trainer.sanity_checking = True
    scene.trainer.log(val_loss=Value(5.0))
    scene.probe.on_validation_start(scene.trainer, None)
    scene.probe.on_validation_end(scene.trainer, None)
    assert scene.rows("validation") == scene.rows("step") == []


def test_the_step_before_a_validation_is_written(scene: Scene) -> None:
    scene.step(1, loss=1.0)
    scene.step(0.01, loss=2.0)
    scene.probe.on_validation_start(scene.trainer, None)
    assert [row["values"]["loss"] for row in scene.rows("step")] == [1.0, 2.0]


def test_an_exception_is_told_after_the_last_step(scene: Scene) -> None:
    scene.step(1, loss=1.0)
    scene.step(0.01, loss=2.0)
    scene.probe.on_exception(scene.trainer, None, ValueError("x" * 1000))
    assert [row["event"] for row in scene.rows()] == ["start", "step", "step", "exception"]
    assert scene.rows()[-1]["error"].startswith("ValueError: xxx")
    assert len(scene.rows()[-1]["error"]) == 500


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.path.unlink()
    scene.trainer.is_global_zero = False
    scene.probe._sheet = Sheet(str(scene.path))
    scene.probe.setup(scene.trainer, None, "fit")
    scene.step(1, loss=1.0)
    for hook in ("on_train_epoch_start", "on_validation_start", "on_validation_end"):
        getattr(scene.probe, hook)(scene.trainer, None)
    scene.probe.on_train_end(scene.trainer, None)
    scene.probe.on_exception(scene.trainer, None, ValueError())
    scene.probe.teardown(scene.trainer, None, "fit")
    assert scene.rows() == []


def test_it_never_asks_lightning_to_compute_outside_a_batch(scene: Scene) -> None:
    scene.step(1, loss=1.0)
    del scene.trainer.callback_metrics  # a reduction over ranks that are not here would hang
    scene.trainer._logger_connector._callback_metrics["late"] = Value(3.0)
    scene.probe.on_train_epoch_start(scene.trainer, None)
    scene.probe.on_train_end(scene.trainer, None)
    assert scene.probe.failures == 0
    assert scene.rows("step")[-1]["values"]["late"] == 3.0


def test_a_failure_of_its_own_is_not_the_trainings(scene: Scene) -> None:
    del scene.trainer.optimizers
    for _ in range(BARREN + 5):
        scene.step(1, loss=1.0)
    assert scene.probe.dead
    assert scene.rows("step") == []


def test_a_stop_of_the_person_passes_through(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scene.probe, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scene.step(1, loss=1.0)


class Gpu:
    """torch, with a GPU whose copies are done when the test says so."""

    def __init__(self) -> None:
        self.done = False
        self.waits = 0
        self.cuda = types.SimpleNamespace(Event=lambda: self, current_stream=lambda device: None)
        self.float32 = None

    def stack(self, values: list[Any]) -> Any:
        return types.SimpleNamespace(values=[v.value for v in values], device=0)

    def empty(self, count: int, **_: Any) -> Any:
        host = types.SimpleNamespace(values=[])
        host.copy_ = lambda other, non_blocking: host.values.extend(other.values)
        host.tolist = lambda: host.values
        return host

    def record(self, stream: Any) -> None: ...

    def query(self) -> bool:
        return self.done

    def synchronize(self) -> None:
        self.waits += 1


class GpuValue(Value):
    """A tensor on a GPU: to read it would wait for all that was queued."""

    is_cuda = True

    def __float__(self) -> float:
        raise AssertionError("the training waits for its GPU")

    def detach(self) -> GpuValue:
        return self

    def reshape(self, shape: tuple[int, ...]) -> GpuValue:
        return self

    def float(self) -> GpuValue:
        return self


def test_a_gpu_is_never_waited_for_in_a_step(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu()
    monkeypatch.setattr(studio_probe.importlib, "import_module", lambda name: gpu)
    scene.trainer.log(loss=GpuValue(3.0), on_host=Value(4.0))
    scene.step(1)
    scene.step(1)
    assert scene.rows("step") == []
    gpu.done = True
    scene.step(0.001)
    row = scene.rows("step")[0]
    assert (row["step"], row["values"]["loss"], row["values"]["on_host"]) == (1, 3.0, 4.0)
    assert gpu.waits == 0
    scene.trainer.log(loss=GpuValue(5.0))
    scene.probe.on_train_end(scene.trainer, None)
    assert scene.rows("step")[-1]["values"]["loss"] == 5.0
    assert gpu.waits == 1  # the training is over


def test_one_name_for_one_value() -> None:
    one, two, three = Value(1), Value(2), Value(3)
    forked = {"loss": one, "loss_step": one, "per_step": three}
    assert untangled(forked, training=True) == {"loss": one, "per_step": three}
    epoch = {"loss": two, "loss_epoch": two, "loss_step": one}
    assert untangled(epoch, training=True) == {"loss_epoch": two, "loss": one}
    assert untangled(epoch, training=False) == {"loss": two, "loss_step": one}


def test_numbers_that_json_has_none_for() -> None:
    assert [number(v) for v in (1.5, math.nan, math.inf, -math.inf)] == [1.5, "nan", "inf", "-inf"]
    assert plain({"a": Value(1.0), "b": "text", "c": None, "d": 2}) == {"a": 1.0, "d": 2.0}


def test_a_full_disk_costs_rows_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = Sheet(str(tmp_path / "metrics"), lambda: 0.0)
    sheet.write("step", {"step": 1})
    written = studio_probe.os.write
    monkeypatch.setattr(studio_probe.os, "write", lambda file, data: written(file, data[:5]))
    sheet.write("step", {"step": 2})
    monkeypatch.setattr(studio_probe.os, "write", written)
    sheet.write("step", {"step": 3})
    lines = (tmp_path / "metrics").read_text().splitlines()
    assert [json.loads(lines[i])["step"] for i in (0, 2)] == [1, 3]


def test_a_file_that_cannot_be_written_is_given_up(tmp_path: Path) -> None:
    sheet = Sheet(str(tmp_path / "no" / "folder"))
    for _ in range(BARREN + 1):
        sheet.write("step", {})
    (tmp_path / "no").mkdir()
    sheet.write("step", {})
    assert not (tmp_path / "no" / "folder").exists()


def test_without_a_file_there_is_no_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_METRICS", raising=False)
    assert studio_probe.for_lightning() == []
    assert studio_probe.for_pytorch_lightning() == []
    assert studio_probe.for_fabric() == []


def test_fabrics_last_value_is_never_lost(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "metrics"
    probe = FabricProbe(Sheet(str(path)), clock)
    for step in range(10):
        clock.now += SHORTEST / 3.9
        probe.log_metrics({"loss": step, "once": 1} if step == 0 else {"loss": step}, step)
    probe.flush()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["step"], row["values"]["loss"]) for row in rows] == [
        (0, 0),
        (4, 4),
        (8, 8),
        (9, 9),
    ]
    assert rows[0]["values"]["once"] == 1
    probe.flush()
    assert len(path.read_text().splitlines()) == len(rows)


@pytest.mark.timeout(60)
def test_a_spawned_process_gets_a_probe_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks = pytest.importorskip("lightning.pytorch.callbacks")
    monkeypatch.setenv("STUDIO_METRICS", str(tmp_path / "metrics"))
    (probe,) = studio_probe.for_lightning()
    assert isinstance(probe, callbacks.Callback)
    again = pickle.loads(pickle.dumps(probe))
    assert isinstance(again, Probe)
    assert isinstance(again, callbacks.Callback)
    assert again._sheet.path == str(tmp_path / "metrics")
