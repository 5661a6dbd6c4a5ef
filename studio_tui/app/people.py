"""Everybody else in the studio, with the colour that each has in every place of the screen."""

from __future__ import annotations

from textual.app import App

from studio_tui.app.colours import Palette
from studio_tui.client.studio import Studio
from studio_tui.document.presence import Person


class People:
    """The people of a studio as the screen needs them.

    Args:
        studio: where they are.
        app: whose theme chooses the shades.
    """

    def __init__(self, studio: Studio, app: App[object]) -> None:
        self._studio = studio
        self._app = app
        self.palette = Palette()

    @property
    def others(self) -> list[Person]:
        """Everybody but this connection."""
        me = self._studio.me
        mine = me.connection if me else None
        return [person for person in self._studio.people if person.connection != mine]

    def colour(self, name: str) -> str:
        """The colour of the person called `name`, as CSS has it, in the theme that is on."""
        shade = self.palette.shade(name)
        ansi = self._app.native_ansi_color
        colour = shade.on(dark=self._app.current_theme.dark, ansi=ansi)
        return f"ansi_{colour}" if ansi else colour

    def ink(self, name: str) -> str:
        """The same as Rich has it."""
        shade = self.palette.shade(name)
        return shade.on(dark=self._app.current_theme.dark, ansi=self._app.native_ansi_color)
