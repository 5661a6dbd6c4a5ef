"""Holds a Lightning run at a checkpoint when the studio asks, so that it can go on elsewhere.

Lightning finds the functions at the end through entry points, so a script needs no change. The
studio asks by the file `hold` in $STUDIO_JOB_DIR, which it writes again all the while; a run that
can be asked says so in `holds`, and in `held` where it stands: its step and the checkpoint.

    Trainer     after the optimizer step under way, all ranks at the same one
    Fabric      at the script's next `fabric.save`: where its loop is, only the script knows

A held run waits. When the file goes, or nobody writes it any more, it trains on as if nothing had
been; when the job is stopped meanwhile, it ends where it stands.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EXPIRES = 60.0
"""Seconds after which a question that nobody repeats is none any more."""
NAP = 0.05


class Ended(SystemExit):
    """The job was stopped while it was held: nothing is lost, and nothing went wrong."""

    of_the_studio = True


def forgiving(method: Callable[..., Any]) -> Callable[..., Any]:
    """The one boundary of this guest in a training; the end of a held run passes."""

    @functools.wraps(method)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as problem:
            said = f"studio: {method.__name__}: {type(problem).__name__}: {problem}"
            print(said[:500], file=sys.stderr, flush=True)  # noqa: T201 - the job's log

    return guarded


class Desk:
    """The files by which a run and the studio understand each other."""

    def __init__(self, folder: str, clock: Callable[[], float] = time.time) -> None:
        self.parcel = os.path.join(folder, "parcel")
        self._folder = folder
        self._hold = self._path("hold")
        self._at = self._path("hold.at")
        self._clock = clock

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _put(self, name: str, text: str) -> None:
        passing = self._path(f".{name}")
        with open(passing, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text + "\n")
        os.replace(passing, self._path(name))

    def _drop(self, *names: str) -> None:
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(self._path(name))

    def open(self, who: str) -> None:
        """The run can be asked from now on."""
        self._put("holds", who)

    def close(self) -> None:
        """The run cannot be asked any more."""
        self._drop("holds", "held", "hold.at")

    def asked(self) -> bool:
        """Whether the studio asks now."""
        try:
            return self._clock() - os.stat(self._hold).st_mtime < EXPIRES
        except OSError:
            return False

    def agree(self, step: int) -> None:
        """Tell every rank of this machine the step at which all are held."""
        self._put("hold.at", str(step))

    def agreed(self) -> int | None:
        """That step; None while nothing is agreed."""
        try:
            with open(self._at, encoding="utf-8") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def held(self, step: int, path: str) -> None:
        """The run stands at this step, and its checkpoint is whole."""
        self._put("held", f"{step} {os.path.abspath(path)}")

    def failed(self, problem: BaseException) -> None:
        """There is no checkpoint; why."""
        reason = f"{type(problem).__name__}: {problem}".replace("\n", " ")
        self._put("held", f"- {reason[:300]}")

    def wait(self, first: bool) -> None:
        """Stand still. The first rank follows the studio, the others the first.

        Raises:
            Ended: the job was stopped.
        """
        while self.asked() if first else os.path.exists(self._at):
            if os.path.exists(self._path("stop")):
                raise Ended(143)
            time.sleep(NAP)
        if first:
            self._drop("hold", "held", "hold.at")


class Hold:
    """Holds a Trainer's run; mixed into its own Callback class."""

    def __init__(self, library: str, folder: str) -> None:
        self._library = library
        self._folder = folder
        self._desk = Desk(folder)
        self._step = 0
        self._alone = False  # no rank is on another machine

    def __reduce__(self) -> tuple[Any, ...]:
        return _hold, (self._library, self._folder)

    @forgiving
    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Comes after a checkpoint was loaded. Ranks of several machines have no file in common."""
        self._step, self._alone = int(trainer.global_step), trainer.num_nodes == 1
        if trainer.is_global_zero and self._alone:
            self._desk.open("trainer")

    @forgiving
    def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
        """Between two optimizer steps nothing can be saved: gradients are in no checkpoint."""
        step, before = int(trainer.global_step), self._step
        self._step = step
        if self._alone and step != before and self._due(trainer, step):
            self._save(trainer, step)
            self._desk.wait(trainer.is_global_zero)

    def _due(self, trainer: Any, step: int) -> bool:
        if trainer.world_size == 1:
            return self._desk.asked()
        at = self._desk.agreed()
        if at is None and trainer.is_global_zero and self._desk.asked():
            # Ranks wait for each other in every step: nobody is beyond the next one now.
            self._desk.agree(step + 2)
        return at is not None and step >= at

    def _save(self, trainer: Any, step: int) -> None:
        path = os.path.join(self._desk.parcel, f"step-{step}.ckpt")
        try:
            trainer.save_checkpoint(path)
        except Exception as problem:
            if trainer.is_global_zero:
                self._desk.failed(problem)
            return
        if trainer.is_global_zero:
            for callback in trainer.callbacks:
                getattr(callback, "studio_settle", _nothing)(trainer)
            _leave_only(path)
            self._desk.held(step, path)

    @forgiving
    def teardown(self, trainer: Any, module: Any, stage: str) -> None:
        """It is over."""
        if stage == "fit" and trainer.is_global_zero:
            self._desk.close()


class FabricHold:
    """Holds a Fabric script when it has saved."""

    def __init__(self, folder: str) -> None:
        self._desk = Desk(folder)
        self._saves = 0

    @forgiving
    def on_after_setup(self, fabric: Any, module: Any) -> None:
        """Fabric calls this at `fabric.setup`."""
        save = fabric.save
        nodes = int(getattr(fabric.strategy, "num_nodes", 1) or 1)
        if getattr(save, "holds", False) or not fabric.is_global_zero or nodes > 1:
            return

        @functools.wraps(save)
        def holding(path: Any, *args: Any, **kwargs: Any) -> None:
            save(path, *args, **kwargs)
            self._saved(os.fspath(path))

        holding.holds = True  # type: ignore[attr-defined]
        fabric.save = holding
        self._desk.open("fabric")

    @forgiving
    def _saved(self, path: str) -> None:
        # The other ranks wait for this one, at the latest in their next step.
        self._saves += 1
        if self._desk.asked():
            self._desk.held(self._saves, path)
            self._desk.wait(first=True)


def _nothing(trainer: Any) -> None:
    """Most callbacks have nothing to settle."""


def _leave_only(path: str) -> None:
    """Remove checkpoints of earlier holds, from which the run went on."""
    folder, name = os.path.split(path)
    for other in os.listdir(folder):
        if other.startswith("step-") and other != name:
            whole = os.path.join(folder, other)
            if os.path.isdir(whole):
                shutil.rmtree(whole, ignore_errors=True)
            else:
                os.unlink(whole)


def _hold(library: str, folder: str) -> Any:
    """A Hold that is a Callback of the library the script uses; there are two of them."""
    base = importlib.import_module(f"{library}.callbacks").Callback
    return type("StudioHold", (Hold, base), {})(library, folder)


def for_lightning() -> list[Any]:
    """The callbacks for lightning.pytorch.Trainer."""
    folder = os.environ.get("STUDIO_JOB_DIR")
    return [_hold("lightning.pytorch", folder)] if folder else []


def for_pytorch_lightning() -> list[Any]:
    """The callbacks for pytorch_lightning.Trainer."""
    folder = os.environ.get("STUDIO_JOB_DIR")
    return [_hold("pytorch_lightning", folder)] if folder else []


def for_fabric() -> list[Any]:
    """The callbacks for Fabric."""
    folder = os.environ.get("STUDIO_JOB_DIR")
    return [FabricHold(folder)] if folder else []
