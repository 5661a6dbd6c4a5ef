"""When a machine that nobody uses is put to sleep, as a pure state machine without a clock.

Somebody uses a machine while keys are typed, a job runs, or a GPU is busy: it is idle when none of
the three has been seen for `sleep_after`. Where the meters are silent nobody can tell: it is not.
Before it sleeps, a countdown runs that everybody sees; any use ends it, and so does a veto. After
`max_runtime` a countdown begins whatever is going on, and only a veto ends that one.

Every `now` is in seconds of one clock of the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from studio_tui.errors import UsageFault
from studio_tui.machines.duration import read_duration, tell_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from studio_tui.meters.sample import GPU

BUSY = 0.05  # of a GPU's time; below it, it is idle
SILENCE = 60.0  # seconds without a sample after which nobody knows what the GPUs do
COUNTDOWN = 120.0  # seconds from the warning of an idle machine to its sleep
LAST_WORDS = 600.0  # seconds from the warning of max_runtime to its sleep: work has to be saved
EXTENSION = 3600.0  # seconds that a veto adds to max_runtime
NEVER = "never"


@dataclass(frozen=True, slots=True)
class SleepPolicy:
    """When a machine sleeps; None is never.

    Attributes:
        sleep_after: seconds without any use.
        max_runtime: seconds since it was started.
    """

    sleep_after: float | None = None
    max_runtime: float | None = None


def read_policy(name: str, entry: Mapping[str, Any]) -> SleepPolicy:
    """What `[machines.NAME]` says with `sleep_after` and `max_runtime`; never where it is silent.

    Raises:
        UsageFault: a value is no length of time.
    """
    return SleepPolicy(_length(name, "sleep_after", entry), _length(name, "max_runtime", entry))


def _length(name: str, key: str, entry: Mapping[str, Any]) -> float | None:
    if entry.get(key, NEVER) == NEVER:
        return None
    if not (seconds := read_duration(entry[key])):
        raise UsageFault(
            f"machine {name!r} has {key} = {entry[key]!r}", f'write {key} = "20m", "8h" or "never"'
        )
    return float(seconds)


@dataclass(frozen=True, slots=True)
class Warn:
    """Everybody is to see that the machine sleeps at `until`, and why."""

    until: float
    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The countdown is over and the machine stays, because of this."""

    reason: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """The machine is to be stopped now."""

    reason: str


Effect: TypeAlias = Warn | Cancelled | Sleep


class AutoSleep:
    """One running machine that the studio started. It says Sleep once, and nothing after it.

    Args:
        now: the time of its start, or of the start of this watch: its idle time counts from there.
        started: when the machine was started, for max_runtime; `now` when None.
    """

    def __init__(self, policy: SleepPolicy, now: float, *, started: float | None = None) -> None:
        self._policy = policy
        self._used = now
        self._jobs: set[str] = set()
        self._sampled = now
        self._ends = (
            None
            if policy.max_runtime is None
            else (now if started is None else started) + policy.max_runtime
        )
        self._warned: Warn | None = None
        self._last_words = False
        self._asleep = False

    @property
    def warning(self) -> Warn | None:
        """The countdown that runs; None when none does."""
        return self._warned

    def key(self, now: float) -> list[Effect]:
        """Somebody typed into a terminal or a file."""
        return self._use(now, "somebody typed")

    def job_started(self, job: str, now: float) -> list[Effect]:
        """A job runs on the machine from now on."""
        self._jobs.add(job)
        return self._use(now, "a job runs")

    def job_ended(self, job: str, now: float) -> list[Effect]:
        """It does no more; nothing happens for one that nobody told of."""
        if job not in self._jobs:
            return []
        self._jobs.discard(job)
        return self._use(now, "a job has just ended")

    def sample(self, gpus: Iterable[GPU], now: float) -> list[Effect]:
        """The meters' reading, no GPU at all included."""
        unseen = now - self._sampled > SILENCE
        self._sampled = now
        if any(_busy(gpu) for gpu in gpus):
            return self._use(now, "a GPU is busy")
        return self._use(now, "its meters were silent") if unseen else []

    def veto(self, who: str, now: float) -> list[Effect]:
        """Somebody wants it to stay; without a countdown that counts as use alone."""
        if self._last_words and self._ends is not None:
            self._ends = max(self._ends, now) + EXTENSION
            self._last_words = False
            return self._cancel(f"{who} keeps it up for another {tell_duration(EXTENSION)}", now)
        return self._use(now, f"{who} keeps it up")

    def tick(self, now: float) -> list[Effect]:
        """Time has passed; called every few seconds."""
        if self._asleep:
            return []
        silent = now - self._sampled > SILENCE
        effects: list[Effect] = []
        if self._warned is not None and not self._last_words and silent:
            effects += self._cancel("its meters are silent", now)
        if self._warned is not None:
            return self._sleep() if now >= self._warned.until else effects
        if self._ends is not None and now >= self._ends - LAST_WORDS:
            self._last_words = True
            return [*effects, self._warn(max(self._ends, now + COUNTDOWN), self._runtime())]
        if self._idle(now) and not silent:
            return [*effects, self._warn(now + COUNTDOWN, self._idleness())]
        return effects

    # -- inside -------------------------------------------------------------------------------

    def _use(self, now: float, why: str) -> list[Effect]:
        self._used = max(self._used, now)
        if self._warned is None or self._last_words or self._asleep:
            return []
        return self._cancel(why, now)

    def _cancel(self, why: str, now: float) -> list[Effect]:
        self._warned = None
        self._used = max(self._used, now)
        return [Cancelled(why)]

    def _idle(self, now: float) -> bool:
        after = self._policy.sleep_after
        return after is not None and not self._jobs and now - self._used >= after

    def _warn(self, until: float, reason: str) -> Warn:
        self._warned = Warn(until, reason)
        return self._warned

    def _sleep(self) -> list[Effect]:
        assert self._warned is not None
        reason, self._warned, self._asleep = self._warned.reason, None, True
        return [Sleep(reason)]

    def _idleness(self) -> str:
        return f"nobody has used it for {tell_duration(self._policy.sleep_after or 0)}"

    def _runtime(self) -> str:
        return f"it has run for its {tell_duration(self._policy.max_runtime or 0)}"


def _busy(gpu: GPU) -> bool:
    # One that does not tell its load, such as a MIG slice, may still tell who computes on it.
    if gpu.utilisation is None:
        return bool(gpu.processes)
    return gpu.utilisation >= BUSY
