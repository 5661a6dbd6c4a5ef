"""Sources of data behind the studio's calls: who may, what is told, and what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.data.data import Data
from tests.data.stores import SECRET, Store
from tests.host.conftest import Bench, folder_on


@asynccontextmanager
async def hosted(bench: Bench) -> AsyncIterator[None]:
    """A host with a folder and sources of data."""
    async with folder_on(bench.home / "machine", bench.root) as folder, bench.host() as parts:
        parts.answer(Data(lambda: folder, parts.tasks).calls())
        yield


async def test_data_is_looked_at_and_copied_both_ways(bench: Bench, nanio: Store) -> None:
    nanio.table("lake")
    bucket = nanio.bucket(a=b"id,x\n1,2\n")
    nanio.put(bucket, "d/one", b"1")
    nanio.put(bucket, "d/two", b"22")
    async with hosted(bench):
        ana = await bench.attach("ana")
        assert (await ana.data().sources())["lake"] == "s3"
        names = [entry.name async for entry in ana.data(f"lake://{bucket}/").entries()]
        assert names == ["d", "a"]
        first = await ana.data(f"lake://{bucket}").page(most=1)
        assert (len(first.entries), bool(first.token)) == (1, True)
        entry = await ana.data(f"lake://{bucket}/a").stat()
        assert (entry.url, entry.size, bool(entry.tag)) == (f"lake://{bucket}/a", 9, True)
        seen = await ana.data(f"lake://{bucket}/a").head()
        assert (seen.kind, seen.entry.url, seen.text) == (
            "text",
            f"lake://{bucket}/a",
            "id,x\n1,2\n",
        )
        done = await ana.data(f"lake://{bucket}/a").get("data/a.csv")
        assert (done.state, done.result["checked"]) == ("done", "md5")
        assert (bench.root / "data" / "a.csv").read_bytes() == b"id,x\n1,2\n"
        whole = await ana.data(f"lake://{bucket}/d/").get("d")
        assert whole.result["files"] == 2
        assert (bench.root / "d" / "two").read_bytes() == b"22"
        await ana.data(f"lake://{bucket}/back").put("data/a.csv")
        assert nanio.get(bucket, "back") == b"id,x\n1,2\n"
        sent = await ana.data(f"lake://{bucket}/up/").put("d")
        assert (sent.result["files"], sent.done, sent.total) == (2, 3, 3)
        assert nanio.get(bucket, "up/two") == b"22"
        again = await ana.data(f"lake://{bucket}/d/").get("d")
        assert (again.result["files"], again.result["passed_over"]) == (2, 0)
        told = await ana.command("data.copies")
        assert SECRET not in repr(told)
        assert [copy.state for copy in await ana.data().copies()] == ["done"] * 5


async def test_a_viewer_may_not_even_look(bench: Bench, nanio: Store) -> None:
    async with hosted(bench):
        bob = await bench.attach("bob", "viewer")
        for asked in (bob.data().sources(), bob.data("s3://").page(), bob.data("s3://b/k").link()):
            with pytest.raises(Refused):
                await asked
        with pytest.raises(StudioError):
            await bob.query("data.list", url="s3://")


async def test_what_is_wrong_is_told_without_what_is_secret(
    bench: Bench, nanio: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    nanio.table("lake")
    bucket = nanio.bucket(a=b"x")
    (bench.root / "a").write_text("mine")
    (bench.root / "folder").mkdir()
    async with hosted(bench):
        ana = await bench.attach("ana")
        for asked, kind in (
            (ana.data("nowhere://b").page(), NotFound),
            (ana.data("no address").page(), UsageFault),
            (ana.data(f"lake://{bucket}/none").stat(), NotFound),
            (ana.data(f"lake://{bucket}").stat(), UsageFault),
            (ana.data(f"lake://{bucket}/b").get("x"), NotFound),
            (ana.data(f"lake://{bucket}/a").get("a"), UsageFault),
            (ana.data(f"lake://{bucket}/a").get("../a"), Refused),
            (ana.data(f"lake://{bucket}/a").put("a"), UsageFault),
            (ana.data(f"lake://{bucket}/").put("a"), UsageFault),
            (ana.data(f"lake://{bucket}/b").put("missing"), NotFound),
            (ana.data(f"lake://{bucket}/b").put("folder"), UsageFault),
            (ana.data("lake://").put("folder"), UsageFault),
            (ana.data(f"lake://{bucket}/").put(".."), Refused),
        ):
            with pytest.raises(StudioError) as said:
                await asked
            # What a copy ends with is told in words; its kind is not.
            assert type(said.value) in (kind, StudioError), said.value
        monkeypatch.setenv("STORE_SECRET", "wrong-horse")
        nanio.table("other")
        with pytest.raises(Refused) as refused:
            await ana.data("other://").page()
        assert "wrong-horse" not in f"{refused.value.message} {refused.value.hint}"
    assert (bench.root / "a").read_text() == "mine"


async def test_long_names_fit_into_answers(bench: Bench, moto: Store) -> None:
    moto.table("lake")
    bucket = moto.bucket()
    for number in range(12):
        moto.put(bucket, f"{number:02}" + "漢" * 330, b"")
    async with hosted(bench):
        ana = await bench.attach("ana")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("studio_tui.host.data.data.ANSWER_BYTES", 20_000)
            page = await ana.data(f"lake://{bucket}").page(most=12)
            assert 0 < len(page.entries) < 12
            entries = [entry async for entry in ana.data(f"lake://{bucket}").entries()]
        assert len(entries) == 12
