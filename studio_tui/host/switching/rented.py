"""The machines that the studio started, each put to sleep once nobody uses it.

When is in `machines.autosleep`; this tells it what happens, and does what it says. Only a machine
that was off before the studio came is put to sleep: what somebody else has started is theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.document.entries import SleepEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, command
from studio_tui.host.machines.sites import Sites
from studio_tui.host.switching.switch import Switch
from studio_tui.machines.autosleep import (
    EXTENSION,
    AutoSleep,
    Cancelled,
    Effect,
    Sleep,
    SleepPolicy,
    Warn,
    read_policy,
)
from studio_tui.machines.catalogue import LOCAL
from studio_tui.settings.private import read_json, write_json

if TYPE_CHECKING:
    from studio_tui.meters.sample import Sample

log = logging.getLogger(__name__)

PERIOD = 1.0
BY = "auto-sleep"
"""Who takes the studio home, where people look for a name."""


@dataclass
class _Watch:
    """A machine that is watched: what decides, and the jobs that it has been told of."""

    policy: SleepPolicy
    sleep: AutoSleep
    jobs: set[str]
    going: bool = False


class Rented:
    """Every machine that this studio has started and that may sleep.

    Args:
        sites: the studio's machines.
        switch: takes the studio home from a machine that goes to sleep.
        document: tells everybody.
        jobs_on: the jobs that run on a machine or wait for it.
        ends: each ends something of the studio's on a machine before it is stopped.
        state: where this studio's host keeps its own state.
        tasks: owns what puts a machine to sleep.
        clock: Unix time in seconds; what is started is remembered by it beyond the host's end.

    Attributes:
        on_watched: called, often, with each machine whose meters are wanted.
    """

    def __init__(
        self,
        sites: Sites,
        switch: Switch,
        document: StudioDocument,
        jobs_on: Callable[[str], Collection[str]],
        ends: Sequence[Callable[[str], Awaitable[None]]],
        state: Path,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._switch = switch
        self._document = document
        self._jobs_on = jobs_on
        self._ends = ends
        self._file = state / "rented.json"
        self._tasks = tasks
        self._clock = clock
        self._since: dict[str, float] = {}
        self._watches: dict[str, _Watch] = {}
        self.on_watched: Callable[[str], None] = lambda machine: None

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [command("machines.stay", self._stay)]

    async def resume(self) -> None:
        """Watch again what an earlier host of the studio started."""
        try:
            self._since = {name: float(at) for name, at in read_json(self._file).items()}
        except (StudioError, TypeError, ValueError) as problem:
            log.warning("which machines the studio started is passed over: %s", problem)
        for entry in list(self._document.sleeps.values()):
            if entry.phase in ("warning", "going"):
                self._tell(entry.id, "awake", "the studio's host has started anew")
        for machine in self._since:
            self._watch(machine)

    async def watch(self) -> None:
        """Look at every machine, for ever."""
        while True:
            self.tick()
            await asyncio.sleep(PERIOD)

    # -- what happens -------------------------------------------------------------------------

    def started(self, machine: str) -> None:
        """The studio starts a machine that was off."""
        self._since[machine] = self._clock()
        self._remember()
        self._watch(machine)

    def used(self, machine: str) -> None:
        """Somebody typed on a machine, or changed something there."""
        if (watch := self._awake(machine)) is not None:
            self._do(machine, watch.sleep.key(self._clock()))

    def sample(self, sample: Sample) -> None:
        """The meters of a machine were read."""
        if (watch := self._awake(sample.machine)) is not None:
            self._do(sample.machine, watch.sleep.sample(sample.gpus, self._clock()))

    def tick(self) -> None:
        """A moment has passed."""
        now, switch = self._clock(), self._switch.going
        for machine, watch in list(self._watches.items()):
            if watch.going:
                continue
            if switch is not None and machine in (switch.source, switch.target):
                self._do(machine, watch.sleep.key(now))
                continue  # a machine that is only being started has no meters yet
            self.on_watched(machine)
            self._do(machine, self._look_at_jobs(machine, watch, now) + watch.sleep.tick(now))

    def _look_at_jobs(self, machine: str, watch: _Watch, now: float) -> list[Effect]:
        before, watch.jobs = watch.jobs, set(self._jobs_on(machine))
        effects = [e for job in watch.jobs - before for e in watch.sleep.job_started(job, now)]
        return effects + [e for job in before - watch.jobs for e in watch.sleep.job_ended(job, now)]

    async def _stay(self, params: Params) -> Result:
        machine = params.text("machine", cap=64)
        self._sites.find(machine)
        if machine not in self._watches:
            raise NotFound(
                f"{machine} is not put to sleep by this studio",
                "only a machine with sleep_after or max_runtime is, once the studio started it",
            )
        watch = self._awake(machine)
        if watch is None:
            raise StudioError(f"{machine} is being stopped", "switch to it again in a moment")
        self._do(machine, watch.sleep.veto(params.sender.name, self._clock()))
        return {}

    # -- what comes of it ---------------------------------------------------------------------

    def _do(self, machine: str, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Warn(until, reason):
                    self._tell(machine, "warning", reason, until)
                case Cancelled(reason):
                    self._tell(machine, "awake", reason)
                case Sleep(reason):
                    self._watches[machine].going = True
                    self._tell(machine, "going", reason)
                    going = self._put_to_sleep(machine, reason)
                    self._tasks.create_task(going, name=f"putting {machine} to sleep")

    async def _put_to_sleep(self, machine: str, reason: str) -> None:
        """Stop a machine; the studio leaves it first, and where it cannot, nothing is stopped."""
        try:
            if self._sites.here == machine:
                await self._switch.bring(LOCAL, BY)
            self._check_left(machine)
            for end in self._ends:
                await end(machine)
            self._check_left(machine)
            await self._sites.stop(machine)
        except (StudioError, OSError) as problem:
            self._tell(machine, "failed", _words(problem))
            self._watch(machine, again=True)
        else:
            del self._watches[machine], self._since[machine]
            self._remember()
            self._tell(machine, "asleep", reason)

    def _check_left(self, machine: str) -> None:
        switch = self._switch.going
        if machine == self._sites.here or (switch is not None and machine == switch.target):
            raise StudioError(f"the studio has come to {machine} again", "")

    def _watch(self, machine: str, *, again: bool = False) -> None:
        """Watch a machine from now on, if its entry says when it sleeps.

        Args:
            again: it could not be stopped; of its longest runtime another while is left.
        """
        self._watches.pop(machine, None)
        try:
            policy = read_policy(machine, self._sites.find(machine).entry)
        except StudioError as problem:
            self._tell(machine, "failed", _words(problem))
            return
        if policy == SleepPolicy():
            return
        now, started = self._clock(), self._since[machine]
        if again and policy.max_runtime is not None:
            started = max(started, now + EXTENSION - policy.max_runtime)
        self._watches[machine] = _Watch(policy, AutoSleep(policy, now, started=started), set())

    def _awake(self, machine: str) -> _Watch | None:
        watch = self._watches.get(machine)
        return None if watch is None or watch.going else watch

    def _remember(self) -> None:
        try:
            write_json(self._file, self._since)
        except StudioError as problem:
            log.warning("which machines the studio started is not kept: %s", problem)

    def _tell(self, machine: str, phase: str, note: str, until: float = 0.0) -> None:
        log.info("%s: %s, %s", machine, phase, note)
        self._document.sleeps.put(SleepEntry(machine, phase, until, note))


def _words(problem: StudioError | OSError) -> str:
    if isinstance(problem, OSError):
        return problem.strerror or str(problem)
    return f"{problem.message}; {problem.hint}".rstrip("; ")
