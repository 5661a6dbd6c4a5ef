"""A shared terminal in a tab: the keyboard goes from hand to hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio_tui.app.screens.dialogs import Confirm

LEADER = "ctrl+right_square_bracket"


@pytest.fixture
async def pilot(studio: Any, open_app: Any, settle: Any) -> Any:
    """Bob types in a terminal that this person looks at."""
    async with open_app(studio) as opened:
        studio.arrive(2, "bob")
        studio.terminal_entry("t1", driver="bob", driver_connection=2, created=1.0)
        await settle(opened)
        opened.app.workspace.show_terminal("t1")
        await settle(opened)
        await settle(opened)
        yield opened


def pane(pilot: Any) -> Any:
    return pilot.app.workspace.work_pane.terminal


def notice(pilot: Any) -> str:
    return str(pilot.app.workspace.work_pane.notice.words)


async def test_who_types_is_in_the_tab_and_at_the_edge(pilot: Any, text_of: Any) -> None:
    assert "▸ bash ⌨ bob" in text_of(pilot)
    assert "⌨ bob types · ^] k takes the keyboard" in text_of(pilot)


async def test_typing_while_somebody_else_drives_says_how_to_take_over(
    pilot: Any, studio: Any, settle: Any
) -> None:
    studio.sent.clear()
    await pilot.press("l", "s")
    await settle(pilot)
    assert studio.sent == []
    assert notice(pilot) == "! bob types here · ^] k takes the keyboard"


async def test_taking_the_keyboard_sizes_the_terminal(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    studio.sent.clear()
    await pilot.press(LEADER, "k")
    await settle(pilot)
    await settle(pilot)
    assert studio.asked("terminals.take") == [{"terminal": "t1"}]
    assert [list(event) for _, events in studio.sent for event in events] == [["resize"]]
    assert "⌨ ana" in text_of(pilot)
    await pilot.press("l")
    assert studio.sent[-1][1] == [{"key": "l", "char": "l"}]


async def test_handing_over_to_the_only_other_asks_nothing(
    pilot: Any, studio: Any, settle: Any
) -> None:
    await pilot.press(LEADER, "k")
    await settle(pilot)
    await pilot.press(LEADER, "h")
    await settle(pilot)
    assert studio.asked("terminals.hand_over") == [{"terminal": "t1", "to": "bob"}]


async def test_handing_over_to_one_of_several(pilot: Any, studio: Any, settle: Any) -> None:
    studio.arrive(3, "eve")
    studio.arrive(4, "vera", "viewer")
    await pilot.press(LEADER, "k")
    await settle(pilot)
    await pilot.press(LEADER, "h")
    await settle(pilot)
    await pilot.press("down", "enter")
    await settle(pilot)
    assert studio.asked("terminals.hand_over") == [{"terminal": "t1", "to": "eve"}]


async def test_looking_at_a_free_terminal_does_not_take_it(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.terminal_entry("t1")
        await settle(pilot)
        pilot.app.workspace.show_terminal("t1")
        await settle(pilot)
        await settle(pilot)
        assert studio.sent == []
        assert "nobody types: just type" in text_of(pilot)
        await pilot.press("x")
        assert studio.sent[0][1] == [{"key": "x", "char": "x"}]


async def test_ending_it_asks_and_names_who_types(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await pilot.press(LEADER, "w")
    await settle(pilot)
    assert isinstance(pilot.app.screen, Confirm)
    assert "bob types in it." in text_of(pilot)
    await pilot.press("y")
    await settle(pilot)
    await settle(pilot)
    assert studio.asked("terminals.close") == [{"terminal": "t1"}]
    assert pilot.app.workspace.work_pane.keys == []


async def test_an_ended_program_says_so_and_closes_without_a_question(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    entry = studio.document.terminals["t1"]
    studio.document.terminals.put(replace(entry, state="exited", exit_code=3))
    studio.saved()
    await settle(pilot)
    assert "■ the program ended with 3" in text_of(pilot)
    await pilot.press("x")
    await settle(pilot)
    assert notice(pilot).startswith("! the program has ended")
    await pilot.press(LEADER, "w")
    await settle(pilot)
    await settle(pilot)
    assert studio.asked("terminals.close") == [{"terminal": "t1"}]


async def test_offline_nothing_is_typed_into_the_void(pilot: Any, studio: Any, settle: Any) -> None:
    await pilot.press(LEADER, "k")
    await settle(pilot)
    studio.offline()
    studio.sent.clear()
    await pilot.press("x")
    await settle(pilot)
    assert studio.sent == []
    assert notice(pilot).startswith("! offline: nothing can be typed here")


async def test_what_scrolled_away_is_shown_and_left(pilot: Any, settle: Any, text_of: Any) -> None:
    await pilot.press(LEADER, "pageup")
    await settle(pilot)
    await settle(pilot)
    assert pane(pilot).has_class("-history")
    assert "row 1999" in text_of(pilot)
    await pilot.press("escape")
    await settle(pilot)
    assert not pane(pilot).has_class("-history")


async def test_the_border_has_the_drivers_colour(pilot: Any) -> None:
    workspace = pilot.app.workspace
    strip = workspace.work_pane.query_one("TabStrip")
    assert strip.edge_colour == workspace.people.ink("bob")
    style, colour = workspace.work_pane.deck.styles.border_left
    assert colour.hex.lower() == workspace.people.colour("bob")
