"""What is asked before something happens to a terminal, or by it."""

from __future__ import annotations

from collections.abc import Sequence

from studio_tui.app.screens.dialogs import Ask, Confirm, Pick
from studio_tui.app.truncate import clip, scrub
from studio_tui.terminal.links import Link, opens

PASTE_LINES = 6
CELLS = 56
"""Cells of a line in a dialog."""


def paste(text: str) -> Confirm:
    """Whether lines are pasted into a program that enters each of them."""
    lines = text.strip("\r\n").splitlines()
    shown = [clip(scrub(line), CELLS) for line in lines[:PASTE_LINES]]
    more = [f"… and {len(lines) - PASTE_LINES} more"] * (len(lines) > PASTE_LINES)
    title = f"paste {len(lines)} lines? each is entered as if typed"
    return Confirm(title, "\n".join([*shown, *more]), "paste them", "leave it")


def name(current: str) -> Ask:
    """What a terminal is to be called."""
    return Ask("name this terminal", current, "enter: everybody sees this name   esc: leave it")


def heir(people: Sequence[str]) -> Pick:
    """Who gets the keyboard."""
    return Pick("hand the keyboard to", [(person, scrub(person)) for person in people])


def end(title: str, driver: str) -> Confirm:
    """Whether a running program is ended."""
    who = f"{scrub(driver)} types in it. " if driver else ""
    body = f"{who}Its program ends, and it is gone for everybody here."
    return Confirm(f"end the terminal {title}?", body, "end it", "keep it")


def addresses(links: Sequence[Link]) -> Pick:
    """Which address is followed."""
    shown = [(link.address, clip(scrub(link.address), CELLS)) for link in links]
    return Pick("addresses on this screen", shown)


def follow(address: str) -> Pick:
    """What is done with an address; all of it is shown, whatever text it stood under."""
    choices = [("copy", "copy the address")]
    if opens(address):
        choices.insert(0, ("open", "open it in a browser on this computer"))
    return Pick("the link leads to", choices, f"{scrub(address)}\n\nenter: choose   esc: leave it")
