"""What the leader does to terminals and their keyboards."""

from __future__ import annotations

from typing import Any

import pytest

LEADER = "ctrl+right_square_bracket"


@pytest.fixture
async def pilot(studio: Any, open_app: Any, settle: Any) -> Any:
    """Bob types in a terminal that the owner looks at."""
    async with open_app(studio) as opened:
        studio.arrive(2, "bob")
        studio.terminal_entry("t1", driver="bob", driver_connection=2, cols=300, rows=90)
        await studio.prints("t1", "$ ")
        await settle(opened)
        opened.app.workspace.show_terminal("t1")
        await settle(opened)
        await settle(opened)
        yield opened


def possible(pilot: Any) -> set[str]:
    return {command.id for command in pilot.app.workspace.possible}


async def led(pilot: Any, settle: Any, *keys: str) -> None:
    await pilot.press(LEADER, *keys)
    await settle(pilot)
    await settle(pilot)


async def test_the_owner_locks_and_frees(pilot: Any, studio: Any, settle: Any) -> None:
    assert {"take", "ask", "lock", "free", "pin", "cut", "name"} <= possible(pilot)
    await led(pilot, settle, "x")
    assert studio.asked("terminals.lock") == [{"terminal": "t1"}]
    assert "lock" not in possible(pilot)
    await led(pilot, settle, "s")
    assert studio.asked("terminals.free") == [{"terminal": "t1"}]
    assert studio.document.terminals["t1"].driver is None
    assert "ask" not in possible(pilot)


async def test_the_bottom_line_follows_the_keyboard(pilot: Any, settle: Any) -> None:
    hints = pilot.app.workspace.query_one("KeyHints")
    assert hints.words == " ⌨ bob types · ^] k takes the keyboard  ^] leader "
    await led(pilot, settle, "k")
    assert hints.words == " every key goes to the terminal except  ^] leader "


async def test_asking_for_the_keyboard(pilot: Any, studio: Any, settle: Any, text_of: Any) -> None:
    await led(pilot, settle, "a")
    assert studio.asked("terminals.ask") == [{"terminal": "t1"}]
    assert "ask" not in possible(pilot)


async def test_whoever_types_is_told_who_asks(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await led(pilot, settle, "k")
    studio._list("t1", asking=["bob"])
    await settle(pilot)
    assert "bob asks for the keyboard · ^] h hands it over" in text_of(pilot)
    await led(pilot, settle, "h")
    assert studio.asked("terminals.hand_over") == [{"terminal": "t1", "to": "bob"}]


async def test_panic_asks_nothing_and_can_be_undone(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await led(pilot, settle, "exclamation_mark")
    assert studio.asked("terminals.cut") == [{}]
    assert "nobody types in any terminal now · ^] ! undoes it" in text_of(pilot)
    assert possible(pilot).isdisjoint({"take", "ask", "hand", "free", "lock"})
    studio.sent.clear()
    await pilot.press("x")
    assert studio.sent == []
    await led(pilot, settle, "exclamation_mark")
    assert studio.asked("terminals.restore") == [{}]
    assert "take" in possible(pilot)


async def test_the_size_is_pinned_and_let_go(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await led(pilot, settle, "z")
    assert "300×90 pinned, seen" in text_of(pilot)
    await led(pilot, settle, "z")
    assert [call["pinned"] for call in studio.asked("terminals.pin")] == [True, False]


async def test_panning_goes_on_without_the_leader(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    view = pilot.app.workspace.terminal.view
    await led(pilot, settle, "shift+right", "shift+right", "shift+down")
    assert view.pan == (16, 4)
    await pilot.press("escape")  # leaves the strip
    assert "panned, esc follows" in text_of(pilot)
    await pilot.press("escape")
    await settle(pilot)
    assert view.pan == (0, 0)


async def test_a_viewer_can_only_look(studio: Any, open_app: Any, settle: Any) -> None:
    studio.role = "viewer"
    async with open_app(studio) as pilot:
        studio.terminal_entry("t1", driver="bob", driver_connection=2)
        await settle(pilot)
        pilot.app.workspace.show_terminal("t1")
        await settle(pilot)
        await settle(pilot)
        can = possible(pilot)
        assert can.isdisjoint({"take", "ask", "hand", "free", "lock", "pin", "cut", "name"})
        assert {"history", "look", "link"} <= can
