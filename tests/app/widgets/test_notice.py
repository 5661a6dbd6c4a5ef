"""The line for problems and news."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import ComposeResult

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.widgets import notice as notice_module
from studio_tui.app.widgets.notice import Notice
from studio_tui.errors import Away, StudioError


class One(SafeApp[None]):
    def compose(self) -> ComposeResult:
        yield Notice()


async def test_it_comes_and_goes() -> None:
    app = One()
    async with app.run_test() as pilot:
        notice = app.query_one(Notice)
        assert not notice.display
        notice.problem(StudioError("no such [b]file[/b]"))
        await pilot.pause()
        assert notice.display
        assert notice.words == "! no such [b]file[/b]"
        notice.news("merged")
        assert notice.words == "merged"
        assert notice.has_class("-news")
        await pilot.click(Notice)
        assert not notice.display
        assert notice.words == ""


async def test_only_what_was_said_of_somebody_away_passes_with_them() -> None:
    app = One()
    async with app.run_test():
        notice = app.query_one(Notice)
        notice.problem(Away("the studio's host is away"))
        notice.passed()
        assert not notice.words
        notice.problem(Away("the studio's host is away"))
        notice.problem(StudioError("the disk is full"))
        notice.passed()
        assert notice.words == "! the disk is full"


async def test_it_fades_unless_something_else_is_said_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notice_module, "FADE_SECONDS", 0.01)
    app = One()
    async with app.run_test() as pilot:
        notice = app.query_one(Notice)
        notice.news("merged")
        notice.fade()
        notice.news("stays")
        async with asyncio.timeout(10):
            while not all(timer._task is None or timer._task.done() for timer in notice._timers):
                await pilot.pause()
        assert notice.words == "stays"
        notice.fade()
        async with asyncio.timeout(10):
            while notice.words:
                await pilot.pause()
        assert not notice.display
