"""Runs as playbooks: what has ended, and what may begin then."""

from __future__ import annotations

from studio_tui.pipelines.course import Course, State
from studio_tui.pipelines.spec import Step


def steps(**needs: str) -> dict[str, Step]:
    return {name: Step(name, needs=tuple(of.split())) for name, of in needs.items()}


DIAMOND = steps(a="", b="a", c="a", d="b c")


def test_what_needs_nothing_begins_and_the_rest_follows() -> None:
    course = Course(DIAMOND)
    assert course.ready == ["a"]
    course.began("a")
    assert (course.ready, course.running) == ([], ["a"])
    course.ended("a", State.CACHED)
    assert course.ready == ["b", "c"]
    course.began("b")
    course.began("c")
    course.ended("c", State.SUCCEEDED)
    assert course.ready == []
    assert course.outcome == "running"
    course.ended("b", State.SERVING)
    assert course.ready == ["d"]
    course.ended("d", State.SUCCEEDED)
    assert course.over
    assert course.outcome == "succeeded"


def test_a_failure_skips_what_needs_it_and_nothing_else() -> None:
    course = Course(DIAMOND | steps(e="", f="e"))
    for name in ("a", "b"):
        course.began(name)
    course.ended("a", State.SUCCEEDED)
    course.ended("b", State.FAILED)
    assert course.states["d"] is State.SKIPPED
    assert course.ready == ["c", "e"]
    for name in ("c", "e", "f"):
        course.ended(name, State.SUCCEEDED)
    assert course.outcome == "failed"


def test_a_failure_at_the_start_skips_all() -> None:
    course = Course(DIAMOND)
    course.ended("a", State.FAILED)
    assert [course.states[name].value for name in "bcd"] == ["skipped"] * 3
    assert course.over


def test_a_stop_ends_what_runs_and_begins_nothing() -> None:
    course = Course(DIAMOND)
    course.ended("a", State.SUCCEEDED)
    course.began("b")
    course.stop()
    assert [course.states[name].value for name in "abcd"] == [
        "succeeded", "stopped", "skipped", "skipped",
    ]  # fmt: skip
    assert course.outcome == "stopped"


def test_a_run_goes_on_where_it_was() -> None:
    course = Course(DIAMOND, {"a": State.SUCCEEDED, "b": State.RUNNING, "x": State.FAILED})
    assert course.running == ["b"]
    assert course.ready == ["c"]
