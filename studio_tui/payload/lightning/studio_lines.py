"""Says in a job's log how far a Lightning run is, where the run's own progress bar cannot be seen.

A job's output is no terminal, and there Lightning's usual bar, rich's, shows nothing before its
end. The bar of tqdm is written all the same, and a script without a bar wants none. Lightning finds
the functions at the end through entry points. Every few seconds, and more rarely the longer it
takes, rank 0 prints a line:

    epoch 3/20  step 640/2000  loss 0.012  31 steps/s  eta 1 min

Of every run, once it begins, a row in $STUDIO_METRICS:

    total       steps: after so many the run is over, None when nobody knows
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST, LONGEST = 5.0, 60.0  # seconds between two lines
SHARE = 0.005  # of the time that the run has taken, in between
NAMED = 3  # values in a line


class Lines:
    """The lines of one run; mixed into its library's own Callback class."""

    dead = False

    def __init__(self, library: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._clock = clock
        self._began = self._next = clock()
        self._last = (0.0, 0)  # when the last line was, and its step
        self._total: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or one sent to a spawned process, begins anew."""
        return _lines, (self._library,)

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """The time runs from here; tells when the run is over."""
        self._began = self._clock()
        try:
            self._total = total_steps(trainer, module)
            if trainer.is_global_zero:
                write_row(os.environ["STUDIO_METRICS"], {"event": "total", "steps": self._total})
        except Exception:  # the boundary of this guest: its faults are not the training's
            self.dead = True
        self._next = self._began + SHORTEST
        self._last = (self._began, int(trainer.global_step))

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_index: int
    ) -> None:
        """Prints a line, when it is time for one."""
        now = self._clock()
        if self.dead or now < self._next:
            return
        self._next = now + min(max(SHORTEST, (now - self._began) * SHARE), LONGEST)
        try:
            if trainer.is_global_zero and unseen(trainer.progress_bar_callback):
                self._print(trainer, now)
        except Exception:  # the other boundary
            self.dead = True

    def _print(self, trainer: Any, now: float) -> None:
        (since, before), step = self._last, int(trainer.global_step)
        self._last = (now, step)
        rate = (step - before) / (now - since) if now > since else 0.0
        sys.stdout.write(line(trainer, self._total, rate) + "\n")
        sys.stdout.flush()


def write_row(path: str, row: dict[str, Any]) -> None:
    """Add one row to the file, in one write."""
    data = (json.dumps({"t": round(time.time(), 3), **row}) + "\n").encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, data)
    finally:
        os.close(file)


def unseen(bar: Any) -> bool:
    """Whether a bar is wanted that draws nothing until it is done."""
    console = getattr(getattr(bar, "progress", None), "console", None)
    if console is None or not bar.is_enabled:
        return False
    return not console.is_terminal or bool(console.is_dumb_terminal)


def line(trainer: Any, total: int | None, rate: float) -> str:
    """What is printed.

    Args:
        rate: steps a second; 0 when that is not known.
    """
    step, most = int(trainer.global_step), trainer.max_epochs or -1
    said = [f"epoch {trainer.current_epoch + 1}" + (f"/{most}" if most > 0 else "")]
    said.append(f"step {step}" + (f"/{total}" if total else ""))
    # What the bar would show; it reads the values as often, and waits for a GPU no less.
    for name, value in list(trainer.progress_bar_metrics.items())[:NAMED]:
        said.append(f"{name} {float(value):.3g}")
    if rate > 0:
        said.append(f"{rate:.0f} steps/s" if rate >= 10 else f"{rate:.2g} steps/s")
        if total and total >= step:
            said.append(f"eta {duration((total - step) / rate)}")
    return "  ".join(said)


def total_steps(trainer: Any, module: Any) -> int | None:
    """After how many steps the run is over, as far as Lightning knows already; None: unknown."""
    found = [trainer.max_steps] if (trainer.max_steps or 0) > 0 else []
    batches, epochs = trainer.num_training_batches, trainer.max_epochs or 0
    if epochs > 0 and math.isfinite(batches) and module.automatic_optimization:
        found.append(math.ceil(batches / trainer.accumulate_grad_batches) * epochs)
    return int(min(found)) if found else None


def duration(seconds: float) -> str:
    """A length of time in words: `12 s`, `12 min`, `3 h 05`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"


def _lines(library: str) -> Any:
    """Lines that are a Callback of the library the script uses; there are two of them."""
    base = importlib.import_module(f"{library}.callbacks").Callback
    return type("StudioLines", (Lines, base), {})(library)


def for_lightning() -> list[Any]:
    """The callbacks for lightning.pytorch.Trainer."""
    return [_lines("lightning.pytorch")] if os.environ.get("STUDIO_METRICS") else []


def for_pytorch_lightning() -> list[Any]:
    """The callbacks for pytorch_lightning.Trainer."""
    return [_lines("pytorch_lightning")] if os.environ.get("STUDIO_METRICS") else []
