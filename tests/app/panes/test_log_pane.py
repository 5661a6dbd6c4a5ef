"""The log follows a job."""

from __future__ import annotations

from typing import Any

from studio_tui.errors import StudioError


async def test_a_new_job_is_followed_when_the_last_one_is_over(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.logs = {"j1": b"first log\n", "j2": b"second log\n", "j3": b"third log\n"}
    async with open_app(studio) as pilot:
        pane = pilot.app.workspace.log_pane
        studio.list_job("j1", "one", "running", started=1.0)
        await settle(pilot)
        await settle(pilot)
        assert "first log" in text_of(pilot)
        studio.list_job("j2", "two", "running", started=2.0)
        await settle(pilot)
        assert pane.job == "j1"
        studio.list_job("j1", "one", "succeeded", started=1.0, ended=3.0)
        await settle(pilot)
        studio.list_job("j3", "three", "running", started=4.0)
        await settle(pilot)
        await settle(pilot)
        assert pane.job == "j3"
        assert "third log" in text_of(pilot)


async def test_a_chosen_job_is_shown(studio: Any, open_app: Any, settle: Any, text_of: Any) -> None:
    studio.logs = {"j1": b"first log\n", "j2": b"second log\n"}
    studio.list_job("j1", "one", "succeeded", started=1.0, ended=2.0)
    studio.list_job("j2", "two", "running", started=3.0)
    async with open_app(studio) as pilot:
        await settle(pilot)
        assert "second log" in text_of(pilot)
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("down", "enter")
        await settle(pilot)
        await settle(pilot)
        assert "first log" in text_of(pilot)


async def test_a_log_that_cannot_be_read_says_why_here(
    studio: Any, open_app: Any, settle: Any
) -> None:
    studio.refuse["jobs.log"] = StudioError("the log is gone", "run it again")
    studio.list_job("j1", "one", "succeeded", started=1.0, ended=2.0)
    async with open_app(studio) as pilot:
        await settle(pilot)
        await settle(pilot)
        notice = pilot.app.workspace.log_pane.notice
        assert notice.words == "! the log is gone · run it again"


async def test_a_removed_job_leaves(studio: Any, open_app: Any, settle: Any, text_of: Any) -> None:
    async with open_app(studio) as pilot:
        studio.list_job("j1", "one", "running", started=1.0)
        await settle(pilot)
        studio.document.jobs.remove("j1")
        studio.saved()
        await settle(pilot)
        await settle(pilot)
        assert pilot.app.workspace.log_pane.job == ""
        assert "the job was removed" in text_of(pilot)
