"""The course of one run of a pipeline: what may begin, what is left out, how it ends; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from studio_tui.pipelines.spec import Step


class State(StrEnum):
    """How a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CACHED = "cached"  # nothing had changed since it succeeded
    SERVING = "serving"  # its server is well, and runs on
    FAILED = "failed"
    SKIPPED = "skipped"  # a step that it needs did not succeed
    STOPPED = "stopped"

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it in this run."""
        return self not in (State.WAITING, State.RUNNING)

    @property
    def good(self) -> bool:
        """Whether what needs it may begin."""
        return self in (State.SUCCEEDED, State.CACHED, State.SERVING)


class Course:
    """How far a run is.

    Args:
        steps: the pipeline's.
        states: of a run that was begun before; a step that is not in it waits.
    """

    def __init__(
        self, steps: Mapping[str, Step], states: Mapping[str, State] | None = None
    ) -> None:
        self._steps = steps
        self.states = dict.fromkeys(steps, State.WAITING)
        self.states.update({n: s for n, s in (states or {}).items() if n in steps})

    @property
    def ready(self) -> list[str]:
        """The steps that may begin now."""
        return [
            name
            for name, step in self._steps.items()
            if self.states[name] is State.WAITING
            and all(self.states[need].good for need in step.needs)
        ]

    @property
    def running(self) -> list[str]:
        """The steps that have begun and are not over."""
        return [name for name, state in self.states.items() if state is State.RUNNING]

    def began(self, name: str) -> None:
        """A step begins."""
        self.states[name] = State.RUNNING

    def ended(self, name: str, state: State) -> None:
        """A step is over; those that need it and cannot have it are skipped."""
        self.states[name] = state
        if not state.good:
            self._skip(name)

    def stop(self) -> None:
        """Nothing more begins, and what runs is stopped."""
        for name, state in self.states.items():
            if not state.over:
                self.states[name] = State.STOPPED if state is State.RUNNING else State.SKIPPED

    def _skip(self, failed: str) -> None:
        for name, step in self._steps.items():
            if failed in step.needs and self.states[name] is State.WAITING:
                self.states[name] = State.SKIPPED
                self._skip(name)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return all(state.over for state in self.states.values())

    @property
    def outcome(self) -> str:
        """running, succeeded, failed or stopped."""
        return outcome(self.states.values())


def outcome(states: Iterable[State]) -> str:
    """How a run with these steps is."""
    found = list(states)
    if not all(state.over for state in found):
        return "running"
    if State.STOPPED in found:
        return "stopped"
    return "succeeded" if all(state.good for state in found) else "failed"
