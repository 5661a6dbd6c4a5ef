"""Data as an attached studio asks its host for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.client.data import numeric
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from .conftest import Soon, Stage


def test_columns_of_numbers_alone() -> None:
    rows = [["7", "1e-3", "7 up", "", "nan", ""], ["", "-2.5", "8", "", "1"], ["1"]]
    assert numeric(rows) == {0, 1, 4}
    assert numeric([]) == numeric([[], []]) == set()


COPY = {"copy": "c1", "url": "s3://b/k", "path": "k", "state": "running", "done": 5, "total": 10}


async def test_a_copy_is_followed_to_its_end(stage: Stage) -> None:
    host = stage.host
    states = iter([{**COPY, "done": 8}, {**COPY, "state": "done", "result": {"files": 1}}])
    host.answers |= {"data.get": lambda _: COPY, "data.copy": lambda _: next(states)}
    async with stage.studio("ana") as ana:
        seen: list[tuple[int, int | None]] = []
        done = await ana.data("s3://b/k").get(
            "k", on_progress=lambda copy: seen.append((copy.done, copy.total))
        )
        assert done.result == {"files": 1}
        assert seen == [(5, 10), (8, 10)]
        assert [asked["after"] for asked in host.asked("data.copy")] == [5, 8]


async def test_what_everybody_copies_is_listed(stage: Stage) -> None:
    stage.host.answers |= {"data.copies": lambda _: {"copies": [COPY, {"copy": 3}, None]}}
    async with stage.studio("ana") as ana:
        assert [(copy.copy, copy.done) for copy in await ana.data().copies()] == [("c1", 5)]


async def test_a_copy_that_fails_says_why(stage: Stage) -> None:
    failed = {**COPY, "state": "failed", "message": "no room", "hint": "make some"}
    stage.host.answers |= {"data.put": lambda _: failed}
    async with stage.studio("ana") as ana:
        with pytest.raises(StudioError, match="no room") as said:
            await ana.data("s3://b/k").put("k")
        assert said.value.hint == "make some"


async def test_who_stops_waiting_stops_the_copy(stage: Stage, soon: Soon) -> None:
    stage.host.answers |= {"data.get": lambda _: COPY, "data.stop": lambda _: {}}
    async with stage.studio("ana") as ana:
        getting = asyncio.create_task(ana.data("s3://b/k").get("k"))
        await soon(ana, lambda: bool(stage.host.asked("data.copy")))
        getting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await getting
        assert stage.host.asked("data.stop") == [{"copy": "c1"}]


@pytest.mark.parametrize("told", [{}, {"entries": [1], "token": ""}, {"entries": [], "token": 1}])
async def test_an_answer_that_makes_no_sense_is_said(stage: Stage, told: dict[str, Any]) -> None:
    stage.host.answers |= {"data.list": lambda _: told}
    async with stage.studio("ana") as ana:
        with pytest.raises(StudioError):
            await ana.data("s3://b/").page()
