from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from relay_server.wire import Sender
from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.calls import Params
from studio_tui.host.files import search as search_module
from tests.host.conftest import eventually, folder_on

if TYPE_CHECKING:
    from tests.host.conftest import Bench


async def test_what_people_type_is_found_before_anybody_saves(bench: Bench) -> None:
    (bench.root / "a.py").write_text("x = 1\n")
    (bench.root / "b.py").write_text("y = 2\n")
    async with bench.files():
        ana = await bench.attach("ana")
        file = await ana.file("a.py")
        await file.insert(0, "needle = 0\n")
        await file.saved()
        found = await ana.query("files.search", query="NEEDLE|y", regex=True)
        assert found == {
            "hits": [
                {"path": "a.py", "line": 1, "text": "needle = 0", "spans": [[0, 6]]},
                {"path": "b.py", "line": 1, "text": "y = 2", "spans": [[0, 1]]},
            ],
            "truncated": False,
        }


async def test_no_secrets_are_found(bench: Bench) -> None:
    (bench.root / ".env").write_text("KEY=needle\n")
    (bench.root / ".ssh").mkdir()
    (bench.root / ".ssh" / "id").write_text("needle\n")
    (bench.root / "a.py").write_text("needle\n")
    async with bench.files():
        viewer = await bench.attach("vic", "viewer")
        found = await viewer.query("files.search", query="needle")
        assert [hit["path"] for hit in found["hits"]] == ["a.py"]
        found = await viewer.query("files.search", query="needle", limit=1)
        assert not found["truncated"]


async def test_the_hosts_own_folders_are_not_searched(bench: Bench) -> None:
    private = bench.root / "state"
    private.mkdir()
    (private / "token").write_text("needle\n" * 2)
    async with folder_on(bench.home / "machine", bench.root, [private]) as folder:
        search = search_module.Search(lambda: folder, lambda: asyncio.sleep(0))
        params = Params({"query": "needle", "limit": 1}, Sender(1, "vic", "viewer"))
        assert await search.call(params) == {"hits": [], "truncated": False}


async def test_what_makes_no_sense_is_refused(bench: Bench) -> None:
    async with bench.files():
        ana = await bench.attach("ana")
        for wrong in ({"query": "(", "regex": True}, {"query": "x" * 2000}, {"query": 1}):
            with pytest.raises(UsageFault):
                await ana.query("files.search", **wrong)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> dict[str, Any]:
    """A search that Python itself would not finish in a lifetime."""
    monkeypatch.setenv("PATH", str(bench.home))
    (bench.root / "a.txt").write_text("a" * 200 + "!\n")
    return {"query": "(a|aa)+$", "regex": True}


async def test_a_search_without_end_is_given_up(
    bench: Bench, endless: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "PATIENCE", 0.5)
    async with bench.files():
        ana = await bench.attach("ana")
        with pytest.raises(StudioError, match="too long"):
            await ana.query("files.search", **endless)


async def test_a_new_search_ends_the_one_before(bench: Bench, endless: dict[str, Any]) -> None:
    async with bench.files():
        ana = await bench.attach("ana")
        first = asyncio.create_task(ana.query("files.search", **endless))
        second = await ana.query("files.search", query="!")
        while not second["hits"]:  # it may have come first
            second = await ana.query("files.search", query="!")
        await eventually(first.done)
        assert second["hits"][0]["path"] == "a.txt"
        first.exception()


async def test_of_searches_at_the_same_time_one_goes_on(
    bench: Bench, endless: dict[str, Any]
) -> None:
    async with bench.files():
        ana = await bench.attach("ana")
        searches = [
            asyncio.create_task(ana.query("files.search", **endless))
            for _ in range(search_module.AT_ONCE + 2)
        ]
        for search in searches[:-1]:
            await eventually(search.done)
            assert search.result() == {"hits": [], "truncated": True}
        assert not searches[-1].done()
        assert await ana.query("files.search", query="") == {"hits": [], "truncated": False}
        await eventually(searches[-1].done)
