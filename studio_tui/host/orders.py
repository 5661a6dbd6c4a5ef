"""What was asked for, job by job: kept by the host for itself, because parts of it are secret."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio_tui.errors import StudioError, UsageFault
from studio_tui.jobs.spec import JobSpec
from studio_tui.settings.private import read_json, write_json

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """A job as it was asked for.

    Attributes:
        spec: what to run, and how.
        hidden: values that are covered in all that the job writes.
    """

    spec: JobSpec
    hidden: tuple[str, ...] = ()


class Orders:
    """One file per job, which only this user can read.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, job_id: str, order: Order) -> None:
        """Keep an order, in place of an earlier one of the same job."""
        told = {"spec": order.spec.to_params(), "hidden": list(order.hidden)}
        write_json(self._path(job_id), told)

    def find(self, job_id: str) -> Order | None:
        """The order of a job; None when there is none, or none that makes sense."""
        try:
            told = read_json(self._path(job_id))
            if not told:
                return None
            return Order(JobSpec.from_params(told["spec"]), _texts(told["hidden"]))
        except (StudioError, KeyError, TypeError, AttributeError) as problem:
            log.warning("the order of job %s is passed over: %s", job_id, problem)
            return None

    def forget(self, job_id: str) -> None:
        """Forget a job's order, if there is one."""
        self._path(job_id).unlink(missing_ok=True)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise UsageFault("a hidden value is no text", "nothing of it is used")
    return tuple(map(str, values))
