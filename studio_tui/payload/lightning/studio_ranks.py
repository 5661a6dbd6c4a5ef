"""Lets every rank of a Lightning run be heard: a row in $STUDIO_METRICS every few seconds.

Lightning finds the functions at the end through entry points, so a script needs no change. A row:

    beat    rank, world, step, phase, since, step_time, own_time

`phase` is what the rank is at: data, forward, backward (where ranks wait for each other), update,
or other (validation, a checkpoint), and `since` the seconds that it has been; `step_time` is the
time of the last steps, `own_time` that part of it before the ranks wait for each other, both in
seconds and None until there are some.

The training itself only notes the time; the rows are written by a thread, so that a rank that hangs
is still heard, and one that is not heard is gone.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 5.0
"""Seconds between two rows."""
WEIGHT = 0.1
"""Of the last step in the mean of the steps' times."""
BARREN = 20


def harmless(method: Callable[..., Any]) -> Callable[..., Any]:
    """The one boundary of this guest: whatever goes wrong in it is not the training's concern."""

    @functools.wraps(method)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception:
            self.stop()

    return guarded


class Pulse:
    """What a rank is at, and how long its steps take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now: tuple[str, float] = ("other", clock())  # replaced whole: another thread reads it
        self._began: float | None = None  # the step under way
        self._own = 0.0
        self.step = 0
        self.step_time: float | None = None
        self.own_time: float | None = None

    def enter(self, phase: str) -> None:
        """The rank begins something else; with "data" begins a step."""
        now = self._clock()
        if phase == "backward" and self._began is not None:
            self._own = now - self._began
        elif phase == "data":
            self._end_step(now)
        elif phase == "other":
            self._began = None
        self._now = (phase, now)

    def _end_step(self, now: float) -> None:
        if self._began is not None:
            self.step_time = _mean(self.step_time, now - self._began)
            self.own_time = _mean(self.own_time, self._own)
        self._began = now

    def row(self) -> dict[str, Any]:
        """As a row has it."""
        phase, since = self._now
        return {
            "step": self.step,
            "phase": phase,
            "since": round(self._clock() - since, 3),
            "step_time": _rounded(self.step_time),
            "own_time": _rounded(self.own_time),
        }


class Beat:
    """Tells a Trainer's pulse; mixed into its own Callback class."""

    def __init__(self, library: str, path: str) -> None:
        self._library = library
        self._path = path
        self._pulse = Pulse()
        self._place: dict[str, Any] = {}
        self._over: threading.Event | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _beat, (self._library, self._path)

    @harmless
    def on_train_start(self, trainer: Any, module: Any) -> None:
        """From now on the rank is heard."""
        self.stop()
        self._place = {"rank": int(trainer.global_rank), "world": int(trainer.world_size)}
        self._over = threading.Event()
        thread = threading.Thread(target=self._tell, args=(self._over,), daemon=True)
        thread.start()

    @harmless
    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        """A step begins with its data."""
        self._pulse.enter("data")

    @harmless
    def on_train_batch_start(self, trainer: Any, *rest: Any) -> None:
        """The data is there."""
        self._pulse.enter("forward")

    @harmless
    def on_before_backward(self, trainer: Any, *rest: Any) -> None:
        """The loss is there."""
        self._pulse.enter("backward")

    @harmless
    def on_before_optimizer_step(self, trainer: Any, *rest: Any) -> None:
        """The gradients are there, of all ranks."""
        self._pulse.enter("update")

    @harmless
    def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
        """The next step's data is waited for."""
        self._pulse.step = int(trainer.global_step)
        self._pulse.enter("data")

    @harmless
    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """What comes now is no step."""
        self._pulse.enter("other")

    @harmless
    def on_validation_start(self, trainer: Any, module: Any) -> None:
        """What comes now is no step."""
        self._pulse.enter("other")

    @harmless
    def on_validation_end(self, trainer: Any, module: Any) -> None:
        """Steps go on."""
        if not trainer.sanity_checking:
            self._pulse.enter("data")

    @harmless
    def teardown(self, trainer: Any, module: Any, stage: str) -> None:
        """It is over."""
        self.stop()

    def stop(self) -> None:
        """Say nothing more."""
        if self._over is not None:
            self._over.set()

    def _tell(self, over: threading.Event) -> None:
        failures = 0
        while failures < BARREN:
            try:
                self._write()
                failures = 0
            except OSError:
                failures += 1
            if over.wait(EVERY):
                return

    def _write(self) -> None:
        row = {"t": round(time.time(), 3), "event": "beat", **self._place, **self._pulse.row()}
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        file = os.open(self._path, flags, 0o600)
        try:
            os.write(file, (json.dumps(row) + "\n").encode())
        finally:
            os.close(file)


def _mean(before: float | None, last: float) -> float:
    return last if before is None else before + WEIGHT * (last - before)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _beat(library: str, path: str) -> Any:
    """A Beat that is a Callback of the library the script uses; there are two of them."""
    base = importlib.import_module(f"{library}.callbacks").Callback
    return type("StudioBeat", (Beat, base), {})(library, path)


def for_lightning() -> list[Any]:
    """The callbacks for lightning.pytorch.Trainer."""
    path = os.environ.get("STUDIO_METRICS")
    return [_beat("lightning.pytorch", path)] if path else []


def for_pytorch_lightning() -> list[Any]:
    """The callbacks for pytorch_lightning.Trainer."""
    path = os.environ.get("STUDIO_METRICS")
    return [_beat("pytorch_lightning", path)] if path else []
