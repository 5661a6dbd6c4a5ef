"""Which job holds which GPUs of which machine, and which job is next. A plain state machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio_tui.errors import UsageFault

if TYPE_CHECKING:
    from studio_tui.jobs.spec import JobSpec

ALL = -1

Placement = dict[str, tuple[int, ...]]
"""For each machine of a job the GPUs that it holds there."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a job wants of each of its machines.

    Attributes:
        machines: their ids.
        count: so many GPUs, whichever; ALL for every one.
        indices: these very GPUs, instead of a count.
    """

    machines: tuple[str, ...]
    count: int = 0
    indices: tuple[int, ...] = ()

    @classmethod
    def of(cls, spec: JobSpec, machines: Iterable[str]) -> Claim:
        """What a spec asks for.

        A script that is not told how many devices may take every GPU that it sees, and so it has
        them all; a command that is not told takes none.
        """
        where = tuple(machines)
        if spec.accelerator in ("cpu", "mps", "tpu"):
            return cls(where)
        if "," in spec.devices:
            return cls(where, indices=tuple(int(i) for i in spec.devices.split(",") if i))
        if spec.device_count is not None:
            return cls(where, spec.device_count)
        return cls(where, ALL if spec.script or spec.devices else 0)

    def check(self, machine: str, gpus: int) -> None:
        """Raises UsageFault when a machine with so many GPUs can never serve it."""
        if not gpus:
            return  # then --devices counts processes
        if self.count > gpus or any(index >= gpus for index in self.indices):
            asked = f"GPU {max(self.indices)} was" if self.indices else f"{self.count} were"
            raise UsageFault(
                f"{machine} has {gpus} GPU{'s' * (gpus > 1)}, and {asked} asked for",
                f"ask for --devices {gpus} at most, numbered from 0",
            )


@dataclass(slots=True)
class _Machine:
    gpus: int | None = None  # not known yet
    limit: int | None = None
    held: dict[str, tuple[int, ...]] = field(default_factory=dict)  # by job

    def free(self) -> list[int]:
        taken = {index for indices in self.held.values() for index in indices}
        return [index for index in range(self.gpus or 0) if index not in taken]

    def fit(self, claim: Claim) -> tuple[int, ...] | None:
        """The GPUs that a claim would get now; None while it has to wait."""
        if self.gpus is None or (self.limit is not None and len(self.held) >= self.limit):
            return None
        free = self.free()
        if claim.indices and self.gpus:
            return claim.indices if set(claim.indices) <= set(free) else None
        wanted = self.gpus if claim.count == ALL else min(claim.count, self.gpus)
        return tuple(free[:wanted]) if len(free) >= wanted else None


class Slots:
    """The machines' GPUs, and the jobs that hold them or wait for them.

    First come, first served on each machine: nothing overtakes a job that waits there, so that one
    that wants many GPUs gets them. What wants no GPU waits only where a machine limits its jobs.
    """

    def __init__(self) -> None:
        self._machines: dict[str, _Machine] = {}
        self._waiting: dict[str, Claim] = {}

    def equip(self, machine: str, gpus: int, limit: int | None = None) -> None:
        """Learn what a machine has; nothing is admitted to one of which nothing is known.

        Args:
            limit: so many jobs at once, at most.
        """
        known = self._machine(machine)
        known.gpus, known.limit = gpus, limit

    def hold(self, job: str, placement: Mapping[str, Iterable[int]]) -> None:
        """A job was found running."""
        for machine, gpus in placement.items():
            self._machine(machine).held[job] = tuple(gpus)

    def ask(self, job: str, claim: Claim) -> None:
        """A job queues up."""
        self._waiting[job] = claim

    def release(self, job: str) -> None:
        """A job is over, or waits no more."""
        self._waiting.pop(job, None)
        for machine in self._machines.values():
            machine.held.pop(job, None)

    def admit(self) -> dict[str, Placement]:
        """The jobs that may start now, with what each holds from now on."""
        admitted: dict[str, Placement] = {}
        blocked: set[str] = set()
        for job, claim in list(self._waiting.items()):
            placement = self._place(claim, blocked)
            if placement is None:
                blocked.update(claim.machines)
            else:
                del self._waiting[job]
                self.hold(job, placement)
                admitted[job] = placement
        return admitted

    def reserve(self, job: str, claim: Claim) -> Placement | None:
        """What a claim gets at once, held from now on; None when it would have to wait."""
        waiting = {machine for each in self._waiting.values() for machine in each.machines}
        placement = self._place(claim, waiting)
        if placement is not None:
            self.hold(job, placement)
        return placement

    def waits_for(self, job: str) -> str:
        """Why a job waits, in words; empty when it does not."""
        claim = self._waiting.get(job)
        if claim is None:
            return ""
        machines = [(name, self._machine(name)) for name in claim.machines]
        holders = sorted({job for _, machine in machines for job in machine.held})
        what = "its turn"
        if any(machine.gpus for _, machine in machines):
            what = "all GPUs" if claim.count == ALL else f"{claim.count or len(claim.indices)} GPUs"
        held = f"; running there: {', '.join(holders)}" if holders else ""
        return f"waits for {what} of {', '.join(claim.machines)}{held}"

    def _place(self, claim: Claim, blocked: set[str]) -> Placement | None:
        placement: Placement = {}
        for name in claim.machines:
            machine = self._machine(name)
            gpus = machine.fit(claim)
            if gpus is None or (name in blocked and (gpus or machine.limit is not None)):
                return None
            placement[name] = gpus
        return placement

    def _machine(self, name: str) -> _Machine:
        return self._machines.setdefault(name, _Machine())
