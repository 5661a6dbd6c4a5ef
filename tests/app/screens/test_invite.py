"""Letting somebody in from the app."""

from __future__ import annotations

from typing import Any

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.invite import InviteShown
from studio_tui.client.sharing import Invitation
from studio_tui.errors import Refused

MADE = Invitation("wss://relay.example/calm-otter#c0de", "editor", 1_700_000_000, "i1")


async def test_an_owner_makes_an_invite_and_sees_it(
    studio: Any, open_app: Any, settle: Any, text_of: Any, monkeypatch: Any
) -> None:
    async with open_app(studio, (80, 24)) as pilot:
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await pilot.press("alt+i")
        await settle(pilot)
        await pilot.press("down", "enter")
        while not isinstance(pilot.app.screen, InviteShown):
            await pilot.pause()
        await settle(pilot)
        assert [asked["role"] for asked in studio.asked("relay.invite")] == ["editor"]
        command = "studio-tui attach 'wss://relay.example/calm-otter#c0de'"
        shown = text_of(pilot)
        assert command in shown
        assert "Good once, for one editor, until " in shown
        await pilot.press("c")
        await pilot.pause()
        assert copied == [command]
        assert "copied" in text_of(pilot)


async def test_one_on_this_computer_alone_says_so(text_of: Any) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(InviteShown(MADE, 1_700_000_000, here_alone=True))
        await pilot.pause()
        shown = " ".join(text_of(pilot).replace("│", " ").split())
        assert "studio-tui open --relay URL" in shown


async def test_what_the_relay_refuses_is_said(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.refuse["relay.invite"] = Refused("this relay lets nobody in", "ask its owner")
    async with open_app(studio) as pilot:
        await pilot.press("alt+i")
        await settle(pilot)
        await pilot.press("enter")
        while "! this relay lets nobody in · ask its owner" not in text_of(pilot):
            await pilot.pause()


async def test_a_guest_invites_nobody(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(type(studio)("vera", "editor")) as pilot:
        await pilot.press("alt+i")
        await settle(pilot)
        assert pilot.app.screen is pilot.app.workspace
