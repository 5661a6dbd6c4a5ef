from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from studio_tui.app.screens import search as search_module
from studio_tui.app.screens.search import ProjectSearch
from studio_tui.errors import StudioError
from tests.app.conftest import StagedStudio

Open = Callable[..., Any]
Settle = Callable[..., Any]
HITS = [
    {"path": "train.py", "line": 14, "text": "        loss = self.loss(x)", "spans": [[8, 12]]},
    {"path": "data.py", "line": 1, "text": "loss [red]x", "spans": [[0, 4], [2, 90], 3]},
]


@pytest.fixture
def asked(studio: StagedStudio, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A studio whose host finds two lines; what it was asked."""
    asked: list[dict[str, Any]] = []

    def answer(**params: Any) -> dict[str, Any]:
        asked.append(params)
        return {"hits": HITS, "truncated": False}

    monkeypatch.setattr(search_module, "PAUSE", 0.0)
    monkeypatch.setattr(studio, "_files_search", answer, raising=False)
    return asked


async def test_a_line_is_found_and_gone_to(
    studio: StagedStudio, asked: list[dict[str, Any]], open_app: Open, settle: Settle
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("alt+s", *"loss", "alt+c")
        await settle(pilot)
        assert asked[-1]["query"] == "loss"
        assert asked[-1]["case"] is True
        assert pilot.app.screen.words == "2 lines in 2 files"
        await pilot.press("down", "up", "enter")
        await settle(pilot)
        await settle(pilot)
        pane = pilot.app.workspace.work_pane.editor
        assert (pane.path, pane.editor.cursor_location) == ("train.py", (13, 0))


async def test_a_replacement_is_shown_and_asked_about_first(
    studio: StagedStudio,
    asked: list[dict[str, Any]],
    open_app: Open,
    settle: Settle,
    text_of: Callable[..., str],
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("alt+s", *"loss")
        await settle(pilot)
        await pilot.press("tab", *"error")
        await settle(pilot)
        assert "losserror = self.losserror(x)" in text_of(pilot)
        assert "losserror [red]x" in text_of(pilot)
        await pilot.press("alt+a")
        await settle(pilot)
        assert "in 2 files: train.py, data.py" in text_of(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert "loss" in str(studio.files["train.py"])
        await pilot.press("alt+a")
        await settle(pilot)
        await pilot.press("y")
        await pilot.pause()
        for _ in range(100):
            studio.saved()  # the relay has it, and the host writes it
            await pilot.pause()
            if "replaced" in pilot.app.screen.words:
                break
        assert pilot.app.screen.words == "5 places replaced in 1 file"
        text = str(await studio.file("train.py"))
        assert "loss" not in text
        assert "train_error" in text


async def test_what_cannot_be_found_is_said_in_place(
    studio: StagedStudio, asked: list[dict[str, Any]], open_app: Open, settle: Settle
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("alt+s", "(", "alt+x")
        await settle(pilot)
        assert "no regular expression" in pilot.app.screen.words
        studio.refuse["files.search"] = StudioError("the host is away")
        pilot.app.screen.query_one("#find", Input).value = "x"
        await settle(pilot)
        assert pilot.app.screen.words == "the host is away"
        assert pilot.app.screen.query_one(OptionList).option_count == 0
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, ProjectSearch)
