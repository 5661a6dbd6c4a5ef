"""What jobs have cost so far, against what they may: people are told in time, then it is over.

The machine itself stops a job when its time at the machine's price is over, whatever becomes of the
host; this tells of it before, and stops a job whose price has changed on the way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from studio_tui.document.entries import JobEntry
from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.jobs.following import End
from studio_tui.host.jobs.orders import Order
from studio_tui.host.machines.sites import Sites
from studio_tui.jobs.budget import ALARM, BUDGET, SPENT, USUAL_ALARM, Budget
from studio_tui.jobs.budget import words as amount
from studio_tui.jobs.plan import MAX_RUNTIME
from studio_tui.jobs.spec import JobSpec

if TYPE_CHECKING:
    from studio_tui.document.studio import StudioDocument
    from studio_tui.host.jobs.jobs import Jobs

log = logging.getLogger(__name__)

PERIOD = 1.0
TOO_LONG = "stopped at the end of its max-runtime"


class Budgets:
    """The budgets of one studio's jobs.

    Args:
        jobs: of the studio.
        sites, document, tasks, clock: theirs.
    """

    def __init__(
        self,
        jobs: Jobs,
        sites: Sites,
        document: StudioDocument,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._sites = sites
        self._document = document
        self._tasks = tasks
        self._clock = clock
        self._ending: set[str] = set()

    def given(self, spec: JobSpec, machines: tuple[str, ...]) -> float | None:
        """What a job may cost: as it was asked for, or by its machines' entries.

        Raises:
            UsageFault: a machine has no price, so that nobody could tell.
        """
        found = [self._sites.find(machine) for machine in machines]
        usual = [each.job_budget for each in found if each.job_budget is not None]
        budget = spec.budget if spec.budget is not None else (math.fsum(usual) or None)
        unpriced = [each for each in found if not each.price_per_hour]
        if spec.budget is not None and unpriced:
            raise UsageFault(
                f"{unpriced[0].id} has no price, so a budget would mean nothing there",
                f"give it one: price_per_hour under [machines.{unpriced[0].id}] in machines.toml, "
                f'with kind = "{unpriced[0].kind}"',
            )
        return None if unpriced else budget

    def limit(self, entry: JobEntry, order: Order) -> tuple[int, str]:
        """Seconds that a job may run from now on, 0 for no limit, and why no longer."""
        limits, now = [], self._clock()
        if order.spec.max_runtime:
            ran = now - entry.started if entry.started is not None else 0.0
            limits.append((max(1, math.ceil(order.spec.max_runtime - ran)), MAX_RUNTIME))
        found = [self._sites.find(machine) for machine in order.machines]
        price = math.fsum(each.price_per_hour or 0.0 for each in found)
        if entry.budget is not None and price:
            spent = entry.cost_until(now, self._document.machines) or 0.0
            limits.append((_budget(entry).seconds(price, spent), BUDGET))
        return min(limits, default=(0, MAX_RUNTIME))

    async def reason(self, entry: JobEntry, end: End) -> list[str]:
        """Why a job was stopped, for people, and where it stands; nothing where somebody asked."""
        why = end.status.reason if end.status else ""
        if why == MAX_RUNTIME:
            said = TOO_LONG
        elif why == BUDGET and entry.budget is not None:
            said = f"stopped: its budget of {amount(entry.budget)} is spent"
        else:
            return []
        with contextlib.suppress(StudioError):
            if path := await self._jobs.crew(entry.id).checkpoint():
                machine = entry.machine.split(",")[0]
                return [said, f"its last checkpoint is on {machine}: {path}"]
        return [said]

    # -- while it runs ------------------------------------------------------------------------

    async def watch(self) -> None:
        """Look at every job, for ever."""
        while True:
            self.tick()
            await asyncio.sleep(PERIOD)

    def tick(self) -> None:
        """A moment has passed."""
        for entry in list(self._document.jobs.values()):
            if entry.over or entry.budget is None or entry.started is None:
                continue
            cost = entry.cost_until(self._clock(), self._document.machines)
            if cost is None:
                continue
            state = _budget(entry).state(cost)
            if state == ALARM != entry.budget_state:
                share = f"{cost / entry.budget:.0%}"
                note = f"{share} of its budget of {amount(entry.budget)} is spent"
                self._jobs.ledger.change(entry.id, budget_state=ALARM)
                self._jobs.ledger.note(entry.id, note)
            elif state == SPENT and entry.id not in self._ending:
                self._jobs.ledger.change(entry.id, budget_state=SPENT)
                self._ending.add(entry.id)
                self._tasks.create_task(self._end(entry.id), name=f"the budget of {entry.id}")

    async def _end(self, job_id: str) -> None:
        """Stop a job; one that cannot be reached stops by itself, and is tried again."""
        try:
            problems = await self._jobs.crew(job_id).stop(BUDGET)
            for problem in problems:
                log.warning("job %s has spent its budget: %s", job_id, problem)
        except StudioError as problem:
            log.warning("job %s has spent its budget: %s", job_id, problem)
        finally:
            self._ending.discard(job_id)


def _budget(entry: JobEntry) -> Budget:
    assert entry.budget is not None
    return Budget(entry.budget, entry.budget_alarm or USUAL_ALARM)
