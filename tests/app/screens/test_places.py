"""Places beside each other: sizes within the screen, folds, and steps between them."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.layout import Layout, load, save
from studio_tui.app.screens.places import LEAST_WORK, PLACES


def widths(workspace: Any) -> list[int]:
    return [workspace.place_of(place).outer_size.width for place in ("files", "work", "side")]


@pytest.mark.parametrize("size", [(120, 30), (169, 40), (170, 40), (300, 80)])
async def test_the_three_columns_fill_the_screen(
    studio: Any, open_app: Any, size: tuple[int, int]
) -> None:
    async with open_app(studio, size) as pilot:
        assert sum(widths(pilot.app.workspace)) == size[0]


async def test_sides_that_were_made_wide_leave_room_for_the_middle(
    studio: Any, open_app: Any
) -> None:
    save(Layout().sized("files", 60).sized("side", 90).sized("log", 40))
    async with open_app(studio, (120, 30)) as pilot:
        assert widths(pilot.app.workspace)[1] >= LEAST_WORK
        assert pilot.app.workspace.place_of("log").outer_size.height == 15


async def test_steps_go_around_and_leave_out_what_is_folded(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        workspace = pilot.app.workspace
        await pilot.press("ctrl+g", "f2")
        await settle(pilot)
        seen = []
        for _ in range(3):
            await pilot.press("f6")
            await settle(pilot)
            seen.append(workspace.focused_place.id)
        assert seen == ["work", "log", "files"]
        await pilot.press("shift+f6")
        await settle(pilot)
        assert workspace.focused_place.id == "log"


async def test_an_edge_is_dragged_and_kept(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        log, side = (pilot.app.workspace.place_of(place) for place in ("log", "side"))
        rows, columns = log.outer_size.height, side.outer_size.width
        top, left = log.region.y, side.region.x
        await pilot.mouse_down(offset=(60, top))
        await pilot.hover(offset=(60, top - 3))
        await pilot.mouse_up(offset=(60, top - 3))
        await settle(pilot)
        assert log.outer_size.height == rows + 3
        await pilot.mouse_down(offset=(left, 20))
        await pilot.hover(offset=(left - 4, 20))
        await pilot.mouse_up(offset=(left - 4, 20))
        await settle(pilot)
        assert side.outer_size.width == columns + 4
    assert (load().log, load().side) == (rows + 3, columns + 4)


async def test_pressing_inside_of_a_place_takes_hold_of_nothing(
    studio: Any, open_app: Any, settle: Any
) -> None:
    async with open_app(studio) as pilot:
        before = widths(pilot.app.workspace)
        await pilot.mouse_down(offset=(10, 20))
        await pilot.hover(offset=(40, 25))
        await pilot.mouse_up(offset=(40, 25))
        await settle(pilot)
        assert widths(pilot.app.workspace) == before


def test_every_place_has_a_title() -> None:
    assert [place for place, title in PLACES if title] == ["files", "work", "side", "log"]
