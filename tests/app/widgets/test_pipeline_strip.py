"""A pipeline in one row: what it shows, what a press does, when it goes."""

from __future__ import annotations

from typing import Any

from studio_tui.app.widgets.pipeline_strip import OVER_SECONDS, PipelineStrip, strip
from studio_tui.document.entries import PipelineEntry
from tests.app.conftest import NOW

STEPS = [
    {"name": "prepare", "state": "cached", "job": "j1"},
    {"name": "train", "state": "running", "job": "j2"},
    {"name": "good", "state": "waiting"},
]


def shown(run: PipelineEntry, width: int = 999) -> str:
    return "".join(words for words, _, _ in strip(run, width))


def test_each_state_has_a_sign_and_a_failure_its_reason() -> None:
    run = PipelineEntry("r1", "nightly", state="running", steps=STEPS)
    assert shown(run) == " nightly  = prepare  ▶ train  · good "
    copied = {"name": "fetch", "kind": "data", "state": "succeeded", "note": "2 files, 7 bytes"}
    assert shown(PipelineEntry("r1", "n", steps=[copied])) == " n  ✓ fetch 2 files, 7 bytes "
    failed = [{"name": "train", "state": "failed", "note": "exit 3\x1b[2J"}, {"name": 7}, {}]
    assert shown(PipelineEntry("r1", "n\n", steps=failed)) == " n   ✗ train exit 3[2J  ? 7  ?  "


def test_what_is_done_gives_way_to_what_comes() -> None:
    copied = {"name": "fetch", "kind": "data", "state": "cached", "note": "2 files, 7 bytes"}
    run = PipelineEntry("r1", "n", steps=[copied, *STEPS])
    whole = " n  = fetch 2 files, 7 bytes  = prepare  ▶ train  · good "
    assert shown(run, len(whole)) == whole
    assert shown(run, len(whole) - 1) == " n  = fetch  = prepare  ▶ train  · good "
    assert shown(run, 30) == " n  ✓ 2 done  ▶ train  · good "
    assert shown(run, 10) == " n  ✓ 2 done  ▶ train  · good "
    failed = [*STEPS[:1], {"name": "train", "state": "failed", "note": "exit 3"}]
    assert shown(PipelineEntry("r1", "n", steps=failed), 10) == " n  = prepare  ✗ train exit 3 "


async def test_it_stands_while_a_pipeline_runs(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        assert "nightly" not in text_of(pilot)
        studio.list_job("j2", "nightly.train", "running", started=NOW)
        studio.document.pipelines.put(
            PipelineEntry("r1", "nightly", state="running", steps=STEPS, started=NOW)
        )
        studio.saved()
        await settle(pilot)
        assert "nightly  = prepare  ▶ train  · good" in text_of(pilot)
        await pilot.click(PipelineStrip, offset=(25, 0))
        await settle(pilot)
        assert pilot.app.screen.log_pane.job == "j2"
        await pilot.click(PipelineStrip, offset=(2, 0))
        await settle(pilot)
        assert "▶ train  · good" not in text_of(pilot)

        long_over = NOW - OVER_SECONDS - 1
        studio.document.pipelines.put(
            PipelineEntry(
                "r2", "weekly", state="failed", steps=[], started=NOW + 1, ended=long_over
            )
        )
        studio.saved()
        await settle(pilot)
        assert "weekly" not in text_of(pilot)
