"""The data place: what a person sees of a bucket, and what is done with it."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.screens.data import DataScreen, copied
from studio_tui.app.widgets.data_tree import DataTree
from studio_tui.client.data import DataEntry, DataPreview
from studio_tui.errors import Refused, StudioError
from tests.app.conftest import StagedStudio

FILES = [("raw/", None), ("b/train.csv", 2048), ("b/cat.png", 70_000)]


def entry(path: str, size: int | None) -> dict[str, Any]:
    name = path.rstrip("/").rpartition("/")[2]
    kind = "folder" if path.endswith("/") else "file"
    return {"path": path, "name": name, "kind": kind, "size": size, "tag": "t"}


class Bucket:
    """What the staged host answers of data: one bucket with a page that has no end."""

    def __init__(self, studio: StagedStudio) -> None:
        self.problem: StudioError | None = None
        for name in ("sources", "list", "head", "get", "copy"):
            setattr(studio, f"_data_{name}", getattr(self, name))
        self.states = ["running", "done"]

    def sources(self) -> dict[str, Any]:
        return {"sources": [{"name": "s3", "kind": "s3"}, {"name": "lake", "kind": "s3"}]}

    def list(self, url: str, token: str, **_: Any) -> dict[str, Any]:
        if self.problem is not None:
            raise self.problem
        if url == "s3://":
            return {"entries": [entry("b/", None)], "token": ""}
        if token:
            return {"entries": [entry("b/last", 1)], "token": ""}
        return {"entries": [entry(path, size) for path, size in FILES], "token": "next"}

    def head(self, url: str, **_: Any) -> dict[str, Any]:
        told = {"entry": entry(url.partition("://")[2], 2048), "kind": "table", "total": 1234}
        return told | {"columns": [["id", "int64"], ["name", ""]], "rows": [["1", "\x1b[2Jana"]]}

    def get(self, url: str, path: str, **_: Any) -> dict[str, Any]:
        return {"copy": "c1", "url": url, "path": path, "state": "running", "done": 0, "total": 10}

    def copy(self, copy: str, after: int) -> dict[str, Any]:
        state = self.states.pop(0)
        result = {"files": 1, "checked": "md5"}
        return {"copy": copy, "state": state, "done": 10, "total": 10, "result": result}


@pytest.fixture
def bucket(studio: StagedStudio) -> Bucket:
    return Bucket(studio)


async def opened(pilot: Any, settle: Any) -> None:
    """The bucket's own folder is open, the cursor on its first row."""
    await pilot.press("f10")
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)
    await pilot.press("down", "enter")
    await settle(pilot)
    await pilot.press("down")
    await settle(pilot)


@pytest.mark.parametrize("size", [(130, 40), (80, 24)])
async def test_a_bucket_is_a_tree_with_sizes_and_a_look_at_a_file(
    studio: StagedStudio, bucket: Bucket, open_app: Any, settle: Any, text_of: Any, size: Any
) -> None:
    async with open_app(studio, size=size) as pilot:
        await opened(pilot, settle)
        seen = text_of(pilot)
        for said in ("▾ s3", "▸ lake", "▾ b", "▸ raw", "train.csv", "2K", "68K", "… more"):
            assert said in seen
        await pilot.press("down")
        await settle(pilot)
        seen = text_of(pilot)
        assert "1234 rows" in seen
        assert "id" in seen
        assert "int64" in seen
        assert "[2Jana" in seen  # what could move the cursor is gone
        await pilot.press("down", "down", "enter")
        await settle(pilot)
        assert "last" in text_of(pilot)
        assert "more: enter" not in text_of(pilot)


async def test_a_copy_is_seen_to_its_end_also_by_who_left(
    studio: StagedStudio, bucket: Bucket, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await opened(pilot, settle)
        await pilot.press("down", "c")
        await settle(pilot)
        assert "data/train.csv" in text_of(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert studio.asked("data.get")[0]["path"] == "data/train.csv"
        assert "copied data/train.csv: 10B, md5 agrees" in text_of(pilot)
        screen = pilot.app.screen
        await pilot.press("escape")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, DataScreen)
        bucket.states = ["done"]
        await copied(pilot.app.workspace, screen, DataEntry("s3://b/x", "x", size=10), "data/x")
        await settle(pilot)
        assert "copied data/x: 10B" in text_of(pilot)


async def test_code_is_inserted_at_the_caret(
    studio: StagedStudio, bucket: Bucket, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await opened(pilot, settle)
        await pilot.press("down", "i")
        await settle(pilot)
        assert "open the file that is to load it first" in text_of(pilot)
        await pilot.press("escape")
        pilot.app.workspace.open_file("data.py")
        await settle(pilot)
        await opened(pilot, settle)
        await pilot.press("down", "i")
        await settle(pilot)
        text = str((await studio.file("data.py")).text)
        assert text.startswith("import csv\n")
        assert "class TrainData(L.LightningDataModule):" in text
        assert text.endswith("text = open('input.txt').read()\n")
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert str((await studio.file("data.py")).text) == "text = open('input.txt').read()\n"


async def test_what_is_wrong_is_said_and_can_be_tried_again(
    studio: StagedStudio, bucket: Bucket, open_app: Any, settle: Any, text_of: Any
) -> None:
    bucket.problem = Refused("s3 does not accept the credentials", "aws configure")
    async with open_app(studio) as pilot:
        await pilot.press("f10")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "s3 does not accept the credentials" in text_of(pilot)
        bucket.problem = None
        await pilot.press("enter")
        await settle(pilot)
        assert "▸ b" in text_of(pilot)
        assert "does not accept" not in text_of(pilot)
        await pilot.press("u")
        await settle(pilot)
        tree = pilot.app.screen.query_one(DataTree)
        assert tree.chosen is not None
        assert tree.chosen.url == "s3://"


async def test_a_viewer_is_not_offered_it(open_app: Any, settle: Any) -> None:
    studio = StagedStudio(role="viewer")
    studio.furnish()
    async with open_app(studio) as pilot:
        assert "data" not in [command.id for command in pilot.app.workspace.possible]


def test_a_preview_of_nothing_is_nothing() -> None:
    assert DataPreview().rows == []
