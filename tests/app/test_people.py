"""Who else is here, in which colour."""

from __future__ import annotations

from typing import Any

from studio_tui.app.people import People


async def test_others_are_all_but_this_connection(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob")
        studio.arrive(3, "ana")
        people = pilot.app.workspace.people
        assert [person.connection for person in people.others] == [2, 3]


async def test_a_colour_fits_the_theme(studio: Any, open_app: Any) -> None:
    async with open_app(studio, theme="dark") as pilot:
        people = People(studio, pilot.app)
        shade = people.palette.shade("bob")
        assert (people.colour("bob"), people.ink("bob")) == (shade.dark, shade.dark)
        pilot.app.theme = "studio-light"
        assert people.colour("bob") == shade.light
        pilot.app.theme = "ansi-dark"
        assert people.colour("bob") == f"ansi_{shade.ansi}"
        assert people.ink("bob") == shade.ansi
