"""Pipelines as a script sees them; tests/host/pipelines has what a host does with them."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.document.entries import PipelineEntry, ScheduleEntry
from studio_tui.errors import NotFound


async def test_a_run_is_begun_found_and_waited_for(stage: Any, soon: Any) -> None:
    studio = await stage.attach()
    pipelines = stage.host.document.pipelines

    def begin(params: dict[str, Any]) -> dict[str, Any]:
        pipelines.put(PipelineEntry("r2", "nightly", started=2.0))
        return PipelineEntry("r2", "nightly", started=2.0).plain()

    pipelines.put(PipelineEntry("r1", "nightly", state="failed", started=1.0))
    stage.host.answers["pipelines.run"] = begin
    run = await studio.pipelines.run("pipeline.toml", force=True)
    assert stage.host.asked("pipelines.run") == [{"force": True, "path": "pipeline.toml"}]
    assert [entry.id for entry in studio.pipelines.runs()] == ["r2", "r1"]
    assert studio.pipelines.find("nightly").id == "r2"
    assert studio.pipelines.find("r1").entry.state == "failed"
    with pytest.raises(NotFound, match="no pipeline 'weekly'"):
        studio.pipelines.find("weekly")

    pipelines.put(PipelineEntry("r2", "nightly", state="succeeded", started=2.0))
    assert (await run.wait()).state == "succeeded"
    pipelines.remove("r2")
    await soon(studio, lambda: len(studio.pipelines.runs()) == 1)
    with pytest.raises(NotFound, match="forgotten"):
        await run.wait()


async def test_times_are_listed_by_the_next(stage: Any, soon: Any) -> None:
    studio = await stage.attach()
    for path, moment in (("b.toml", 9.0), ("a.toml", 20.0)):
        stage.host.document.schedules.put(ScheduleEntry(path, "@daily", next=moment))
    await soon(studio, lambda: len(studio.pipelines.schedules()) == 2)
    assert [schedule.id for schedule in studio.pipelines.schedules()] == ["b.toml", "a.toml"]
