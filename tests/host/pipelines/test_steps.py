"""What is kept of runs: their entry for everybody, and what they have done, for the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from studio_tui.document.replica import Replica
from studio_tui.document.studio import StudioDocument
from studio_tui.host.pipelines import steps
from studio_tui.host.pipelines.steps import Done, Run, Steps
from studio_tui.pipelines.course import State
from studio_tui.pipelines.spec import read

STEPS = {"b": {"command": ["true"], "needs": ["a"]}, "a": {"command": ["true"]}}
TWO = {"name": "n", "steps": STEPS}


def test_a_run_tells_its_steps_in_order() -> None:
    run = Run("r1", read(TWO), False, "ana", 5.0)
    run.course.began("a")
    run.tell("a", job="j1")
    entry = run.entry()
    assert entry.steps == [
        {"name": "a", "kind": "job", "state": "running", "job": "j1"},
        {"name": "b", "kind": "job", "state": "waiting"},
    ]
    assert (entry.state, entry.by, entry.started) == ("running", "ana", 5.0)
    again = Run("r1", read(TWO), False, "ana", 5.0, {s["name"]: dict(s) for s in entry.steps})
    assert again.course.running == ["a"]
    run.course.ended("a", State.FAILED)
    assert run.entry(ended=7.0).state == "failed"


def test_a_state_that_there_is_not_is_no_run() -> None:
    with pytest.raises(ValueError, match="flying"):
        Run("r1", read(TWO), False, "ana", 5.0, {"a": {"state": "flying"}})


def test_what_was_done_is_found_and_the_oldest_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_KEPT", 2)
    done = Done(tmp_path / "done.json")
    assert done.find("k1", "") == ""
    for key in ("k1", "k2", "k1", "k3"):
        done.keep(key, f"job of {key}", "x")
    assert [Done(tmp_path / "done.json").find(f"k{n}", "x") for n in (1, 2, 3)] == [
        "job of k1", "", "job of k3",
    ]  # fmt: skip
    assert done.find("k1", "y") == ""  # its outputs are another one's now
    for text in ('{"k1": "job"}', '{"k1": [1, "x"]}', '{"k1": []}', "{broken"):
        (tmp_path / "done.json").write_text(text)
        assert done.find("k1", "x") == ""


async def test_a_fault_of_the_hosts_own_fails_the_step_alone(tmp_path: Path) -> None:
    bound = {"kind": "check", "metric": "loss", "of": "a", "below": 1}
    run = Run("r1", read({"steps": {"a": {"command": ["true"]}, "good": bound}}), False, "ana", 5.0)

    async def ask(method: str, params: dict[str, Any], by: str = "host") -> dict[str, Any]:
        return {"metrics": {"loss": [(1, "not a number")]}}

    nothing, document = cast(Any, None), StudioDocument(Replica())
    doing = Steps(ask, nothing, document, nothing, Done(tmp_path / "done.json"))
    assert await doing.do(run, run.pipeline.steps["good"], lambda: None) is State.FAILED
    assert "its log says why" in run.told["good"]["note"]
