"""What was asked for, job by job: kept by the host for itself, because parts of it are secret."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio_tui.errors import StudioError
from studio_tui.host.jobs.following import Member
from studio_tui.jobs.spec import JobSpec
from studio_tui.settings.private import read_json, write_json
from studio_tui.settings.secrets import names_a_secret

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moving:
    """A job's way to another machine, from the moment on at which it ends on the first.

    Attributes:
        target: the machine.
        leg: the number of what runs there; one that was tried is never given again.
        precision: what it goes on with; "" for what the script decides.
        gpus: held there.
        source_parcel, parcel: the folder with what it has written, on either machine.
        checkpoint: the name of the checkpoint in it; "" when it begins anew.
        step: where it was held; None when it was not.
        sent: the target may have been told to start it.
        back: why the target did not, so that it goes on where it was.
    """

    target: str
    leg: int
    precision: str = ""
    gpus: tuple[int, ...] = ()
    source_parcel: str = ""
    parcel: str = ""
    checkpoint: str = ""
    step: int | None = None
    sent: bool = False
    back: str = ""


@dataclass(frozen=True)
class Order:
    """A job as it was asked for.

    Attributes:
        spec: what to run, and how.
        machines: where.
        asked: when, a Unix time in seconds.
        secrets: the value of each of the spec's secrets.
        attempt: how often it was run again on several machines, from 0; on a single one the
            machine counts by itself.
        moved: it was run again because the port where its nodes meet was taken.
        leg: how often it was taken to another machine, or tried to be.
        left: (machine, member's id) of what it was before, as far as that may still be there.
        moving: see there; None while it stays.
    """

    spec: JobSpec
    machines: tuple[str, ...]
    asked: float = 0.0
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    attempt: int = 0
    moved: bool = False
    leg: int = 0
    left: tuple[tuple[str, str], ...] = ()
    moving: Moving | None = None

    def members(self, job_id: str, attempt: int) -> list[Member]:
        """What of the job runs on which machine, in an attempt."""
        if len(self.machines) == 1:
            return [Member(self.machines[0], f"{job_id}-m{self.leg}" if self.leg else job_id)]
        suffix = f".{attempt}" if attempt else ""
        return [Member(name, f"{job_id}-n{n}{suffix}") for n, name in enumerate(self.machines)]

    @property
    def hidden(self) -> list[str]:
        """The values that nobody may read."""
        named = [value for name, value in self.spec.env.items() if names_a_secret(name)]
        return [*self.secrets.values(), *named]


class Orders:
    """One file per job, which only this user can read.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, job_id: str, order: Order) -> None:
        """Keep an order, in place of an earlier one of the same job."""
        told = {
            "spec": order.spec.to_params(),
            "machines": list(order.machines),
            "asked": order.asked,
            "secrets": dict(order.secrets),
            "attempt": order.attempt,
            "moved": order.moved,
            "leg": order.leg,
            "left": [list(each) for each in order.left],
            "moving": asdict(order.moving) if order.moving else None,
        }
        write_json(self._path(job_id), told)

    def find(self, job_id: str) -> Order | None:
        """The order of a job; None when there is none, or none that makes sense."""
        try:
            told = read_json(self._path(job_id))
            if not told:
                return None
            return Order(
                JobSpec.from_params(told["spec"]),
                tuple(map(str, told["machines"])),
                float(told["asked"]),
                {str(name): str(value) for name, value in told["secrets"].items()},
                int(told["attempt"]),
                bool(told["moved"]),
                int(told.get("leg", 0)),
                tuple((str(machine), str(id)) for machine, id in told.get("left", ())),
                _moving(told.get("moving")),
            )
        except (StudioError, KeyError, TypeError, ValueError, AttributeError) as problem:
            log.warning("the order of job %s is passed over: %s", job_id, problem)
            return None

    def forget(self, job_id: str) -> None:
        """Forget a job's order, if there is one."""
        self._path(job_id).unlink(missing_ok=True)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"


def _moving(told: Any) -> Moving | None:
    if not told:
        return None
    return Moving(**{**told, "gpus": tuple(told["gpus"])})
