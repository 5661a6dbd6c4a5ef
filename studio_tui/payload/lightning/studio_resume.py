"""Goes on from a job's last checkpoint, and notes each one that a Lightning run writes.

Lightning finds the functions at the end through entry points, so a script needs no change. Every
checkpoint that a run writes is noted in $STUDIO_CHECKPOINTS, a path a line, once it is whole. A
later attempt of the job has $STUDIO_RESUME, the newest of them that is still there:

    Trainer     the first `fit` begins there, whatever `ckpt_path` the script gives it: the
                checkpoint is a later state of that very training
    Fabric      `fabric.save` is noted; what to load, and where, only the script knows
    others      add a line to $STUDIO_CHECKPOINTS, and read $STUDIO_RESUME

What goes wrong here is said on stderr and not the training's concern.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def forgiving(method: Callable[..., Any]) -> Callable[..., Any]:
    """The one boundary of this guest in a training."""

    @functools.wraps(method)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            method(*args, **kwargs)
        except Exception as problem:
            said = f"studio: {method.__name__}: {type(problem).__name__}: {problem}"
            print(said[:500], file=sys.stderr, flush=True)  # noqa: T201 - the job's log

    return guarded


@forgiving
def note_checkpoint(path: Any) -> None:
    """Adds a checkpoint that is whole to the job's list."""
    listed = os.environ.get("STUDIO_CHECKPOINTS")
    whole = os.path.abspath(os.fspath(path))
    passing = os.path.basename(whole).startswith(".")  # Lightning's tuner removes its own again
    if listed and not passing and "\n" not in whole and os.path.exists(whole):
        with open(listed, "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(whole + "\n")


def checkpoint_to_resume() -> str | None:
    """The checkpoint that this attempt begins with, if it is there."""
    path = os.environ.get("STUDIO_RESUME", "")
    return path if path and os.path.exists(path) else None


class Keeper:
    """Notes a Trainer's checkpoints and resumes from one; mixed into its own Callback class."""

    resumed = False  # in this process; a second `fit` is another training

    def __init__(self, library: str) -> None:
        self._library = library

    def __reduce__(self) -> tuple[Any, ...]:
        return _keeper, (self._library,)

    @forgiving
    def setup(self, trainer: Any, module: Any, stage: str) -> None:
        """Comes before Lightning loads a checkpoint."""
        self._listen(trainer)
        if stage == "fit" and not Keeper.resumed and (path := checkpoint_to_resume()):
            self._resume(trainer, path)
            Keeper.resumed = True

    def _listen(self, trainer: Any) -> None:
        """Every writer of checkpoints, of Lightning's and of the script's, calls this method."""
        save = trainer.save_checkpoint
        if getattr(save, "noted", False):
            return

        @functools.wraps(save)
        def noted(filepath: Any, weights_only: Any = None, *args: Any, **kwargs: Any) -> None:
            save(filepath, weights_only, *args, **kwargs)
            if trainer.is_global_zero and not weights_only:
                note_checkpoint(filepath)

        noted.noted = True  # type: ignore[attr-defined]
        trainer.save_checkpoint = noted

    def _resume(self, trainer: Any, path: str) -> None:
        """Has this `fit` load `path`.

        Lightning has settled on a path before any callback hears of the fit, and reads it after
        setup: lightning/pytorch/trainer/connectors/checkpoint_connector.py, resume_start.
        """
        connector = trainer._checkpoint_connector
        start = connector.resume_start

        def resume_start(*args: Any, **kwargs: Any) -> None:
            connector.resume_start = start
            # The job wrote it itself, so it is trusted; it may hold more than plain tensors.
            known = inspect.signature(start).parameters
            start(path, **({"weights_only": False} if "weights_only" in known else {}))

        connector.resume_start = resume_start


class FabricKeeper:
    """Notes what `fabric.save` writes."""

    @forgiving
    def on_after_setup(self, fabric: Any, module: Any) -> None:
        """Fabric calls this at `fabric.setup`."""
        save = fabric.save
        if getattr(save, "noted", False):
            return

        @functools.wraps(save)
        def noted(path: Any, *args: Any, **kwargs: Any) -> None:
            save(path, *args, **kwargs)
            if fabric.is_global_zero:
                note_checkpoint(path)

        noted.noted = True  # type: ignore[attr-defined]
        fabric.save = noted


def _keeper(library: str) -> Any:
    """A keeper that is a Callback of the library the script uses; there are two of them."""
    base = importlib.import_module(f"{library}.callbacks").Callback
    return type("StudioKeeper", (Keeper, base), {})(library)


def for_lightning() -> list[Any]:
    """The callbacks for lightning.pytorch.Trainer."""
    return [_keeper("lightning.pytorch")] if os.environ.get("STUDIO_CHECKPOINTS") else []


def for_pytorch_lightning() -> list[Any]:
    """The callbacks for pytorch_lightning.Trainer."""
    return [_keeper("pytorch_lightning")] if os.environ.get("STUDIO_CHECKPOINTS") else []


def for_fabric() -> list[Any]:
    """The callbacks for Fabric."""
    return [FabricKeeper()] if os.environ.get("STUDIO_CHECKPOINTS") else []
