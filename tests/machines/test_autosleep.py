"""When a machine is put to sleep: events in, effects out."""

from __future__ import annotations

import random
from typing import Any

import pytest

from studio_tui.errors import UsageFault
from studio_tui.machines.autosleep import (
    COUNTDOWN,
    EXTENSION,
    LAST_WORDS,
    SILENCE,
    AutoSleep,
    Cancelled,
    Effect,
    Sleep,
    SleepPolicy,
    Warn,
    read_policy,
)
from studio_tui.meters.sample import GPU, GPUProcess

AFTER = 1200.0
IDLE = GPU(0, utilisation=0.049)
IDLE_WORDS = "nobody has used it for 20 minutes"


class Machine:
    """An AutoSleep whose meters bring idle samples, with the effects of every second."""

    def __init__(self, **policy: float | None) -> None:
        self.now = 0.0
        self.sleep = AutoSleep(SleepPolicy(**{"sleep_after": AFTER, **policy}), 0.0)
        self.gpus: tuple[GPU, ...] | None = (IDLE,)

    def until(self, time: float) -> list[tuple[float, Effect]]:
        seen: list[tuple[float, Effect]] = []
        while self.now < time:
            self.now += 1
            effects = self.sleep.sample(self.gpus, self.now) if self.gpus is not None else []
            seen += [(self.now, effect) for effect in effects + self.sleep.tick(self.now)]
        return seen


def test_an_idle_machine_is_told_of_and_then_sleeps_once() -> None:
    machine = Machine()
    assert machine.until(AFTER - 1) == []
    warn = Warn(AFTER + COUNTDOWN, IDLE_WORDS)
    assert machine.until(AFTER) == [(AFTER, warn)]
    assert machine.sleep.warning == warn
    assert machine.until(3 * AFTER) == [(AFTER + COUNTDOWN, Sleep(IDLE_WORDS))]
    assert machine.sleep.warning is None
    assert machine.sleep.key(3 * AFTER) == []


def test_a_machine_without_gpus() -> None:
    machine = Machine()
    machine.gpus = ()
    assert [at for at, _ in machine.until(AFTER + COUNTDOWN)] == [AFTER, AFTER + COUNTDOWN]


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda s, now: s.key(now), "somebody typed"),
        (lambda s, now: s.job_started("a", now), "a job runs"),
        (lambda s, now: s.sample([IDLE, GPU(1, utilisation=0.05)], now), "a GPU is busy"),
        (lambda s, now: s.sample([GPU(0, processes=(GPUProcess(1),))], now), "a GPU is busy"),
        (lambda s, now: s.veto("ana", now), "ana keeps it up"),
    ],
)
def test_any_use_ends_the_countdown_and_the_time_counts_anew(use: Any, words: str) -> None:
    machine = Machine()
    machine.until(AFTER + 60)
    assert use(machine.sleep, machine.now) == [Cancelled(words)]
    machine.sleep.job_ended("a", machine.now)
    assert machine.until(2 * AFTER + 59) == []
    assert machine.until(2 * AFTER + 60) == [
        (2 * AFTER + 60, Warn(2 * AFTER + 60 + COUNTDOWN, IDLE_WORDS))
    ]


def test_use_before_the_countdown_says_nothing() -> None:
    machine = Machine()
    machine.until(100)
    assert machine.sleep.key(100) == []
    assert machine.sleep.veto("ana", 100) == []
    assert machine.until(100 + AFTER - 1) == []
    assert len(machine.until(100 + AFTER)) == 1


def test_a_job_that_runs_for_days_keeps_it_up_until_its_end() -> None:
    machine = Machine()
    machine.sleep.job_started("a", 0)
    machine.sleep.job_started("b", 0)
    machine.sleep.job_ended("b", 10)
    assert machine.sleep.job_ended("stranger", 20) == []
    assert machine.until(10 * AFTER) == []
    assert machine.sleep.job_ended("a", machine.now) == []
    assert [at for at, _ in machine.until(11 * AFTER)] == [11 * AFTER]


def test_silent_meters_let_nothing_sleep() -> None:
    machine = Machine()
    machine.gpus = None
    assert machine.until(3 * AFTER) == []
    machine.gpus = (IDLE,)
    back = machine.now + 1
    assert [at for at, _ in machine.until(5 * AFTER)] == [back + AFTER, back + AFTER + COUNTDOWN]


def test_meters_that_fall_silent_end_the_countdown() -> None:
    machine = Machine()
    machine.until(AFTER)
    machine.gpus = None
    assert machine.until(2 * AFTER) == [(AFTER + SILENCE + 1, Cancelled("its meters are silent"))]


def test_a_gpu_that_tells_nothing_is_no_use() -> None:
    machine = Machine()
    machine.gpus = (GPU(0),)
    assert len(machine.until(AFTER)) == 1


def test_the_longest_runtime_ends_whatever_goes_on_but_not_unsaid() -> None:
    machine = Machine(max_runtime=7200.0)
    machine.sleep.job_started("a", 0)
    words = "it has run for its 2 hours"
    assert machine.until(7200 - LAST_WORDS) == [(7200 - LAST_WORDS, Warn(7200.0, words))]
    assert machine.sleep.key(machine.now) == []
    assert machine.until(10_000) == [(7200, Sleep(words))]


def test_a_veto_prolongs_the_longest_runtime() -> None:
    machine = Machine(max_runtime=7200.0)
    machine.sleep.job_started("a", 0)
    machine.until(7000)
    assert machine.sleep.veto("ana", 7000) == [Cancelled("ana keeps it up for another 1 hour")]
    later = 7200 + EXTENSION
    assert [at for at, _ in machine.until(20_000)] == [later - LAST_WORDS, later]


def test_the_longest_runtime_counts_from_the_machines_start_and_is_told_of_even_when_over() -> None:
    policy = SleepPolicy(None, 3600.0)
    sleep = AutoSleep(policy, 10_000.0, started=1000.0)
    words = "it has run for its 1 hour"
    assert sleep.tick(10_001) == [Warn(10_001 + COUNTDOWN, words)]
    assert sleep.tick(10_001 + COUNTDOWN) == [Sleep(words)]


def test_the_longest_runtime_needs_no_meters() -> None:
    machine = Machine(max_runtime=3600.0)
    machine.gpus = None
    assert [at for at, _ in machine.until(3600)] == [3600 - LAST_WORDS, 3600]


def test_a_machine_that_never_sleeps() -> None:
    assert Machine(sleep_after=None).until(5 * AFTER) == []


def test_nothing_sleeps_without_a_warning_and_nothing_that_is_used() -> None:
    """Whatever comes in whatever order: a warning, its whole time, and only then sleep."""
    for seed in range(200):
        draw = random.Random(seed)
        sleep, now, used, warned = AutoSleep(SleepPolicy(60.0), 0.0), 0.0, 0.0, None
        jobs: set[str] = set()
        for _ in range(400):
            now += draw.choice([0.5, 5.0, 20.0])
            job, busy = draw.choice("ab"), draw.random() < 0.03
            event = draw.choice(["tick"] * 4 + ["sample"] * 4 + ["key", "start", "end"])
            effects: list[Effect] = []
            if event == "tick":
                effects = sleep.tick(now)
            elif event == "sample":
                effects = sleep.sample([GPU(0, utilisation=1.0 if busy else 0.0)], now)
                used = now if busy else used
            elif draw.random() < 0.1 and (event != "end" or job in jobs):
                used = now
                if event == "key":
                    effects = sleep.key(now)
                elif event == "start":
                    effects = sleep.job_started(job, now)
                    jobs.add(job)
                else:
                    effects = sleep.job_ended(job, now)
                    jobs.discard(job)
            for effect in effects:
                if isinstance(effect, Warn):
                    assert (warned, jobs) == (None, set())
                    assert now - used >= 60
                    warned = effect
                elif isinstance(effect, Cancelled):
                    assert warned is not None
                    warned = None
                else:
                    assert warned is not None
                    assert now >= warned.until
                    assert now - used >= 60 + COUNTDOWN
            if any(isinstance(effect, Sleep) for effect in effects):
                break


def test_a_policy_of_the_configuration() -> None:
    assert read_policy("big", {}) == SleepPolicy(None, None)
    assert read_policy("big", {"sleep_after": "30m", "max_runtime": "8h"}) == SleepPolicy(
        1800, 28800
    )
    assert read_policy("big", {"sleep_after": "never"}) == SleepPolicy(None, None)


@pytest.mark.parametrize("value", ["soon", "0m", "", 20, None, "-5m"])
def test_a_policy_that_makes_no_sense(value: object) -> None:
    for key in ("sleep_after", "max_runtime"):
        with pytest.raises(UsageFault, match=f"machine 'big' has {key} = ") as raised:
            read_policy("big", {key: value})
        assert "20m" in raised.value.hint
