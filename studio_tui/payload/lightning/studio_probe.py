"""Tells the studio what a Lightning run logs, as JSON lines in $STUDIO_METRICS.

Lightning finds the functions at the end through entry points, so a script needs no change. The
rows, one JSON object a line, all with "t" (seconds since 1970), "event", "step" and "epoch":

    start       precision, devices, nodes, world, strategy, accelerator, max_steps, max_epochs
    step        values: {name: number, or "nan", "inf", "-inf"}; of a training step
    validation  values: of a whole validation (or test) run
    exception   error
    end         fit, validate, test or predict came to its end

With Trainer, values are all that `self.log` was given, the learning rates, steps per second and
peak_memory_gib: what rank 0 took at most so far, of its GPU or, without one, of the machine.
With Fabric, values are what `fabric.log` and `fabric.log_dict` were given after `fabric.setup`;
there is no end row, since Fabric has no end.

A guest in somebody's training: rank 0 only, a few rows a second, never more than 2 % of the time,
no wait for a GPU, and no failure of its own that training would notice.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import logging
import math
import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST = 0.2  # seconds between two rows of training steps
SHARE = 0.02  # of the training's time, at most
BARREN = 20  # failed writes in a row after which nothing is tried any more

REGISTRIES = ("lightning.fabric.utilities.registry", "lightning_fabric.utilities.registry")
"""The loggers by which Lightning says from which entry points it takes callbacks."""
OWN = ("studio", "studio_lines", "studio_ranks", "studio_resume", "studio_hold", "studio_leave")
"""The names of this distribution's entry points."""


def of_others(record: logging.LogRecord) -> bool:
    """Whether Lightning speaks of something else than this distribution's entry points."""
    said = record.getMessage()
    return not any(f"entry point '{name}'" in said for name in OWN)


# Four lines at the head of every log that whoever reads it did nothing for. Lightning loads this
# module before it says the first of them; only what is said by these very loggers is looked at.
for _registry in REGISTRIES:
    logging.getLogger(_registry).addFilter(of_others)


def harmless(method: Callable[..., Any]) -> Callable[..., Any]:
    """The one boundary of this guest: whatever goes wrong in it is not the training's concern."""

    @functools.wraps(method)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.dead:
            return
        try:
            method(self, *args, **kwargs)
        except Exception:
            self.failures += 1
            self.dead = self.failures >= BARREN

    return guarded


class Sheet:
    """A file to which whole lines are added; a full disk costs rows and nothing else."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._file: int | None = None
        self._torn = False
        self._barren = 0

    def write(self, event: str, row: dict[str, Any]) -> None:
        """Adds one row, in one write."""
        if self._barren >= BARREN:
            return
        line = json.dumps({"t": round(self._clock(), 3), "event": event, **row}, default=str)
        data = (("\n" if self._torn else "") + line + "\n").encode()
        try:
            if self._file is None:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
                self._file = os.open(self.path, flags, 0o600)
            self._torn = os.write(self._file, data) < len(data)
            self._barren = 0
        except OSError:
            self._torn = True
            self._barren += 1


def number(value: float) -> Any:
    """A number as JSON has it; what JSON has no number for, as text."""
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


class Transfer:
    """Values on their way from a GPU, without a wait for it.

    The copy is queued behind the kernels that make the values; the row is written when some
    later step finds it done.
    """

    def __init__(self, torch: Any, values: dict[str, Any], row: dict[str, Any]) -> None:
        self.row = row
        self._names = list(values)
        stacked = torch.stack([v.detach().reshape(()).float() for v in values.values()])
        self._host = torch.empty(len(values), dtype=torch.float32, pin_memory=True)
        self._host.copy_(stacked, non_blocking=True)
        self._done = torch.cuda.Event()
        self._done.record(torch.cuda.current_stream(stacked.device))

    def ready(self) -> bool:
        """Whether the values are here."""
        return bool(self._done.query())

    def values(self, *, wait: bool = False) -> dict[str, Any]:
        """The values; to be asked for once they are ready, or with a wait."""
        if wait:
            self._done.synchronize()
        return {self._names[i]: number(v) for i, v in enumerate(self._host.tolist())}


def on_gpu(value: Any) -> bool:
    """Whether reading this value would wait for a CUDA device."""
    return bool(getattr(value, "is_cuda", False))


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers out of tensors and whatever else was logged; what is no number is left out."""
    found = {}
    for name, value in values.items():
        try:
            found[str(name)] = number(float(value))
        except (TypeError, ValueError, RuntimeError):
            continue
    return found


class Probe:
    """What a Trainer is asked at each of its hooks; mixed into its own Callback class."""

    dead = False
    failures = 0

    def __init__(
        self, library: str, sheet: Sheet, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._library = library
        self._sheet = sheet
        self._clock = clock
        self._next = 0.0  # no step row before
        self._last: tuple[float, int] = (clock(), 0)  # of the last step row
        self._written = 0  # the step of the last step row
        self._seen: dict[str, Any] = {}  # the very objects that were written
        self._transfer: Transfer | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or one sent to a spawned process, begins anew with the same file."""
        return _probe, (self._library, self._sheet.path)

    @harmless
    def setup(self, trainer: Any, module: Any, stage: str) -> None:
        """Says what is about to run, and with what."""
        if trainer.is_global_zero:
            self._last = (self._clock(), trainer.global_step)
            self._written = trainer.global_step
            self._sheet.write("start", {**self._place(trainer), "stage": stage, **about(trainer)})

    @harmless
    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        """Writes what the epoch before came to."""
        if trainer.is_global_zero:
            self._leftovers(trainer)
            self._last = (self._clock(), trainer.global_step)

    @harmless
    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_index: int
    ) -> None:
        """Writes a step, when it is time for one."""
        now = self._clock()
        if self._transfer is not None and self._transfer.ready():
            self._deliver()
        if now < self._next or self._transfer is not None or not trainer.is_global_zero:
            return
        # Within a batch, callback_metrics only looks: no reduction over ranks, no computation.
        self._step(trainer, self._news(trainer.callback_metrics), now)
        self._next = now + max(SHORTEST, (self._clock() - now) / SHARE)

    @harmless
    def studio_settle(self, trainer: Any) -> None:
        """Writes the step that just ended, whether or not it is time: the run is held here."""
        if trainer.is_global_zero and self._written != trainer.global_step:
            self._deliver(wait=True)
            self._step(trainer, self._news(trainer.callback_metrics), self._clock())
            self._deliver(wait=True)

    @harmless
    def on_validation_start(self, trainer: Any, module: Any) -> None:
        """Writes the step that led to the validation."""
        if trainer.is_global_zero and not trainer.sanity_checking:
            self._leftovers(trainer)

    @harmless
    def on_validation_end(self, trainer: Any, module: Any) -> None:
        """Writes the results of a validation."""
        if trainer.is_global_zero and not trainer.sanity_checking:
            self._results(trainer)
        self._last = (self._clock(), trainer.global_step)

    @harmless
    def on_test_end(self, trainer: Any, module: Any) -> None:
        """Writes the results of a test."""
        if trainer.is_global_zero:
            self._results(trainer)

    @harmless
    def on_train_end(self, trainer: Any, module: Any) -> None:
        """Writes the last step and epoch."""
        if trainer.is_global_zero:
            self._leftovers(trainer)

    @harmless
    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        """Writes the last step, and what went wrong; the end of a held run is no fault."""
        if trainer.is_global_zero:
            try:
                self._leftovers(trainer)
            finally:
                if not getattr(exception, "of_the_studio", False):
                    error = f"{type(exception).__name__}: {exception}"[:500]
                    self._sheet.write("exception", {**self._place(trainer), "error": error})

    @harmless
    def teardown(self, trainer: Any, module: Any, stage: str) -> None:
        """Says that it is over."""
        if trainer.is_global_zero:
            self._sheet.write("end", {**self._place(trainer), "stage": stage})

    def _place(self, trainer: Any) -> dict[str, Any]:
        return {"step": int(trainer.global_step), "epoch": int(trainer.current_epoch)}

    def _news(self, metrics: dict[str, Any], *, training: bool = True) -> dict[str, Any]:
        """What is new since the last row: Lightning's dictionary keeps every name for ever."""
        news = {k: v for k, v in metrics.items() if self._seen.get(k) is not v}
        self._seen.update(news)
        return untangled(news, training=training)

    def _settled(self, trainer: Any, *, training: bool = True) -> dict[str, Any]:
        """What Lightning has computed already.

        Its public property may compute, and so wait for ranks that do not take part.
        """
        connector = getattr(trainer, "_logger_connector", None)
        metrics = dict(getattr(connector, "_callback_metrics", None) or {})
        return self._news(metrics, training=training)

    def _step(self, trainer: Any, values: dict[str, Any], now: float) -> None:
        row = self._place(trainer)
        since, step = self._last
        rates = learning_rates(trainer)
        if row["step"] > step and now > since:
            rates["steps_per_second"] = round((row["step"] - step) / (now - since), 3)
        self._last, self._written = (now, row["step"]), row["step"]
        rates.update(peak_memory())
        waiting = {k: v for k, v in values.items() if on_gpu(v)}
        row["values"] = {**plain({k: v for k, v in values.items() if k not in waiting}), **rates}
        if waiting:
            self._transfer = Transfer(importlib.import_module("torch"), waiting, row)
        else:
            self._sheet.write("step", row)

    def _deliver(self, *, wait: bool = False) -> None:
        transfer, self._transfer = self._transfer, None
        if transfer is not None:
            transfer.row["values"].update(transfer.values(wait=wait))
            self._sheet.write("step", transfer.row)

    def _leftovers(self, trainer: Any) -> None:
        """The last step, even when it was not its time, and what only the epoch's end computed."""
        self._deliver(wait=True)
        values = self._settled(trainer)
        if values or self._written != trainer.global_step:
            self._step(trainer, values, self._clock())
            self._deliver(wait=True)

    def _results(self, trainer: Any) -> None:
        self._deliver(wait=True)
        if values := plain(self._settled(trainer, training=False)):
            self._sheet.write("validation", {**self._place(trainer), "values": values})


def untangled(values: dict[str, Any], *, training: bool) -> dict[str, Any]:
    """One name for one value.

    What is logged per step and per epoch comes as x_step and x_epoch, and as x, which is the one
    that came last. In training x is the step's here, elsewhere the epoch's.
    """
    found = dict(values)
    for name, value in values.items():
        plain_name, _, fork = name.rpartition("_")
        if fork not in ("step", "epoch") or values.get(plain_name) is not value:
            continue
        if fork == "step" or not training:
            del found[name]
        else:
            del found[plain_name]
            if f"{plain_name}_step" in found:
                found[plain_name] = found.pop(f"{plain_name}_step")
    return found


def about(trainer: Any) -> dict[str, Any]:
    """What the run is made of, as the script and the environment settled it."""
    return {
        "precision": str(trainer.precision),
        "devices": int(trainer.num_devices),
        "nodes": int(trainer.num_nodes),
        "world": int(trainer.world_size),
        "strategy": type(trainer.strategy).__name__,
        "accelerator": type(trainer.accelerator).__name__,
        "max_steps": trainer.max_steps,
        "max_epochs": trainer.max_epochs,
    }


def learning_rates(trainer: Any) -> dict[str, Any]:
    """lr, or lr-0, lr-1, ... for several groups of parameters."""
    groups = [g for optimizer in trainer.optimizers for g in optimizer.param_groups]
    rates = [g["lr"] for g in groups[:8] if isinstance(g.get("lr"), (int, float))]
    if len(rates) == 1:
        return {"lr": rates[0]}
    return {f"lr-{i}": rate for i, rate in enumerate(rates)}


def peak_memory() -> dict[str, float]:
    """What this process took at most so far; asks the allocator, not the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        taken = torch.cuda.max_memory_allocated()
    else:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        taken = most if sys.platform == "darwin" else most * 1024
    return {"peak_memory_gib": round(taken / (1 << 30), 3)}


class FabricProbe:
    """Fabric calls on_after_setup; from then on this is one of its loggers."""

    dead = False
    failures = 0

    def __init__(self, sheet: Sheet, clock: Callable[[], float] = time.monotonic) -> None:
        self._sheet = sheet
        self._clock = clock
        self._next: dict[str, float] = {}
        self._held: dict[str, tuple[int, Any]] = {}  # name -> what came since its last row
        self._step = -1
        self._started = False
        self._rank_zero = False

    @harmless
    def on_after_setup(self, fabric: Any, module: Any) -> None:
        """Says what is about to run, and listens to fabric.log."""
        if self._started:
            return
        self._started, self._rank_zero = True, bool(fabric.is_global_zero)
        if not self._rank_zero:
            return
        strategy = fabric.strategy
        nodes = int(getattr(strategy, "num_nodes", 1) or 1)
        row: dict[str, Any] = {
            "step": 0,
            "epoch": 0,
            "precision": str(strategy.precision.precision),
        }
        row.update(devices=max(1, int(fabric.world_size) // nodes), nodes=nodes)
        row.update(world=int(fabric.world_size), strategy=type(strategy).__name__)
        row.update(accelerator=type(fabric.accelerator).__name__)
        self._sheet.write("start", row)
        fabric.loggers.append(self)
        atexit.register(self.flush)

    @harmless
    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Writes what fabric.log was given; a name may come a few times a second."""
        self._step = self._step + 1 if step is None else int(step)
        now = self._clock()
        self._held.update({name: (self._step, value) for name, value in metrics.items()})
        due = [name for name in metrics if now >= self._next.get(name, 0.0)]
        self._next.update(dict.fromkeys(due, now + SHORTEST))
        self._write(due)

    @harmless
    def flush(self) -> None:
        """Writes the last value of every name."""
        self._write(list(self._held))

    def _write(self, names: list[str]) -> None:
        rows: dict[int, dict[str, Any]] = {}
        for name in names:
            step, value = self._held.pop(name)
            rows.setdefault(step, {})[name] = value
        for step, values in sorted(rows.items()):
            self._sheet.write("step", {"step": step, "epoch": 0, "values": plain(values)})

    def _nothing(self, *args: Any, **kwargs: Any) -> None:
        """What else a logger is told is not for this one."""

    log_hyperparams = log_graph = save = finalize = after_save_checkpoint = _nothing
    name = version = root_dir = log_dir = save_dir = None


def _probe(library: str, path: str) -> Any:
    """A probe that is a Callback of the library the script uses; there are two of them."""
    base = importlib.import_module(f"{library}.callbacks").Callback
    return type("StudioProbe", (Probe, base), {})(library, Sheet(path))


def for_lightning() -> list[Any]:
    """The callbacks for lightning.pytorch.Trainer."""
    path = os.environ.get("STUDIO_METRICS")
    return [_probe("lightning.pytorch", path)] if path else []


def for_pytorch_lightning() -> list[Any]:
    """The callbacks for pytorch_lightning.Trainer."""
    path = os.environ.get("STUDIO_METRICS")
    return [_probe("pytorch_lightning", path)] if path else []


def for_fabric() -> list[Any]:
    """The callbacks for Fabric."""
    path = os.environ.get("STUDIO_METRICS")
    return [FabricProbe(Sheet(path))] if path else []
