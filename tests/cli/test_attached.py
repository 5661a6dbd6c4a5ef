"""Doing one thing in an attached studio."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.attached import attached
from studio_tui.client import start
from studio_tui.document.entries import QuestionEntry
from studio_tui.errors import NotFound, UsageFault
from studio_tui.settings import studios

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

    from .conftest import Hosted


def test_the_result_of_what_is_done(hosted: Hosted) -> None:
    async def work(studio: Studio) -> str:
        assert studio.reachable
        return studio.document.info.name

    assert attached(hosted.id, work) == "work"


def test_what_is_raised_comes_out_as_it_is(hosted: Hosted) -> None:
    async def work(studio: Studio) -> None:
        raise UsageFault("not like this", "like that")

    with pytest.raises(UsageFault, match="not like this"):
        attached(hosted.id, work)


def test_who_waits_hears_that_the_studio_is_away_and_back(
    hosted: Hosted, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(studio: Studio) -> None:
        os.kill(studios.find(hosted.id).pid, signal.SIGKILL)
        await studio.until(lambda: not studio.reachable)
        await asyncio.to_thread(start.ensure, hosted.folder)
        await studio.until(lambda: studio.reachable)

    attached(hosted.id, work, patient=True)
    away, back = capsys.readouterr().err.splitlines()
    assert away.startswith("waiting for the studio: ")
    assert back == "the studio is back"


def test_who_waits_hears_once_what_a_machine_asks(
    hosted: Hosted, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(studio: Studio) -> None:
        text = "trust \x1b[2J its key?"
        studio.document.questions.put(QuestionEntry("q1", "gpu-box", "trust", text))
        await studio.until(lambda: not studio.unsaved)
        studio.document.questions.put(QuestionEntry("q1", "gpu-box", "trust", text))

    attached(hosted.id, work)
    asks, answer = capsys.readouterr().err.splitlines()
    assert asks.startswith("gpu-box asks: trust")
    assert "\x1b" not in asks
    assert answer.endswith(f"studio-tui attach {hosted.id}")


def test_a_studio_that_is_not_there() -> None:
    async def work(studio: Studio) -> None:
        raise AssertionError

    with pytest.raises(NotFound, match="no studio 'calm-otter'"):
        attached("calm-otter", work)
