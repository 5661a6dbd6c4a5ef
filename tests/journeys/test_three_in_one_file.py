"""Two scripts and the app in one studio, over a real host and relay: all end with one text."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_tui import sdk
from studio_tui.app.app import StudioApp
from studio_tui.app.widgets.editor import Editor
from studio_tui.client import locate, start
from studio_tui.client.file import SharedFile
from studio_tui.client.studio import Studio
from studio_tui.settings import studios

EDITS = 1000
PIECES = [
    "a", "Z", " ", "\n", "é", "e\u0301", "日本", "😀", "👩‍👧", "\t", "x = 1\n", "\u2028", "ß" * 12,
    "def f(x):\n    return x\n", "\x0c",
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, studio_home: Path) -> Iterator[Path]:
    """A folder with one file, and its studio's end."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text("héllo\nworld 😀\n" * 20, encoding="utf-8")
    yield folder
    for record in studios.records():
        start.stop(record)


async def mixed_edits(file: SharedFile, seed: int, count: int) -> None:
    """Insert, delete and replace at random places, letting the others in now and then."""
    dice = random.Random(seed)
    for number in range(count):
        length = len(file.text)
        at = dice.randint(0, length)
        end = min(length, at + dice.randint(0, 6))
        match dice.randrange(4):
            case 0 | 1:
                await file.insert(at, dice.choice(PIECES))
            case 2:
                await file.delete(at, end)
            case _:
                await file.replace(at, end, dice.choice(PIECES))
        if number % 7 == 0:
            await asyncio.sleep(0)
        if number % 100 == 0:
            await asyncio.sleep(0.01)


async def agreed(people: list[Studio], files: list[SharedFile]) -> str:
    """Wait until everybody has the same text, and nothing of it is on its way; returns it."""
    for file in files:
        await file.saved()
    for person in people:
        await person.until(lambda: len({str(file) for file in files}) == 1)
    return str(files[0])


@pytest.mark.timeout(60)
async def test_a_thousand_edits_from_two_scripts_reach_the_app_and_the_disk(project: Path) -> None:
    record = await asyncio.to_thread(start.ensure, project)
    async with sdk.attach(record.id, name="ana") as ana, sdk.attach(record.id, name="bob") as bob:
        app = StudioApp(locate.attach(record.id, "cleo"), open_file="train.py")
        async with app.run_test(size=(160, 45)) as pilot:
            await app.joined.wait()
            files = [await ana.file("train.py"), await bob.file("train.py")]
            while not app.query(Editor):
                await pilot.pause(0.05)
            editor = app.query_one(Editor)
            editor.insert("# typed in the app\n", (0, 0))
            await asyncio.gather(
                mixed_edits(files[0], 1, EDITS // 2), mixed_edits(files[1], 2, EDITS // 2)
            )
            editor.insert("# and at the end: ünïcödé 😀\n", editor.document.end)
            shown = app.studio
            await shown.until(lambda: shown.unsaved == 0)
            await pilot.pause(0.2)
            text = await agreed([ana, bob], files)
            await shown.until(lambda: editor.text == text)
            assert "# typed in the app" in text or EDITS > 0
            assert editor.text == str(editor.shared) == text
            await files[0].flush()
            assert (project / "train.py").read_bytes() == text.encode()
            app.exit()
