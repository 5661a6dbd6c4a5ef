"""Somebody points: it is said, nobody's focus moves, one key goes there."""

from __future__ import annotations

from typing import Any

from studio_tui.app.pointing import words
from studio_tui.document.entries import PointEntry
from studio_tui.document.studio import POINT
from tests.app.conftest import NOW


def at(path: str, line: int, text: str = "", time: float = NOW, by: str = "ci") -> PointEntry:
    return PointEntry(POINT, path, line, text, by, time)


def test_the_words() -> None:
    assert words(at("train.py", 3, "NaN"), "F8") == "ci points at train.py:3: NaN · F8 to go there"
    assert words(at("a/b.py", 0, by=""), "F8") == "somebody points at a/b.py · F8 to go there"
    assert "\x1b" not in words(at("a\x1b[2J.py", 1, "\x1b]52;c;x\x07"), "F8")


async def test_one_key_goes_where_somebody_points(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.files["train.py"] = b"\n".join(b"line %d" % n for n in range(1, 60))
    studio.document.point = at("train.py", 3, "from yesterday", NOW - 86400)
    async with open_app(studio) as pilot:
        await settle(pilot)
        assert "points at" not in text_of(pilot)
        focused = pilot.app.focused
        studio.document.point = at("train.py", 42, "the test fails here")
        studio.saved()
        await settle(pilot)
        said = "ci points at train.py:42: the test fails here · ⇧F10 to go there"
        assert said in text_of(pilot)
        assert pilot.app.focused is focused
        await pilot.press("shift+f10")
        for _ in range(3):
            await settle(pilot)
        work = pilot.app.screen.work_pane
        assert work.path == "train.py"
        assert work.editor.editor.cursor_location == (41, 0)
        assert "points at" not in text_of(pilot)

        studio.document.point = at("train.py", 9999)  # past the end, in a file that is open
        studio.saved()
        await settle(pilot)
        await pilot.press("shift+f10")
        await settle(pilot)
        assert work.editor.editor.cursor_location == (58, 0)
