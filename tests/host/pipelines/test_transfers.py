"""What a copy of a step asks of the host; test_pipelines.py has real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.host.pipelines.transfers import ABSENT, CopyStopped, Transfers, told
from studio_tui.pipelines.transfer import Transfer

FOLDER = Transfer("s3://b/d/", "d", False)
FILE = Transfer("s3://b/k", "k", False)
SENT = Transfer("s3://b/k", "k", True)


def answering(answers: dict[str, Callable[[dict[str, Any]], Any]]) -> tuple[Transfers, list[str]]:
    """A host that answers so, and what it was asked."""
    asked: list[str] = []

    async def ask(method: str, params: dict[str, Any], by: str = "host") -> dict[str, Any]:
        asked.append(method)
        await asyncio.sleep(0)
        found: dict[str, Any] = answers[method](params)
        return found

    return Transfers(ask), asked


def entry(name: str, tag: str = "t", size: int | None = 1, modified: float | None = None) -> Any:
    return {"name": name, "tag": tag, "size": size, "modified": modified}


def listing(*pages: list[Any]) -> Transfers:
    def page(params: dict[str, Any]) -> dict[str, Any]:
        at = int(params["token"] or 0)
        return {"entries": pages[at], "token": str(at + 1) if at + 1 < len(pages) else ""}

    return answering({"data.list": page})[0]


async def test_a_mark_changes_with_each_name_size_and_tag() -> None:
    a, b = entry("a"), entry("b")
    mark = await listing([a, b]).mark(FOLDER)
    assert mark == await listing([a], [b]).mark(FOLDER)  # however it is paged
    others = [
        [a], [a, entry("c")], [a, entry("b", size=2)], [a, entry("b", tag="u")],
        [a, entry("b", tag="", modified=5.0)], [a, entry("b", tag="", modified=6.0)],
    ]  # fmt: skip
    marks = [await listing(each).mark(FOLDER) for each in others]
    assert len({mark, *marks}) == 7
    assert await listing([a, entry("b", tag="")]).mark(FOLDER) == ""  # nobody could tell


async def test_what_is_not_there_is_an_error_only_to_who_fetches_it() -> None:
    def absent(_: dict[str, Any]) -> Any:
        raise NotFound("there is no k", "look")

    transfers, _ = answering({"data.stat": absent})
    assert await transfers.mark(SENT) == ABSENT
    with pytest.raises(NotFound):
        await transfers.mark(FILE)


RUNNING = {"copy": "c1", "state": "running", "done": 0}


@pytest.mark.parametrize(("state", "kind"), [("stopped", CopyStopped), ("failed", StudioError)])
async def test_how_a_copy_ends_is_told(state: str, kind: type[StudioError]) -> None:
    ended = {**RUNNING, "state": state, "message": "no disk", "hint": "look"}
    transfers, asked = answering({"data.get": lambda _: RUNNING, "data.copy": lambda _: ended})
    with pytest.raises(kind, match="no disk") as raised:
        await transfers.carry(FILE, "ana")
    assert type(raised.value) is kind
    assert asked == ["data.get", "data.copy"]


async def test_whoever_is_cancelled_stops_the_copy() -> None:
    transfers, asked = answering(
        {"data.put": lambda _: RUNNING, "data.copy": lambda _: RUNNING, "data.stop": lambda _: {}}
    )
    carrying = asyncio.create_task(transfers.carry(SENT, "ana"))
    while "data.copy" not in asked:
        await asyncio.sleep(0)
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    assert asked[-1] == "data.stop"


def test_a_result_in_words() -> None:
    copied = {
        "files": 2, "bytes": 30, "rows": None, "checked": "md5", "skipped": [], "passed_over": 0,
    }  # fmt: skip
    assert told(copied) == "2 files, 30 bytes, md5 agrees"
    single = copied | {"files": 1, "rows": 7, "checked": "", "skipped": ["..: no"]}
    assert told(single | {"passed_over": 3}) == "1 file, 30 bytes, 7 rows, 3 passed over: ..: no"
    assert told({"size": 30, "tag": "abc"}) == "30 bytes, tag abc"
    assert told({"size": 30, "tag": ""}) == "30 bytes"
