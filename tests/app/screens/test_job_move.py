"""Taking a running job to another machine."""

from __future__ import annotations

from typing import Any

from studio_tui.app.screens.dialogs import Confirm, Pick
from tests.app.conftest import NOW, until


async def shown(pilot: Any, kind: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))


async def told(pilot: Any, words: str) -> None:
    await until(pilot, lambda: pilot.app.workspace.side_pane.notice.words == words)


async def test_a_job_is_taken_to_another_machine(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.list_job("j1", "char-gpt", "running", started=NOW - 60)
    async with open_app(studio) as pilot:
        await settle(pilot)
        await pilot.press("f4", "m")
        await shown(pilot, Pick)
        assert "local  8 cpus 32G" in text_of(pilot)
        assert "gpu-box  2×H100" not in text_of(pilot)
        picking = pilot.app.screen
        await pilot.press("enter")
        while pilot.app.screen is picking or not isinstance(pilot.app.screen, Pick):
            await pilot.pause()
        await pilot.press("down", "enter")
        await shown(pilot, Confirm)
        await pilot.press("y")
        await told(pilot, "char-gpt is on its way to local ...")
        assert studio.asked("jobs.move") == [
            {"job": "j1", "machine": "local", "precision": "32-true", "restart": False}
        ]
        await settle(pilot)
        assert "→ local carrying" in text_of(pilot)
        studio.moving("j1", phase="done", step=410)
        await told(pilot, "char-gpt goes on on local from step 410")


async def test_a_job_that_leaves_is_kept_after_all(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.list_job("j1", "char-gpt", "running", started=NOW - 60)
    studio.moving("j1", target="local", by="bob", asked=NOW, phase="saving")
    async with open_app(studio) as pilot:
        await settle(pilot)
        await pilot.press("f4", "m")
        await shown(pilot, Confirm)
        assert "bob is taking char-gpt to local" in text_of(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert studio.asked("jobs.stay") == [{"job": "j1"}]


async def test_without_another_machine_it_says_how_to_have_one(
    studio: Any, open_app: Any, settle: Any
) -> None:
    studio.document.machines.remove("local")
    studio.list_job("j1", "char-gpt", "running", started=NOW - 60)
    async with open_app(studio) as pilot:
        await settle(pilot)
        await pilot.press("f4", "m")
        only = "! char-gpt runs on the only machine that there is"
        await told(pilot, f"{only} · add one: studio-tui machine add NAME --host HOST")


async def test_only_a_job_that_runs_can_be_moved(studio: Any, open_app: Any, settle: Any) -> None:
    studio.list_job("j1", "char-gpt", "succeeded", started=1.0, ended=2.0)
    async with open_app(studio) as pilot:
        await settle(pilot)
        await pilot.press("f4", "m")
        await settle(pilot)
        assert studio.asked("machines.list") == []
