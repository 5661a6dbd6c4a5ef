"""The first screen of a bare `studio-tui`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from studio_tui.app.screens.lobby import LobbyApp
from studio_tui.settings.joined import Joined
from studio_tui.settings.studios import StudioRecord

HERE = Path("/home/ana/new-project")


def record(id: str, folder: str) -> StudioRecord:
    return StudioRecord(id, id, folder, None, "ws://x", "/t", 1, 1.0)


RECORDS = [record("brave-fox", "/home/ana/vision"), record("calm-otter", "/home/ana/char-gpt")]


async def chosen(records: Sequence[StudioRecord], *keys: str) -> Any:
    app = LobbyApp(records, frozenset({"calm-otter"}), HERE)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
    return app.return_value


@pytest.mark.parametrize(
    ("keys", "choice"),
    [
        (["enter"], "calm-otter"),
        (["down", "enter"], Path("/home/ana/vision")),
        (["down", "down", "enter"], HERE),
        (["o"], HERE),
        (["j", *"shy-owl", "enter"], "shy-owl"),
        (["f", *"x", "enter"], HERE / "x"),
        (["q"], None),
        (["escape"], None),
        (["j", "escape"], None),
    ],
)
async def test_where_keys_lead(keys: list[str], choice: object) -> None:
    assert await chosen(RECORDS, *keys) == choice


@pytest.mark.parametrize("size", [(80, 24), (130, 40)])
async def test_the_lobby(golden: Any, size: tuple[int, int]) -> None:
    app = LobbyApp(RECORDS, frozenset({"calm-otter"}), HERE)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        golden(f"lobby-{size[0]}x{size[1]}", pilot)


async def test_without_a_studio_the_way_to_one_is_first() -> None:
    assert await chosen([], "enter") == HERE


async def test_this_folders_own_studio_is_not_offered_twice(text_of: Any) -> None:
    app = LobbyApp([record("calm-otter", str(HERE))], frozenset(), HERE)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "open a studio in this folder" not in text_of(pilot)


async def test_a_studio_of_others_is_a_place_to_go_to_and_ones_own_comes_first(
    text_of: Any,
) -> None:
    visited = [
        Joined("brave-fox", "wss://box", "vision", "viewer"),
        Joined("shy-owl", "wss://box", "hoot", "editor"),
    ]
    app = LobbyApp(RECORDS, frozenset({"calm-otter"}), HERE, visited=visited)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        shown = text_of(pilot)
        assert shown.count("brave-fox") == 1
        assert re.search(r"→ shy-owl +editor +wss://box", shown)
        await pilot.press("down", "down", "enter")
    assert app.return_value == "shy-owl"
