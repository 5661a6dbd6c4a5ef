"""A shared terminal in a tab: the keyboard goes from hand to hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual import events

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
    assert "⌨ bob types · 80×24" in text_of(pilot)
    assert "^] k takes the keyboard" in text_of(pilot)


async def test_typing_while_somebody_else_drives_says_how_to_take_over(
    pilot: Any, studio: Any, settle: Any
) -> None:
    studio.sent.clear()
    await pilot.press("l", "s")
    await settle(pilot)
    assert studio.sent == []
    assert notice(pilot) == "! bob types here · ^] k takes the keyboard"


async def test_asking_for_the_keyboard_is_told_to_whoever_asks(
    pilot: Any, studio: Any, settle: Any
) -> None:
    await pilot.press(LEADER, "a")
    await settle(pilot)
    assert studio.asked("terminals.ask") == [{"terminal": "t1"}]
    assert notice(pilot) == "you asked bob for the keyboard · ^] k takes it at once"


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
        assert "nobody types · 80×24" in text_of(pilot)
        assert "just type" in text_of(pilot)
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


async def test_a_host_that_is_away_is_told_on_the_screen_until_it_is_back(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await pilot.press(LEADER, "k")
    await settle(pilot)
    studio.leave(99)
    studio.sent.clear()
    await settle(pilot)
    assert "◐ the studio's host is away · start it again: studio-tui open" in text_of(pilot)
    await pilot.press("x")
    await settle(pilot)
    assert studio.sent == []
    assert notice(pilot).startswith("! the studio's host is away: nothing can be typed here")
    studio.arrive(99, "host", "host")
    await settle(pilot)
    assert "host is away" not in text_of(pilot)
    await pilot.press("x")
    assert studio.sent


async def test_looking_back_stays_where_it_is_while_the_program_prints(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await studio.prints("t1", "".join(f"line {n}\r\n" for n in range(900)))
    await settle(pilot)
    await pilot.press(LEADER, "pageup")
    await settle(pilot)
    await settle(pilot)
    seen = text_of(pilot)
    assert "▲ line" in seen
    await studio.prints("t1", "".join(f"later {n}\r\n" for n in range(50)))
    await settle(pilot)
    lines = [line for line in seen.splitlines() if "line " in line and "▲" not in line]
    assert all(line in text_of(pilot) for line in lines)
    assert "later" not in text_of(pilot)
    assert "▼ 7" in text_of(pilot)  # what was below, and 50 more
    await pilot.press("escape")
    await settle(pilot)
    assert "later 49" in text_of(pilot)
    await pilot.press("x")
    assert notice(pilot).startswith("! bob types here")


async def test_searching_and_copying(
    pilot: Any, studio: Any, settle: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
    await studio.prints("t1", "".join(f"step {n} done\r\n" for n in range(2000)))
    await settle(pilot)
    await pilot.press(LEADER, "slash", *"step 77 ", "enter")
    await settle(pilot)
    await settle(pilot)
    await pilot.press("v", "end", "y")
    await settle(pilot)
    assert copied == ["step 77 done"]
    assert "copied step 77 done" in text_of(pilot)


async def test_the_border_has_the_drivers_colour(pilot: Any) -> None:
    workspace = pilot.app.workspace
    strip = workspace.work_pane.query_one("TabStrip")
    assert strip.edge_colour == workspace.people.ink("bob")
    style, colour = workspace.work_pane.deck.styles.border_left
    assert colour.hex.lower() == workspace.people.colour("bob")


async def test_the_bell_marks_the_tab_until_somebody_looks(
    pilot: Any, studio: Any, settle: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[None] = []
    monkeypatch.setattr(pilot.app, "bell", lambda: heard.append(None))
    studio.terminal_entry("t2", created=2.0)
    await settle(pilot)
    pilot.app.workspace.show_terminal("t2")
    await settle(pilot)
    await studio.prints("t1", "$ ")
    await studio.prints("t1", "\x07")
    await studio.prints("t1", "\x07 and again")
    await settle(pilot)
    assert "▸ bash ♪ ⌨ bob" in text_of(pilot)
    assert heard == [None]  # not one for each
    pilot.app.workspace.show_terminal("t1")
    await settle(pilot)
    assert "♪" not in text_of(pilot)


async def test_a_password_is_read(pilot: Any, studio: Any, settle: Any, text_of: Any) -> None:
    await studio.prints("t1", "sudo password: ")
    await settle(pilot)
    assert "▸ bash 🔒 ⌨ bob" in text_of(pilot)
    assert "🔒 a password is read" in text_of(pilot)


async def test_a_name_that_was_given_is_not_the_programs_to_change(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await studio.prints("t1", "\x1b]0;vim\x07")
    await settle(pilot)
    assert "▸ vim" in text_of(pilot)
    await pilot.press(LEADER, "n", *["backspace"] * 3, *"build", "enter")
    await settle(pilot)
    assert studio.asked("terminals.rename") == [{"terminal": "t1", "title": "build"}]
    await studio.prints("t1", "\x1b]0;less\x07")
    await settle(pilot)
    assert "▸ build" in text_of(pilot)
    assert "less" not in text_of(pilot)


async def test_a_terminal_that_stayed_behind_tells_its_machine(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    studio.terminal_entry("t2", machine="old-box", created=2.0)
    await settle(pilot)
    assert "▸ bash @old-box" in text_of(pilot)
    assert "@gpu-box" not in text_of(pilot)


async def test_a_link_is_followed_only_when_somebody_says_so(
    pilot: Any, studio: Any, settle: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(pilot.app, "open_url", opened.append)
    await studio.prints("t1", "\x1b]8;;http://evil.example/x\x07http://good.example\x1b]8;;\x07")
    await settle(pilot)
    await pilot.press(LEADER, "d")
    await settle(pilot)
    assert "http://evil.example/x" in text_of(pilot)
    await pilot.press("enter")
    await settle(pilot)
    assert "the link leads to" in text_of(pilot)
    assert "http://evil.example/x" in text_of(pilot)
    assert opened == []
    await pilot.press("enter")
    await settle(pilot)
    assert opened == ["http://evil.example/x"]


async def test_several_lines_are_pasted_after_a_question(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await studio.prints("t1", "$ ")
    await pilot.press(LEADER, "k")
    await settle(pilot)
    studio.sent.clear()
    pane(pilot).view.post_message(events.Paste("rm -rf a\nrm -rf b\n"))
    await settle(pilot)
    assert "paste 2 lines?" in text_of(pilot)
    assert "rm -rf b" in text_of(pilot)
    await pilot.press("n")
    await settle(pilot)
    assert studio.sent == []
    await studio.prints("t1", "\x1b[?2004h")
    await settle(pilot)
    pane(pilot).view.post_message(events.Paste("a\nb\n"))
    await settle(pilot)
    assert [event for _, sent in studio.sent for event in sent] == [{"paste": "a\nb\n"}]


async def test_a_notice_leaves_the_terminal_its_size(pilot: Any, settle: Any) -> None:
    before = pane(pilot).view.size
    await pilot.press("x")
    await settle(pilot)
    assert notice(pilot).startswith("! bob types here")
    assert pane(pilot).view.size == before
